package import RateLimit
package import Transport

/// Where the limits of a snapshot are counted, made ready for workers to build their stores from.
package struct StorePlan: Sendable, Equatable {
    package enum Location: Sendable, Equatable {
        case memory
        case redis(Redis)
        case service(EndpointAddress, authority: String, tls: UpstreamTLS?)
    }

    package struct Redis: Sendable, Equatable {
        package var endpoint: EndpointAddress
        package var database: Int
        package var user: String?
        package var password: String?
        package var tls: UpstreamTLS?

        package init(
            endpoint: EndpointAddress, database: Int, user: String?, password: String?, tls: UpstreamTLS?
        ) {
            self.endpoint = endpoint
            self.database = database
            self.user = user
            self.password = password
            self.tls = tls
        }
    }

    package var location: Location
    package var domain: String
    package var timeout: Duration
    package var whenUnavailable: StoreConfiguration.WhenUnavailable

    package init(
        location: Location, domain: String, timeout: Duration, whenUnavailable: StoreConfiguration.WhenUnavailable
    ) {
        self.location = location
        self.domain = domain
        self.timeout = timeout
        self.whenUnavailable = whenUnavailable
    }
}
