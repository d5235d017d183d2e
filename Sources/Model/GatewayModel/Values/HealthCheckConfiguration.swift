/// A cluster's `health_check`: its kind in a word, or a mapping.
package struct HealthCheckConfiguration: Sendable, Equatable {
    package var kind: Kind
    package var interval = Duration.seconds(10)
    /// For one check, from its connection on.
    package var timeout = Duration.seconds(1)
    /// Passed checks in a row that make an endpoint well again.
    package var healthyThreshold = 2
    /// Failed checks in a row that make it ill. The first check of all decides alone.
    package var unhealthyThreshold = 3
    /// Of an interval, by which it is longer at most.
    package var jitterPercent = 10

    package enum Kind: Sendable, Equatable {
        /// grpc.health.v1: Watch, or Check where the endpoint has no Watch.
        case grpc(service: String)
        /// GET over HTTP/2; 200 to 299 is well.
        case http(path: String)
        /// That it accepts a connection, and the handshake where there is TLS.
        case tcp
    }

    package init(_ kind: Kind) { self.kind = kind }
}
