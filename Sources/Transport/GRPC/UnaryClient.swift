package import Bytes
internal import GRPC
internal import HTTP2
internal import HTTPModel
internal import Reactor
package import Sockets
internal import Time

/// Makes unary gRPC calls to one address, on one connection that is made when it is first needed and again when it broke.
///
///     idle ──call──▶ connecting ──opened──▶ ready
///       ▲                │ failed              │ lost
///       └── backoff ◀────┴─────────────────────┘
///
/// For the few calls a worker makes for itself; the gateway's traffic has pools. Calls wait for the connection within
/// their own deadline. After a failure the next attempt waits from 100 ms to 10 s, doubling, half of it jitter.
package final class UnaryClient: ClientConnectionOwner {
    package struct Settings: Sendable {
        /// `:authority`.
        package var authority: String
        package var callsMax = 1000
        package var replyBytesMax = MessageReader.defaultPayloadBytesMax

        package init(authority: String) { self.authority = authority }
    }

    package struct Answer {
        package let status: CallStatus
        /// Valid for the length of the completion; empty unless the status is `ok`.
        package let reply: UnsafeRawBufferPointer
    }

    private let address: SocketAddress
    let settings: Settings
    unowned(unsafe) let context: WorkerContext
    private var connection: ClientConnection?
    /// It may still be on the stack.
    private var leaving: [ClientConnection] = []
    private var waiting: [UnaryExchange] = []
    var running: [ObjectIdentifier: UnaryExchange] = [:]
    private var backoff: Timer?
    private var failureCount = 0
    private var randomness: UInt64

    private static let firstBackoffMilliseconds: Int64 = 100
    private static let backoffMillisecondsMax: Int64 = 10_000

    /// - Parameter seed: for the jitter.
    package init(to address: SocketAddress, settings: Settings, context: WorkerContext, seed: UInt64) {
        self.address = address
        self.settings = settings
        self.context = context
        randomness = seed | 1
        backoff = Timer(on: context.loop) { [unowned self] in self.connect() }
    }

    deinit {
        connection?.owner = nil
        connection?.channel.abort()
        for connection in leaving { connection.owner = nil; connection.channel.abort() }
    }

    package var isReady: Bool { connection?.isReady ?? false }

    /// Makes a call; `completion` is called exactly once, later, unless the client ends first.
    ///
    /// - Parameters:
    ///   - timeout: all of it, the wait for a connection too; sent along as `grpc-timeout`.
    ///   - write: appends the request's message.
    package func call(
        _ path: StaticString, timeout: Duration, write: (inout ByteBuffer) -> Void,
        completion: @escaping (Answer) -> Void
    ) {
        let exchange = UnaryExchange(self, path: path, deadline: context.loop.now + timeout, completion: completion)
        write(&exchange.request)
        running[ObjectIdentifier(exchange)] = exchange
        guard running.count <= settings.callsMax else {
            return exchange.endSoon(CallStatus(.resourceExhausted, "too many calls wait already"))
        }
        exchange.armDeadline()
        if let connection, connection.hasRoom { return exchange.start(on: connection) }
        waiting.append(exchange)
        if connection == nil, backoff?.isArmed == false { connect() }
    }

    private func connect() {
        guard connection == nil, !waiting.isEmpty else { return }
        do {
            connection = try ClientConnection(
                to: address, limits: .defaults, streamLimit: 100, context: context, owner: self)
        } catch {
            failed()
        }
    }

    /// Who waits at a time when no connection can be had hears so, rather than at its deadline.
    private func failed() {
        failureCount += 1
        let doubled = Self.firstBackoffMilliseconds << Int64(min(failureCount - 1, 10))
        let limit = min(doubled, Self.backoffMillisecondsMax)
        randomness ^= randomness << 13
        randomness ^= randomness >> 7
        randomness ^= randomness << 17
        backoff?.arm(after: .milliseconds(limit / 2 + Int64(randomness % UInt64(limit / 2 + 1))))
        let waiting = waiting
        self.waiting = []
        for exchange in waiting { exchange.endSoon(CallStatus(.unavailable, "no connection to \(address)")) }
    }

    func withdraw(_ exchange: UnaryExchange) {
        waiting.removeAll { $0 === exchange }
        running[ObjectIdentifier(exchange)] = nil
    }

    private func startWaiting(on connection: ClientConnection) {
        while !waiting.isEmpty, connection.hasRoom { waiting.removeFirst().start(on: connection) }
    }

    // MARK: ClientConnectionOwner

    package func clientConnectionOpened(_ connection: ClientConnection) {
        failureCount = 0
        startWaiting(on: connection)
    }

    package func clientConnectionHasRoom(_ connection: ClientConnection) {
        guard connection === self.connection else { return }
        startWaiting(on: connection)
    }

    package func clientConnectionLeaving(_ connection: ClientConnection) {
        guard connection === self.connection else { return }
        leaving.append(connection)
        self.connection = nil
        connect()
    }

    package func clientConnectionClosed(_ connection: ClientConnection, _ end: ChannelEnd) {
        let kept = connection
        context.loop.afterThisTick { withExtendedLifetime(kept) {} }
        guard connection === self.connection else { return leaving.removeAll { $0 === connection } }
        self.connection = nil
        if connection.wasReady, failureCount == 0 {
            // A connection that had worked: the next is tried at once, but not one after that.
            failureCount = 1
            return connect()
        }
        failed()
    }
}
