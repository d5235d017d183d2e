package import AccessControl
package import Bridging
package import GRPC
package import RateLimit
package import Routing

/// One entry of `routes`: which requests, who may make them, how many, and where they go.
package struct RouteConfiguration: Sendable, Equatable {
    /// For logs and metrics, each once; derived from what it matches where it is left out.
    package var name: String
    package var match: RouteMatch
    /// The first of them, where it names several; `nil` where the gateway answers itself.
    package var cluster: String?
    /// The whole call, and the cap on grpc-timeout; `nil` for none of its own.
    package var timeout: Duration?
    /// In place of the listener's `stream_idle` and `body_bytes`; `nil` for those, `.unlimited` for none.
    package var streamIdle: Bound<Duration>?
    package var bodyBytes: Bound<Int>?
    package var access: AccessRules
    package var credentials = AuthenticationMode.on
    package var limits: [LimitConfiguration]
    /// What its calls cost in limits that say no cost of their own, those of plans too; zero: they are not charged there.
    package var cost: UInt64 = 1
    /// Whether callers are told the name of the rule or limit that stopped them.
    package var expose: Bool
    package var methods: [MethodConfiguration]
    /// `nil` where no page of another origin may call it.
    package var cors: CORSConfiguration?
    package var errorResponses: [ErrorResponse] = []
    /// What callers may speak.
    package var protocols = ClientProtocols.all
    /// `nil` for the canonical mapping.
    package var json: JSONConfiguration?
    /// `nil` for what the gateway says as a whole.
    package var gzip: GzipConfiguration.Use?
    package var priority = Priority.default
    /// Where else its calls go, and what goes wrong with them on purpose.
    package var traffic = TrafficConfiguration()
    package var attempts = AttemptsConfiguration()
    /// What answers its calls.
    package var action = Action.cluster
    package var fallback: FallbackConfiguration?
    package var rewrite = RewriteConfiguration()
    package var requestHeaders = HeaderChanges()
    package var requestQuery = QueryChanges()
    package var responseHeaders = HeaderChanges()

    /// Whose calls are refused first where the gateway nears its limits, and which of a cluster's limits they are held to.
    package enum Priority: String, CaseIterable, Sendable { case low, `default`, high }

    /// A limit of its own, or that there is none.
    package enum Bound<Value: Sendable & Equatable>: Sendable, Equatable {
        case atMost(Value)
        case unlimited
    }

    package enum Action: Sendable, Equatable {
        /// `cluster`, or `clusters`.
        case cluster
        case redirect(RedirectConfiguration)
        case respond(RespondConfiguration)
        case serve(Served)
    }

    /// What the gateway itself has to tell.
    package enum Served: String, CaseIterable, Sendable {
        /// Of the caller's own tenant.
        case usage
    }

    /// Those that its calls may be answered by.
    package var clusters: [String] {
        guard let cluster else { return [] }
        return traffic.split.isEmpty ? [cluster] : traffic.split.map(\.cluster)
    }
}

/// One entry of a route's `methods`: what is different for this method of the route's service.
package struct MethodConfiguration: Sendable, Equatable {
    package var name: String
    /// `nil` for the route's.
    package var timeout: Duration?
    /// `allow` replaces the route's, `deny` is asked in addition to it.
    package var access: AccessRules
    /// In addition to the route's.
    package var limits: [LimitConfiguration]
    /// `nil` for the route's.
    package var cost: UInt64? = nil
    package var attempts = AttemptsConfiguration()
    /// After the route's.
    package var requestHeaders = HeaderChanges()
    package var responseHeaders = HeaderChanges()
}
