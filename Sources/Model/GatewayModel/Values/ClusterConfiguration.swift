package import Balancing
package import Config

/// One entry of `clusters`: endpoints that serve the same thing.
package struct ClusterConfiguration: Sendable, Equatable {
    package var name: String
    package var endpoints: EndpointsConfiguration
    package var speaks: HTTPVersion
    /// Where this gateway is; `nil` where it does not matter.
    package var locality: String?
    package var balancing: BalancingConfiguration
    /// `nil` for cleartext.
    package var tls: PeerTLS?
    package var timeouts: Timeouts
    package var connections: Connections
    package var healthCheck: HealthCheckConfiguration?
    /// `nil` where nothing is known of its messages.
    package var schema: SchemaConfiguration?
    /// Limits, error breakers and outlier detection.
    package var guards: GuardSettings
    /// What counts where a route retries or hedges.
    package var retryBudget = RetryBudget.defaults
    package var hedgeBudget = RetryBudget.defaults

    package enum HTTPVersion: String, CaseIterable, Sendable {
        /// gRPC, and whatever else is spoken over HTTP/2.
        case http2
        /// Everything but gRPC, one request at a time on a connection.
        case http1
    }

    package struct Timeouts: Sendable, Equatable {
        /// From the first packet to the end of the TLS handshake.
        package var connect: Duration
        /// A connection without a stream; `nil` for `none`.
        package var idle: Duration?
        /// A connection, whatever runs on it; `nil` for `none`.
        package var age: Duration?
        /// A connection that was asked for a sign of life: PING, or keepalive.
        package var ping = Duration.seconds(3)
        /// Silence on a connection with calls before it is asked by itself; `nil` for `none`.
        package var keepalive: Duration?
        package static let defaults = Timeouts(connect: .seconds(5), idle: .seconds(3600))
    }

    package struct Connections: Sendable, Equatable {
        /// Streams on one connection; the peer's own limit, where it is lower.
        package var streams: Int
        /// Connections of one worker to one endpoint.
        package var maximum: Int
        package static let defaults = Connections(streams: 100, maximum: 16)
        package static let http1Defaults = Connections(streams: 1, maximum: 128)
    }
}
