package import Bytes
package import GRPC
internal import HTTP1
internal import HTTP2
package import HTTPModel
internal import Net
internal import Random
internal import Reactor
internal import Sockets
package import TLS
internal import Time

/// A connection that callers opened to us.
///
/// Its codec is chosen once: by ALPN, or in cleartext by the first bytes.
@usableFromInline package final class ServerConnection: Connection {
    /// Handles every request.
    private let handler: UnownedReference<any StreamHandler>
    private unowned(unsafe) let server: HTTPServer
    private let protocols: [ApplicationProtocol]
    /// One request's body, at most; `nil` for any.
    package let bodyBytesMax: Int?
    /// The protocols that calls may use; `nil` for all.
    package let allowedProtocols: ClientProtocols?
    /// Paths of plain HTTP are normalized before anything is decided by them.
    package let normalizesPaths: Bool
    /// What upstreams are told of its requests as they arrived.
    package let forwarded: ForwardedHeaders
    /// Fields that only trusted peers may set, kept with the connection.
    private let trustedHeaderNames: FieldNameSet
    /// The same, asked without counting references.
    package let trustedHeaders: Borrowed<FieldNameSet>
    private var preface = Preface()
    private var lifecycle: ConnectionLifecycle
    /// In nanoseconds of the loop's clock: when the last stream ended, or the connection began.
    var idleSince: UInt64 { lifecycle.idleSince }

    private static let drainPing: UInt64 = 0x6472_6169_6e00_0001
    init(channel: ByteChannel, server: HTTPServer, handler: any StreamHandler) {
        self.server = server
        self.handler = UnownedReference(handler)
        isSecure = channel.isSecure
        protocols = server.settings.protocols
        bodyBytesMax = server.settings.bodyBytesMax
        allowedProtocols = server.settings.allowedProtocols
        normalizesPaths = server.settings.normalizesPaths
        forwarded = server.settings.forwarded
        trustedHeaderNames = server.settings.trustedHeaders
        trustedHeaders = Borrowed(trustedHeaderNames)
        lifecycle = ConnectionLifecycle(
            now: server.context.loop.now.nanoseconds,
            age: server.settings.age.map { UInt64(clamping: $0.jittered(server.context.random.next()).nanoseconds) })
        let peer = channel.peer
        let text = Array((peer?.host ?? "unknown").utf8)
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: text.count, alignment: 1)
        memory.copyBytes(from: text)
        peerText = UnsafeRawBufferPointer(memory)
        let unknown: StaticString = "unknown"
        peerNode =
            peer?.ip == nil
            ? UnsafeRawBufferPointer(start: unknown.utf8Start, count: unknown.utf8CodeUnitCount) : peerText
        super.init(channel: channel, limits: server.settings.session, context: server.context)
    }

    deinit { peerText.deallocate() }

    /// The peer's address without its port, as text; the connection's own memory.
    package let peerText: UnsafeRawBufferPointer
    /// The same as upstreams are told of it: `unknown` of a Unix socket (RFC 7239, section 6.2).
    package let peerNode: UnsafeRawBufferPointer
    /// TLS lies under it.
    package let isSecure: Bool
    /// Who has connected by a Unix socket, as the kernel knows; `nil` by any other.
    package var peerUserID: UInt32? { channel.peerUserID }
    /// The client certificate that was verified.
    package private(set) var peerCertificate: CertificateInfo?
    /// What TLS agreed on; `nil` in cleartext.
    package private(set) var tlsVersion: ProtocolVersion?
    /// The protocol's name in logs.
    package var protocolName: StaticString { isHTTP1 ? "HTTP/1.1" : "HTTP/2" }
    package private(set) var isHTTP1 = false
    /// The codec, where it is HTTP/1.1's.
    private var http1: HTTP1ServerCodec?
    /// Whatever the handler keeps with the connection.
    package var attachment: AnyObject?

    /// The listener this connection came in by.
    package var listener: HTTPServer { server }

    /// Field bytes that are not literals must lie in the stream's own arena.
    package func respond(_ stream: StreamPointer, _ fields: UnsafeBufferPointer<Field>, ended: Bool) {
        withCodec {
            $0.submitResponse(stream, fields, ended: ended)
        } _: { _ in
            http1?.respond(stream, fields, ended: ended)
        }
    }

    /// As `respond` of an answer that goes on, but for that `withdrawHead` may take it back until it is written. Costs HTTP/2 a copy of the fields.
    package func respondWithdrawably(_ stream: StreamPointer, _ fields: UnsafeBufferPointer<Field>) {
        withCodec {
            $0.holdResponse(stream, fields)
        } _: { _ in
            http1?.respond(stream, fields, ended: false)
        }
    }

    /// Takes back a head that waits (`Stream.Flags.headWaits`), and all behind it: the stream can be answered anew.
    package func withdrawHead(of stream: StreamPointer) {
        withCodec {
            $0.withdrawHead(of: stream)
        } _: { _ in
            http1?.withdrawHead(of: stream)
        }
    }

    package func inform(_ stream: StreamPointer, _ fields: UnsafeBufferPointer<Field>) {
        withCodec {
            $0.submitInformational(stream, fields)
        } _: { _ in
            http1?.inform(stream, fields)
        }
    }

    // MARK: Events

    override package func channelOpened() {
        if let facts = channel.securityFacts {
            peerCertificate = facts.peerCertificate
            tlsVersion = facts.version
            // A client without ALPN gets this far only where HTTP/1.1 is spoken.
            if facts.applicationProtocol == .http2 { startHTTP2() } else { startHTTP1() }
        }
        super.channelOpened()
    }

    override package func channelReceived(_ input: BufferSlice) {
        if case .undecided = codec {
            guard chooseCodec(input.bytes) else { return }
        }
        if isHTTP1, !lifecycle.hasReceivedPreface { lifecycle.prefaceReceived() }
        super.channelReceived(input)
    }

    override func ended(_ end: ChannelEnd) {
        super.ended(end)
        server.forget(self)
    }

    override func codecIsFree() {
        http1 = nil
        releaseCodec()
    }

    /// The caller may still be sending, and is to read the GOAWAY that gives the reason.
    override func closeAfterFlush() { channel.closeAfterPeer() }

    override func streamEnded() { perform(lifecycle.streamEnded(openStreams: streamCount, now: now)) }

    override func settingsChanged() { lifecycle.prefaceReceived() }

    override func pongReceived(_ payload: UInt64) {
        if payload == Self.drainPing { perform(lifecycle.answered(openStreams: streamCount)) }
    }

    // MARK: The choice

    /// False while the bytes so far, or the connection itself, are no more of interest.
    private func chooseCodec(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let held = Preface.prefix(preface.matched)
        switch protocols.contains(.http2) ? preface.match(bytes) : .isOther {
        case .needsMore: return false
        case .isHTTP2: startHTTP2()
        case .isOther:
            // Neither a method nor the line break that may stand before it: no HTTP at all, and no words for it.
            guard !held.isEmpty || bytes.first.map({ HTTPGrammar.isToken($0) || $0 == 0x0D }) == true else {
                channel.abort()
                return false
            }
            startHTTP1()
        }
        // What matched in vain, or led up to this, belongs to the codec.
        if !held.isEmpty { super.channelReceived(BufferSlice(held)) }
        return !isClosed
    }

    private func startHTTP2() {
        let session = HTTP2.Session(
            .server, limits: limits, pool: context.streams, events: context.events, memory: context.sessionMemory)
        session.requestListener = handler
        choose(.http2(session))
        perform(lifecycle.codecChosen(.http2))
        channel.markDirty()
    }

    private func startHTTP1() {
        var wanted = HTTP1Limits()
        wanted.fieldBytesMax = limits.fieldListBytes
        wanted.fieldsMax = limits.fieldCount
        wanted.sectionBytesMax = limits.sectionBytesMax
        let http1 = HTTP1ServerCodec(
            limits: wanted, windowBytes: Int(limits.streamWindowBytes), isSecure: isSecure,
            connection: Unmanaged.passUnretained(self).toOpaque(), pool: context.streams, events: context.events,
            date: context.date)
        http1.requestListener = handler
        choose(.http1(http1))
        isHTTP1 = true
        self.http1 = http1
        if !protocols.contains(.http1) { http1.refuseVersion() }
        perform(lifecycle.codecChosen(.http1))
    }

    // MARK: Its life

    func beginDrain() { perform(lifecycle.drain(now: now)) }

    /// Called about once a second: ends what has been silent for too long.
    func sweep(_ settings: HTTPServerSettings) {
        let facts = ConnectionLifecycle.Facts(
            openStreams: streamCount, pendingBytes: channel.pendingBytes, lastProgress: channel.lastProgress,
            isClosing: channel.isClosing, headSince: http1?.headSince)
        let limits = ConnectionLifecycle.Limits(
            handshake: settings.handshake, idle: settings.idle, stall: settings.stall, ageGrace: settings.ageGrace)
        let actions = lifecycle.tick(facts, limits, now: now)
        if !actions.isEmpty { callingHandlers { perform(actions) } }
    }

    private func perform(_ actions: ConnectionLifecycle.Actions) {
        if actions.isEmpty { return }
        if actions.contains(.notifyStalled) { forEachStream { stream in stream.notify { $0.streamStalled(stream) } } }
        if actions.contains(.abort) { return channel.abort() }
        if actions.contains(.announce), case .http2(let session) = codec {
            session.announceShutdown()
            session.ping(Self.drainPing)
        }
        if actions.contains(.endAfterCurrentCall) { http1?.drain() }
        if actions.contains(.countAge) { server.connectionAged?() }
        if actions.contains(.refuseSlowHead) { http1?.refuseSlowHead() }
        if actions.contains(.nameLastStream), case .http2(let session) = codec { session.goAway(.noError) }
        if actions.contains(.close) { channel.close() }
        if actions.contains(.closeAfterPeer) { channel.closeAfterPeer() }
        if actions.contains(.endStreams) {
            forEachStream { if handler.object?.streamGraceExpired($0) != true { reset($0, .cancel) } }
        }
        if actions.contains(.sweepStreams) { forEachStream { sweep($0) } }
        // Else a full socket would be offered bytes at every look, and a byte that it takes would count as progress.
        if !actions.isDisjoint(with: .withOutput) { channel.markDirty() }
    }

    private func sweep(_ stream: StreamPointer) {
        func isOver(_ since: UInt64, _ limit: Duration?) -> Bool { ConnectionLifecycle.isOver(limit, since: since, now: now) }
        if hasStalled(stream), isOver(stream.pointee.stalledSince, server.settings.stall) {
            stream.notify { $0.streamStalled(stream) }
            reset(stream, .cancel)
        } else if isIdle(stream) {
            if handler.object?.streamIdle(stream) != true { reset(stream, .cancel) }
        }
    }

    private func isIdle(_ stream: StreamPointer) -> Bool {
        let own = stream.pointee.idleNanoseconds
        guard own > 0 else {
            return ConnectionLifecycle.isOver(server.settings.streamIdle, since: stream.pointee.lastActivity, now: now)
        }
        return now &- stream.pointee.lastActivity >= own && now > stream.pointee.lastActivity
    }

    /// Ends it now; what was not sent is lost.
    func abort() { channel.abort() }

    /// Where it comes from, without the port.
    var peerHost: IPAddress? { channel.peer?.ip }

    /// How long it has had no stream; zero while it has, or no codec yet, or drains.
    var idleFor: Duration {
        .nanoseconds(Int64(clamping: lifecycle.idleNanoseconds(openStreams: streamCount, now: now)))
    }

    /// The stream given may end meanwhile.
    private func forEachStream(_ body: (StreamPointer) -> Void) {
        var next = firstStream
        while let stream = next, !isClosed {
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
