package import RateLimit
package import Transport

/// Where the limits of a snapshot are counted, made ready for workers to build their stores from.
package struct StorePlan: Sendable, Equatable {
    package enum Location: Sendable, Equatable {
        case memory
        case redis(RedisLocation, tls: UpstreamTLS?)
        case service(EndpointAddress, authority: String, tls: UpstreamTLS?)
    }

    package var location: Location
    package var domain: String
    package var timeout: Duration
    package var whenUnavailable: StoreConfiguration.WhenUnavailable
    /// As `StoreConfiguration.lease`.
    package var lease: Duration?
    package var heartbeatTimeout: Duration

    package init(
        location: Location, domain: String, timeout: Duration, whenUnavailable: StoreConfiguration.WhenUnavailable,
        lease: Duration?,
        heartbeatTimeout: Duration = StoreConfiguration.defaults.heartbeatTimeout
    ) {
        self.location = location
        self.domain = domain
        self.timeout = timeout
        self.whenUnavailable = whenUnavailable
        self.lease = lease
        self.heartbeatTimeout = heartbeatTimeout
    }

    /// Whether connections of the other serve this one too, once they are told its passwords.
    package func isServed(byConnectionsOf other: StorePlan) -> Bool { withoutRenewable == other.withoutRenewable }

    private var withoutRenewable: StorePlan {
        guard case .redis(let redis, let tls) = location else { return self }
        var plan = self
        plan.location = .redis(redis.withoutRenewable, tls: tls)
        return plan
    }
}
