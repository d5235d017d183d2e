internal import Bytes
internal import HTTP2
package import HTTPModel
package import Sockets
internal import Reactor
package import TLS
internal import Time

/// A connection that callers opened to us.
package final class ServerConnection: Connection {
    /// Hears of every request.
    private unowned(unsafe) let handler: any StreamHandler
    private unowned(unsafe) let server: HTTPServer
    private var drain = DrainMachine()
    /// In nanoseconds of the loop's clock: when the last stream ended, or the connection began.
    private(set) var idleSince: UInt64
    private var announcedAt: UInt64 = 0
    /// Until bytes of the client's preface have come (and TLS is done, where there is TLS).
    private var isGreeted = false
    private var inboundBytesAtSweep = 0

    private static let drainPing: UInt64 = 0x6472_6169_6e00_0001
    /// How long an announced drain waits for its PING's answer.
    private static let drainAnswerNanoseconds: UInt64 = 1_000_000_000

    init(channel: ByteChannel, server: HTTPServer, handler: any StreamHandler) {
        self.server = server
        self.handler = handler
        idleSince = server.context.loop.now.nanoseconds
        peerText = Array((channel.peer?.host ?? "unknown").utf8)
        super.init(
            channel: channel, role: .server, limits: server.settings.session, context: server.context)
        if channel.isOpen { channel.markDirty() }
    }

    /// The peer's address without its port, as text.
    package let peerText: [UInt8]
    /// TLS lies under it.
    package var isSecure: Bool { channel.isSecure }
    /// The client certificate that was verified.
    package private(set) var peerCertificate: CertificateInfo?
    /// What TLS agreed on; `nil` in cleartext.
    package private(set) var tlsVersion: ProtocolVersion?
    /// What the caller speaks, as logs say it.
    package var protocolName: StaticString { "HTTP/2" }
    /// Whatever the handler keeps with the connection.
    package var attachment: AnyObject?

    /// The listener this connection came in by.
    package var listener: HTTPServer { server }

    @inline(__always)
    package static func withServer<Result>(_ stream: StreamPointer, _ body: (ServerConnection) -> Result) -> Result {
        Unmanaged<ServerConnection>.fromOpaque(stream.pointee.connection!)._withUnsafeGuaranteedRef(body)
    }

    /// Field bytes that are not literals must lie in the stream's own arena.
    package func respond(_ stream: StreamPointer, _ fields: UnsafeBufferPointer<Field>, ended: Bool) {
        session.submitResponse(stream, fields, ended: ended)
        channel.markDirty()
    }

    package func inform(_ stream: StreamPointer, _ fields: UnsafeBufferPointer<Field>) {
        session.submitInformational(stream, fields)
        channel.markDirty()
    }

    // MARK: Events

    override package func channelOpened() {
        if let facts = channel.securityFacts {
            peerCertificate = facts.peerCertificate
            tlsVersion = facts.version
        }
        super.channelOpened()
    }

    override package func channelReceived(_ bytes: UnsafeRawBufferPointer) {
        isGreeted = true
        super.channelReceived(bytes)
    }

    override package func channelClosed(_ end: ChannelEnd) {
        super.channelClosed(end)
        server.forget(self)
    }

    override package func sessionBegan(_ stream: StreamPointer) { stream.pointee.handler = handler }

    override package func sessionStreamEnded() {
        guard session.streamCount == 0 else { return }
        idleSince = now
        perform(drain.streamEnded(openStreams: 0))
    }

    override package func sessionReceivedPong(_ payload: UInt64) {
        guard payload == Self.drainPing else { return }
        for action in drain.answered(openStreams: session.streamCount) { perform(action) }
    }

    // MARK: Leaving

    func beginDrain() { perform(drain.begin()) }

    private func perform(_ action: DrainMachine.Action) {
        switch action {
        case .none: return
        case .announce:
            announcedAt = now
            session.announceShutdown()
            session.ping(Self.drainPing)
        case .nameLastStream:
            session.goAway(.noError)
        case .close:
            channel.close()
        }
        channel.markDirty()
    }

    // MARK: Time

    /// Called about once a second: ends what has been silent for too long.
    func sweep(_ settings: HTTPServerSettings) {
        let now = now
        func isOver(_ since: UInt64, _ limit: Duration?) -> Bool {
            guard let limit else { return false }
            return now > since &+ UInt64(max(0, limit.nanoseconds))
        }
        if !isGreeted {
            if isOver(idleSince, settings.handshake) { channel.abort() }
            return
        }
        if channel.pendingBytes > 0, isOver(channel.lastProgress, settings.stall) {
            // Nothing at all gets through to this peer, whether or not it still has streams.
            channel.abort()
            return
        }
        if announcedAt > 0, now > announcedAt + Self.drainAnswerNanoseconds {
            announcedAt = 0
            for action in drain.answered(openStreams: session.streamCount) { perform(action) }
        }
        if session.streamCount == 0 {
            if drain.isServing, isOver(idleSince, settings.idle) { beginDrain() }
            return
        }
        var next = session.firstStream
        while let stream = next {
            next = stream.pointee.next
            if !stream.pointee.outbound.isEmpty, isOver(stream.pointee.lastActivity, settings.stall) {
                reset(stream, .cancel)
            } else if isOver(stream.pointee.lastActivity, settings.streamIdle) {
                handlerTimedOut(stream)
            }
        }
    }

    private func handlerTimedOut(_ stream: StreamPointer) {
        guard let handler = handler as? any IdleStreamHandler else { return reset(stream, .cancel) }
        handler.streamIdle(stream)
    }
}

/// A handler that answers a stream nothing has moved on for `stream_idle`; others' streams are reset.
package protocol IdleStreamHandler: StreamHandler {
    func streamIdle(_ stream: StreamPointer)
}
