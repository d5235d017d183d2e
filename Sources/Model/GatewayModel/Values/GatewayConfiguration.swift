package import Bridging
package import Config
package import Net
package import RateLimit
package import Transport

/// What a gateway is configured to do: a value that a snapshot can be built from, read of martlet.yaml or made by another source.
///
/// Equal where the same is configured: places in a file are not among it (`PlaceIndex`). Files that it names are not opened here;
/// problems are reported at the keys that name them when they are.
package struct GatewayConfiguration: Sendable, Equatable {
    /// `nil` for `auto`: one for each core that this process may run on.
    package var workers: Int?
    package var drain: DrainConfiguration
    package var accessLog: AccessLogTarget
    package var admin: NetworkAddress
    /// Peers whose x-forwarded-for and -proto are trusted.
    package var trustedProxies: [CIDR]
    package var addressPrefix = AddressPrefix()
    package var memory: MemoryConfiguration
    package var overload = OverloadConfiguration.defaults
    package var resolver: ResolverConfiguration
    package var listeners: [ListenerConfiguration]
    /// `nil` where callers are not authenticated.
    package var authentication: AuthenticationConfiguration?
    package var plans: [PlanConfiguration]
    package var rateLimits: StoreConfiguration
    /// `nil` where callers are not told what they can call.
    package var openAPI: OpenAPIConfiguration?
    /// For routes that say nothing of it; `nil` for none.
    package var gzip: GzipConfiguration.Use? = nil
    package var clusters: [ClusterConfiguration]
    /// In the order written, which is the order asked.
    package var routes: [RouteConfiguration]
}

package enum AccessLogTarget: Sendable, Equatable {
    case off
    case stdout
    case file(String)
}

/// How much of bodies may be buffered for slow receivers.
///
/// At three quarters of a cap no window grows; at the cap new calls are refused, then the stream that holds most
/// is reset.
package struct MemoryConfiguration: Sendable, Equatable {
    package var process: Int
    package var connection: Int
    /// Above it no body is kept for another attempt.
    package var replay: Int

    package static let defaults = MemoryConfiguration(process: 1 << 30, connection: 32 << 20, replay: 256 << 20)

    package init(process: Int, connection: Int, replay: Int = .max) {
        self.process = process
        self.connection = connection
        self.replay = replay
    }
}
