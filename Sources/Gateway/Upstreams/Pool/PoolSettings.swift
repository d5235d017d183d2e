package import HTTPModel
package import TLS
package import Transport

/// What a cluster's connections are like.
package struct PoolSettings: Sendable, Equatable {
    package var applicationProtocol = ApplicationProtocol.http2
    package var session: ConnectionLimits
    /// Requests at once on one connection; the peer's own limit may be lower.
    package var streams: Int
    /// Connections to one endpoint from one worker.
    package var connections: Int
    /// Requests that may wait for a connection, per endpoint and worker.
    package var waiting: Int
    package var connectTimeout: Duration
    /// A connection without requests is closed after it.
    package var idleTimeout: Duration?
    /// How a connection whose peer no longer responds is detected.
    package var liveness = LivenessSettings.defaults
    /// A connection, whatever runs on it, with a tenth more or less for each: then it takes no more requests.
    package var age: Duration?

    package static let defaults = PoolSettings(
        session: .defaults, streams: 100, connections: 16, waiting: 1024, connectTimeout: .seconds(5),
        idleTimeout: .seconds(3600))

    package init(
        session: ConnectionLimits, streams: Int, connections: Int, waiting: Int, connectTimeout: Duration,
        idleTimeout: Duration?
    ) {
        self.session = session
        self.streams = streams
        self.connections = connections
        self.waiting = waiting
        self.connectTimeout = connectTimeout
        self.idleTimeout = idleTimeout
    }
}
