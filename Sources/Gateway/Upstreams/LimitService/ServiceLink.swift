internal import GRPC
internal import HTTPModel
internal import Net
internal import RateLimit
internal import Reactor
package import Sockets
internal import TLS
internal import Time
package import Transport

/// One connection to a service, made again whenever it is lost: at once the first time, then after growing pauses.
package final class ServiceLink: ClientConnectionOwner {
    /// Constant for the life of the link: codecs may borrow them.
    let authority: [UInt8]
    let timeoutText: [UInt8]
    var opened: (() -> Void)?
    var failed: ((StoreTrouble) -> Void)?
    /// Why the last connection ended, or could not be made.
    private(set) var lastTrouble = StoreTrouble.unreachable(nil)

    private unowned(unsafe) let context: WorkerContext
    private let endpoint: EndpointAddress
    private let tls: UpstreamTLS?
    private var resolved: ResolvedNames
    private var connection: ClientConnection?
    /// Connections that still finish what they carry.
    private var leaving: [ClientConnection] = []
    private var backoff = ExponentialBackoff(from: .milliseconds(50), to: .seconds(5))
    private var turn = AddressTurn()
    /// Its time to connect was over within TLS.
    private var isStuckInTLS = false
    private var retry: Timer?
    /// Ends a connection that is not ready in time.
    private var connectTimer: Timer?

    private static let streamsMax = 1000
    private static let connectTimeout = Duration.seconds(5)

    package init(
        _ endpoint: EndpointAddress, authority: String, tls: UpstreamTLS?, timeout: Duration, resolved: ResolvedNames,
        context: WorkerContext
    ) {
        self.endpoint = endpoint
        self.authority = Array(authority.utf8)
        self.tls = tls
        self.context = context
        timeoutText = GRPCTimeout.text(of: timeout)
        self.resolved = resolved
        retry = Timer(on: context.loop) { [unowned self] in connect() }
        connectTimer = Timer(on: context.loop) { [unowned self] in
            isStuckInTLS = connection?.channel.isHandshaking == true
            connection?.channel.abort()
        }
        connect()
    }

    /// Closes every connection without notifying the handlers of their streams.
    func shutDown() {
        retry = nil
        connectTimer = nil
        for connection in leaving + [connection].compactMap({ $0 }) {
            connection.owner = nil
            connection.abandonStreams()
            connection.channel.abort()
        }
        connection = nil
        leaving = []
    }

    var isSecure: Bool { tls != nil }
    /// It has never failed, or a connection is on its way: worth waiting a moment.
    var isConnecting: Bool { connection != nil }

    package func resolve(_ names: ResolvedNames) { resolved = names }

    /// The connection, if a request can be sent on it now.
    func ready() -> ClientConnection? {
        // There is no other: a suspected connection is used until its peer responds or it ends.
        guard let connection, connection.hasFreeStream else { return nil }
        return connection
    }

    private func connect() {
        guard connection == nil else { return }
        guard let address = turn.next(of: resolved.addresses(of: endpoint)) else { return pause() }
        var security: (context: ClientContext, name: ServerName)?
        if let (context, name) = tls?.securing(endpoint.host) {
            guard let name else { return pause() }
            security = (context, name)
        }
        connection = try? ClientConnection(
            to: address, tls: security, limits: .defaults, streamLimit: Self.streamsMax, context: context, owner: self)
        guard let connection else { return pause() }
        connection.channel.setUserTimeout()
        connectTimer?.arm(after: Self.connectTimeout)
    }

    private func pause() {
        retry?.arm(after: backoff.failed().shortened(context.random.next()))
        failed?(lastTrouble)
    }

    // MARK: ClientConnectionOwner

    package func clientConnectionOpened(_ connection: ClientConnection) {
        backoff.succeeded()
        lastTrouble = .unreachable(nil)
        connectTimer?.disarm()
        opened?()
    }

    package func clientConnectionHasRoom(_ connection: ClientConnection) {}

    package func clientConnectionDraining(_ connection: ClientConnection) { replace(connection) }

    package func clientConnectionClosed(_ connection: ClientConnection, _ end: ChannelEnd) {
        guard connection === self.connection else { return }
        // Once HTTP/2 is established, the end of TLS is a lost connection.
        switch end {
        case .security(let reason) where !connection.wasReady: lastTrouble = .insecure(reason)
        case .local where isStuckInTLS: lastTrouble = .insecure("no answer to the handshake")
        default: lastTrouble = .unreachable(connection.wasReady ? nil : end.reason)
        }
        isStuckInTLS = false
        replace(connection)
    }

    /// Drops a connection that takes no more streams, and opens another; the former may be on the stack.
    private func replace(_ former: ClientConnection) {
        guard former === connection else { return }
        connection = nil
        connectTimer?.disarm()
        former.owner = nil
        leaving.removeAll { $0.isClosed }
        leaving.append(former)
        if former.wasReady, !backoff.hasFailed { connect() } else { pause() }
    }
}
