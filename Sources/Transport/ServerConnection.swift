internal import Bytes
package import GRPC
internal import HTTP1
internal import HTTP2
package import HTTPModel
internal import Net
internal import Random
internal import Reactor
package import Sockets
package import TLS
internal import Time

/// A connection that callers opened to us.
///
/// What it speaks is chosen once: by ALPN, or in cleartext by the first bytes.
package final class ServerConnection: Connection {
    /// Hears of every request.
    private let handler: UnownedReference<any StreamHandler>
    private unowned(unsafe) let server: HTTPServer
    private let protocols: [ApplicationProtocol]
    /// One request's body, at most; `nil` for any.
    package let bodyBytesMax: Int?
    /// What callers may speak; `nil` for all.
    package let allowedProtocols: ClientProtocols?
    /// Fields that only trusted peers may set, kept with the connection.
    private let trustedHeaderNames: FieldNameSet
    /// The same, asked without counting references.
    package let trustedHeaders: Unmanaged<FieldNameSet>
    private var preface = Preface()
    private var drain = DrainMachine()
    /// In nanoseconds of the loop's clock: when the last stream ended, or the connection began.
    private(set) var idleSince: UInt64
    private var announcedAt: UInt64 = 0
    /// When it has reached its age, and when its calls have had their grace; 0 for never.
    private var agesAt: UInt64 = 0
    private var graceEndsAt: UInt64 = 0
    /// Once the client has said what it speaks: its preface and SETTINGS, or the beginning of a request line.
    private var hasReceivedPreface = false
    /// When we said our last; then the peer has a little while to close.
    private var leftAt: UInt64 = 0

    private static let drainPing: UInt64 = 0x6472_6169_6e00_0001
    /// How long an announced drain waits for its PING's answer, and an answered caller may take to close.
    private static let courtesyNanoseconds: UInt64 = 1_000_000_000

    init(channel: ByteChannel, server: HTTPServer, handler: any StreamHandler) {
        self.server = server
        self.handler = UnownedReference(handler)
        protocols = server.settings.protocols
        bodyBytesMax = server.settings.bodyBytesMax
        allowedProtocols = server.settings.allowedProtocols
        trustedHeaderNames = server.settings.trustedHeaders
        trustedHeaders = .passUnretained(trustedHeaderNames)
        idleSince = server.context.loop.now.nanoseconds
        if let age = server.settings.age {
            agesAt = idleSince &+ UInt64(clamping: age.jittered(server.context.random.next()).nanoseconds)
        }
        let text = Array((channel.peer?.host ?? "unknown").utf8)
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: text.count, alignment: 1)
        memory.copyBytes(from: text)
        peerText = UnsafeRawBufferPointer(memory)
        super.init(channel: channel, limits: server.settings.session, context: server.context)
    }

    deinit { peerText.deallocate() }

    /// The peer's address without its port, as text; the connection's own memory.
    package let peerText: UnsafeRawBufferPointer
    /// TLS lies under it.
    package var isSecure: Bool { channel.isSecure }
    /// The client certificate that was verified.
    package private(set) var peerCertificate: CertificateInfo?
    /// What TLS agreed on; `nil` in cleartext.
    package private(set) var tlsVersion: ProtocolVersion?
    /// What the caller speaks, as logs say it.
    package var protocolName: StaticString { isHTTP1 ? "HTTP/1.1" : "HTTP/2" }
    package private(set) var isHTTP1 = false
    /// The codec, where it is HTTP/1.1's.
    private var exchanges: HTTP1Exchanges?
    /// Whatever the handler keeps with the connection.
    package var attachment: AnyObject?

    /// The listener this connection came in by.
    package var listener: HTTPServer { server }

    /// Field bytes that are not literals must lie in the stream's own arena.
    package func respond(_ stream: StreamPointer, _ fields: UnsafeBufferPointer<Field>, ended: Bool) {
        say {
            $0.submitResponse(stream, fields, ended: ended)
        } _: { _ in
            exchanges?.respond(stream, fields, ended: ended)
        }
    }

    package func inform(_ stream: StreamPointer, _ fields: UnsafeBufferPointer<Field>) {
        say {
            $0.submitInformational(stream, fields)
        } _: { _ in
            exchanges?.inform(stream, fields)
        }
    }

    // MARK: Events

    override package func channelOpened() {
        if let facts = channel.securityFacts {
            peerCertificate = facts.peerCertificate
            tlsVersion = facts.version
            // A client without ALPN gets this far only where HTTP/1.1 is spoken.
            if facts.applicationProtocol == .http2 { speakHTTP2() } else { speakHTTP1() }
        }
        super.channelOpened()
    }

    override package func channelReceived(_ bytes: UnsafeRawBufferPointer) {
        if case .undecided = codec {
            guard decide(bytes) else { return }
        }
        if !hasReceivedPreface, case .http1 = codec { hasReceivedPreface = true }
        super.channelReceived(bytes)
    }

    override func ended(_ end: ChannelEnd) {
        super.ended(end)
        server.forget(self)
    }

    /// The caller may still be sending, and is to read the GOAWAY that says why it is over.
    override func closeAfterFlush() { channel.closeAfterPeer() }

    override func streamEnded() {
        guard streamCount == 0 else { return }
        idleSince = now
        perform(drain.streamEnded(openStreams: 0))
    }

    override func settingsChanged() { hasReceivedPreface = true }

    override func pongReceived(_ payload: UInt64) {
        guard payload == Self.drainPing else { return }
        for action in drain.answered(openStreams: streamCount) { perform(action) }
    }

    // MARK: The choice

    /// False while the bytes so far, or the connection itself, are no more of interest.
    private func decide(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let held = Preface.prefix(preface.matched)
        switch protocols.contains(.http2) ? preface.match(bytes) : .isOther {
        case .needsMore: return false
        case .isHTTP2: speakHTTP2()
        case .isOther:
            // Neither a method nor the line break that may stand before it: no HTTP at all, and no words for it.
            guard !held.isEmpty || bytes.first.map({ HTTPGrammar.isToken($0) || $0 == 0x0D }) == true else {
                channel.abort()
                return false
            }
            speakHTTP1()
        }
        // What matched in vain, or led up to this, belongs to the codec.
        if !held.isEmpty { super.channelReceived(held) }
        return !isClosed
    }

    private func speakHTTP2() {
        let session = HTTP2.Session(
            .server, limits: limits, pool: context.streams, events: context.events, memory: context.sessionMemory)
        session.requestListener = handler
        choose(.http2(session))
        if isDraining { perform(drain.begin()) }
        channel.markDirty()
    }

    private func speakHTTP1() {
        var wanted = HTTP1Limits()
        wanted.fieldBytesMax = limits.fieldListBytes
        wanted.fieldsMax = limits.fieldCount
        wanted.sectionBytesMax = limits.sectionBytesMax
        let exchanges = HTTP1Exchanges(
            limits: wanted, windowBytes: Int(limits.streamWindowBytes), isSecure: isSecure,
            connection: Unmanaged.passUnretained(self).toOpaque(), pool: context.streams, events: context.events,
            date: context.date)
        exchanges.requestListener = handler
        choose(.http1(exchanges))
        isHTTP1 = true
        self.exchanges = exchanges
        if !protocols.contains(.http1) { exchanges.refuseVersion() }
        if isDraining { exchanges.drain() }
    }

    // MARK: Leaving

    func beginDrain() {
        isDraining = true
        switch codec {
        case .undecided:
            // Who is about to speak is told then.
            announcedAt = now
        case .http2:
            perform(drain.begin())
        case .http1:
            exchanges?.drain()
            channel.markDirty()
        }
    }

    private func perform(_ action: DrainMachine.Action) {
        switch action {
        case .none: return
        case .announce:
            announcedAt = now
            say {
                $0.announceShutdown(); $0.ping(Self.drainPing)
            } _: { _ in
            }
        case .nameLastStream:
            say {
                $0.goAway(.noError)
            } _: { _ in
            }
        case .close:
            closeAfterFlush()
        }
        channel.markDirty()
    }

    // MARK: Time

    private var isDraining = false

    /// Called about once a second: ends what has been silent for too long.
    func sweep(_ settings: HTTPServerSettings) {
        let now = now
        func isOver(_ since: UInt64, _ limit: Duration?) -> Bool {
            guard let limit else { return false }
            return now > since &+ UInt64(max(0, limit.nanoseconds))
        }
        if channel.isClosing {
            if leftAt == 0 { leftAt = now }
            if now > leftAt &+ Self.courtesyNanoseconds, channel.pendingBytes == 0 { return channel.abort() }
        }
        if channel.pendingBytes > 0, isOver(channel.lastProgress, settings.stall) {
            // Nothing at all gets through to this peer, whether or not it still has streams.
            forEachStream { stream in stream.notify { $0.streamStalled(stream) } }
            return channel.abort()
        }
        if !hasReceivedPreface {
            if isOver(idleSince, settings.handshake) { channel.abort() }
            if announcedAt > 0, now > announcedAt &+ Self.courtesyNanoseconds { channel.close() }
            return
        }
        if agesAt != 0, now > agesAt { reachMaxAge(settings) }
        if let exchanges, let since = exchanges.headSince {
            guard isOver(since, settings.handshake) else { return }
            exchanges.refuseSlowHead()
            return channel.markDirty()
        }
        if announcedAt > 0, now > announcedAt &+ Self.courtesyNanoseconds {
            announcedAt = 0
            for action in drain.answered(openStreams: streamCount) { perform(action) }
        }
        if graceEndsAt != 0, now >= graceEndsAt { endStreams() }
        if streamCount == 0 {
            if !isDraining, isOver(idleSince, settings.idle) { beginDrain() }
            return
        }
        forEachStream { stream in
            if hasStalled(stream), isOver(stream.pointee.stalledSince, settings.stall) {
                stream.notify { $0.streamStalled(stream) }
                reset(stream, .cancel)
            } else if isOver(stream.pointee.lastActivity, settings.streamIdle) {
                if handler.object?.streamIdle(stream) != true { reset(stream, .cancel) }
            }
        }
    }

    /// It has reached its age: it takes no more calls, and those that run end with their grace.
    private func reachMaxAge(_ settings: HTTPServerSettings) {
        agesAt = 0
        beginDrain()
        server.connectionAged?()
        if let grace = settings.ageGrace { graceEndsAt = now &+ UInt64(clamping: grace.nanoseconds) }
    }

    private func endStreams() {
        graceEndsAt = 0
        forEachStream { stream in
            if handler.object?.streamGraceExpired(stream) != true { reset(stream, .cancel) }
        }
    }

    /// Ends it now; what was not sent is lost.
    func abort() { channel.abort() }

    /// Where it comes from, without the port.
    var peerHost: IPAddress? { channel.peer?.ip }

    /// How long it has had no stream; zero while it has, or has not said what it speaks.
    var idleFor: Duration {
        streamCount > 0 || !hasReceivedPreface || isDraining ? .zero : .nanoseconds(Int64(clamping: now &- idleSince))
    }

    /// The stream given may end meanwhile.
    private func forEachStream(_ body: (StreamPointer) -> Void) {
        var next = firstStream
        while let stream = next {
            next = stream.pointee.next
            body(stream)
        }
    }

    /// Whether bytes wait to be sent, and none have left since the sweep that noted it.
    private func hasStalled(_ stream: StreamPointer) -> Bool {
        guard !stream.pointee.outbound.isEmpty else {
            stream.pointee.stalledSince = 0
            return false
        }
        if stream.pointee.stalledSince != 0, stream.pointee.stalledAt == stream.pointee.bodyBytesSent { return true }
        stream.pointee.stalledAt = stream.pointee.bodyBytesSent
        stream.pointee.stalledSince = now
        return false
    }
}
