package import GRPC
package import HTTPModel
internal import Net
internal import Reactor
package import Sockets
package import TLS

/// What a listener allows its connections.
package struct HTTPServerSettings: Sendable {
    package var session: ConnectionLimits
    /// Connections on this listener, over all workers.
    package var connections: Int
    /// TLS and preface; `nil` for none, as below.
    package var handshake: Duration?
    /// A connection without streams.
    package var idle: Duration?
    /// A connection, whatever runs on it, with a tenth more or less for each; what then runs has `ageGrace`, or for `nil` any time.
    package var age: Duration?
    package var ageGrace: Duration?
    /// A stream on which nothing moves in either direction.
    package var streamIdle: Duration?
    /// Output that makes no progress.
    package var stall: Duration?
    /// One request's body, over its whole life; `nil` for any.
    package var bodyBytesMax: Int?
    /// The protocols served, in cleartext; under TLS its context's ALPN list is the same.
    package var protocols: [ApplicationProtocol] = [.http2]
    /// The protocols that calls may use; `nil` for all.
    package var allowedProtocols: ClientProtocols?
    /// Fields that only trusted peers may set.
    package var trustedHeaders = FieldNameSet.proxies
    /// Paths of plain HTTP are normalized before anything is decided by them.
    package var normalizesPaths = false
    /// What upstreams are told of requests as they arrived.
    package var forwarded: ForwardedHeaders = []

    package static let defaults = HTTPServerSettings(
        session: .defaults, connections: 10_000, handshake: .seconds(10), idle: .seconds(3600),
        streamIdle: .seconds(300), stall: .seconds(30), bodyBytesMax: nil)

    package init(
        session: ConnectionLimits, connections: Int, handshake: Duration?, idle: Duration?, streamIdle: Duration?,
        stall: Duration?, bodyBytesMax: Int?
    ) {
        self.session = session
        self.connections = connections
        self.handshake = handshake
        self.idle = idle
        self.streamIdle = streamIdle
        self.stall = stall
        self.bodyBytesMax = bodyBytesMax
    }
}

/// One worker's share of a listener: the connections that came in by it.
package final class HTTPServer {
    /// Of the configuration in service.
    package private(set) var name: String
    /// The name that snapshots made before the present one know it by.
    private var formerName: String?
    private var place: (generation: UInt64, index: Int16) = (0, -1)
    /// Of connections that come from now on.
    package var settings: HTTPServerSettings
    unowned(unsafe) let context: WorkerContext
    private unowned(unsafe) let handler: any StreamHandler
    private var connections: [ObjectIdentifier: ServerConnection] = [:]
    private var sweeper: Timer?
    private var isDraining = false
    /// Called whenever a connection has reached its age.
    package var connectionAged: (() -> Void)?
    /// Called whenever a connection has ended.
    package var connectionEnded: (() -> Void)?
    /// The TLS context of new connections; `nil` for cleartext.
    package var tls: ServerContext?

    package init(name: String, settings: HTTPServerSettings, handler: any StreamHandler, context: WorkerContext) {
        self.name = name
        self.settings = settings
        self.handler = handler
        self.context = context
        sweeper = Timer(on: context.loop) { [unowned self] in sweep() }
        sweeper?.arm(after: sweepInterval)
    }

    /// Its place among the listeners of a snapshot, -1 where that does not have it; looked up once for each snapshot.
    ///
    /// - Parameter find: the place of a name.
    @inline(__always)
    package func place(generation: UInt64, _ find: (String) -> Int?) -> Int16 {
        if place.generation != generation {
            place = (generation, Int16(clamping: find(name) ?? formerName.flatMap(find) ?? -1))
        }
        return place.index
    }

    package func rename(_ name: String) {
        guard name != self.name else { return }
        formerName = self.name
        self.name = name
        place.generation = 0
    }

    package var connectionCount: Int { connections.count }

    /// Serves an accepted socket from now on.
    ///
    /// - Returns: false where it was refused.
    package func serve(_ socket: AcceptedSocket) -> Bool {
        guard !isDraining else {
            socket.refuse()
            return false
        }
        // Fails only where the loop can watch no more descriptors; the socket is closed then.
        guard let channel = try? ByteChannel(socket, tls: tls, on: context.loop, scratch: context.scratch) else {
            return false
        }
        let connection = ServerConnection(channel: channel, server: self, handler: handler)
        connections[ObjectIdentifier(connection)] = connection
        return true
    }

    func forget(_ connection: ServerConnection) {
        connections[ObjectIdentifier(connection)] = nil
        connectionEnded?()
    }

    /// New connections are refused, present ones are drained.
    package func beginDrain() {
        isDraining = true
        for connection in connections.values { connection.beginDrain() }
    }

    /// Connections that have had no stream for a while are drained, to make room for others.
    package func closeIdle(after idle: Duration) {
        for connection in connections.values where connection.idleFor >= idle { connection.beginDrain() }
    }

    /// Ends one connection at once, so that another has room: of the address that has the most, the one whose last request,
    /// or whose beginning, is longest ago, whatever it is in the middle of.
    ///
    /// - Returns: false where there is none.
    @discardableResult
    package func makeRoom() -> Bool {
        var counts: [IPAddress?: Int] = [:]
        for connection in connections.values { counts[connection.peerHost, default: 0] += 1 }
        let most = counts.values.max() ?? 0
        let crowd = connections.values.filter { counts[$0.peerHost] == most }
        guard let longest = crowd.min(by: { $0.idleSince < $1.idleSince }) else { return false }
        longest.abort()
        return true
    }

    /// Ends every connection, once its output has been written.
    package func end() {
        for connection in connections.values { connection.closeAfterFlush() }
    }

    private var sweepInterval: Duration {
        let shortest = [settings.handshake, settings.idle, settings.age, settings.streamIdle, settings.stall].compactMap { $0 }
            .min()
        return min(.seconds(1), max(.milliseconds(10), (shortest ?? .seconds(4)) / 4))
    }

    private func sweep() {
        for connection in connections.values { connection.sweep(settings) }
        sweeper?.arm(after: sweepInterval)
    }
}
