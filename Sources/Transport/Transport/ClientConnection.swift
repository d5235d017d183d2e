package import Bytes
internal import HTTP1
internal import HTTP2
package import HTTPModel
package import Net
package import Reactor
package import Sockets
package import TLS
internal import Time

/// Owns client connections: a pool.
package protocol ClientConnectionOwner: AnyObject {
    /// Requests may be sent.
    func clientConnectionOpened(_ connection: ClientConnection)
    /// A stream has ended, or the peer's limit has changed: there may be room for waiting requests.
    func clientConnectionHasRoom(_ connection: ClientConnection)
    /// It takes no calls until its peer gives a sign of life: `clientConnectionHasRoom` then, or its end.
    func clientConnectionSuspected(_ connection: ClientConnection)
    /// The peer wants no new requests on it; those it will not answer are closed as `.unprocessed`.
    func clientConnectionDraining(_ connection: ClientConnection)
    /// It has ended, and so have its streams.
    func clientConnectionClosed(_ connection: ClientConnection, _ end: ChannelEnd)
}

extension ClientConnectionOwner {
    package func clientConnectionSuspected(_ connection: ClientConnection) {}
}

/// A connection that we opened to an upstream.
package final class ClientConnection: Connection {
    /// Lives at least as long as the connection, or sets itself to `nil`.
    package var owner: (any ClientConnectionOwner)? {
        get { ownerReference.object }
        set { ownerReference = UnownedReference(newValue) }
    }
    private var ownerReference: UnownedReference<any ClientConnectionOwner>
    /// Connected, and the peer's SETTINGS are known.
    package private(set) var isReady = false
    /// It has been ready, whatever it is now.
    package private(set) var wasReady = false
    /// In nanoseconds of the loop's clock: when it last had no stream any more.
    private var idleSince: UInt64 = 0
    /// The peer sent GOAWAY.
    package private(set) var isDraining = false
    private var liveness: ConnectionLiveness
    /// Runs while a sign of life is awaited, or a keepalive is to come.
    private var livenessTimer: Timer?
    /// Runs once every stream identifier has been used.
    private var identifiersTimer: Timer?
    private var requestCount: UInt8 = 0
    /// Whether the next request puts the names of fields whose values are never indexed into the HPACK table, where those
    /// behind it find them: the first does, and now and then another, since tables forget.
    package var refreshesNames: Bool { requestCount == 0 }
    /// Our own limit; the peer's may be lower.
    private let streamLimit: Int
    /// The codec, whichever it is: `Connection` keeps it alive.
    private let session: Unmanaged<HTTP2.Session>?
    private let calls: HTTP1ClientCodec?

    /// - Parameters:
    ///   - applicationProtocol: what the peer is known to speak; `tls` offers the same.
    ///   - liveness: of HTTP/2; HTTP/1.1 has no PING, and a call that is given up ends its connection.
    package init(
        to address: SocketAddress, tls: (context: ClientContext, name: ServerName)? = nil,
        speaking applicationProtocol: ApplicationProtocol = .http2, limits: ConnectionLimits, streamLimit: Int,
        liveness: LivenessSettings = .defaults, context: WorkerContext, owner: any ClientConnectionOwner
    ) throws(SystemError) {
        self.streamLimit = streamLimit
        self.liveness = ConnectionLiveness(liveness, now: context.loop.now.nanoseconds)
        ownerReference = UnownedReference(owner)
        let channel = try ByteChannel(connectingTo: address, tls: tls, on: context.loop, scratch: context.scratch)
        switch applicationProtocol {
        case .http2:
            let session = HTTP2.Session(
                .client, limits: limits, pool: context.streams, events: context.events, memory: context.sessionMemory)
            self.session = .passUnretained(session)
            calls = nil
            super.init(channel: channel, limits: limits, context: context)
            choose(.http2(session))
        case .http1:
            var wanted = HTTP1Limits()
            wanted.fieldBytesMax = limits.fieldListBytes
            wanted.fieldsMax = limits.fieldCount
            wanted.sectionBytesMax = limits.sectionBytesMax
            let calls = HTTP1ClientCodec(
                limits: wanted, windowBytes: Int(limits.streamWindowBytes), pool: context.streams, events: context.events)
            session = nil
            self.calls = calls
            super.init(channel: channel, limits: limits, context: context)
            choose(.http1(calls))
            calls.connection = Unmanaged.passUnretained(self).toOpaque()
        }
    }

    /// Requests it takes at once.
    package var capacity: Int {
        guard let session else { return 1 }
        return session._withUnsafeGuaranteedRef { min(streamLimit, $0.peerStreamLimit) }
    }

    /// A new call may begin on it.
    package var hasRoom: Bool { !liveness.isSuspected && hasFreeStream }

    /// The same for owners that have no other connection while this one is suspected.
    package var hasFreeStream: Bool {
        guard isReady, !isDraining, !isClosed else { return false }
        guard let session else { return calls!.hasRoom }
        return session._withUnsafeGuaranteedRef { $0.streamCount < min(streamLimit, $0.peerStreamLimit) }
    }

    /// How long it has had no stream; zero while it has.
    package var idleFor: Duration {
        streamCount > 0 ? .zero : .nanoseconds(Int64(clamping: now - idleSince))
    }

    /// A stream for a request, to be submitted next: what the head's fields are made of is written into its arena.
    ///
    /// Throws where the connection takes none.
    package func makeStream() throws(RequestRefusal) -> StreamPointer {
        guard !isClosed else { throw .noStream }
        if let session { return session._withUnsafeGuaranteedRef { $0.makeStream() } }
        guard let calls, calls.hasRoom else { throw .noStream }
        return calls.makeStream()
    }

    /// Begins the request, pseudo-header fields first. Field bytes that are not literals must lie in the stream's own arena. After a
    /// throw the stream is no more.
    package func submit(
        _ stream: StreamPointer, _ fields: UnsafeBufferPointer<Field>, ended: Bool, handler: UnownedReference<any StreamHandler>,
        context: UnsafeMutableRawPointer?
    ) throws(RequestRefusal) {
        if let session {
            let refusal = session._withUnsafeGuaranteedRef { session -> RequestRefusal? in
                do throws(RequestRefusal) {
                    try session.submitRequest(stream, fields, ended: ended)
                    return nil
                } catch {
                    return error
                }
            }
            if let refusal {
                // Where the codec has failed it has a GOAWAY to send.
                channel.markDirty()
                throw refusal
            }
            if stream.pointee.id == Self.lastStreamID { identifiersUsedUp() }
        } else if calls?.submit(stream, fields, ended: ended, now: now) != true {
            throw .noStream
        }
        requestCount &+= 1
        stream.pointee.listener = handler
        stream.pointee.context = context
        stream.pointee.began = now
        channel.markDirty()
    }

    /// Of a client (RFC 9113, section 5.1.1).
    private static let lastStreamID = Int32.max

    /// The next request needs another connection; the owner is notified in a later tick, because it is using this one right now.
    private func identifiersUsedUp() {
        identifiersTimer = Timer(on: context.loop) { [unowned self] in goAwayReceived() }
        identifiersTimer?.arm(after: .zero)
    }

    override package func channelOpened() {
        super.channelOpened()
        if calls != nil { becomeReady() }
    }

    override package func channelReceived(_ input: BufferSlice) {
        let isCleared = liveness.received(now: now)
        super.channelReceived(input)
        if isCleared, isReady, !isDraining { owner?.clientConnectionHasRoom(self) }
    }

    override func ended(_ end: ChannelEnd) {
        isReady = false
        livenessTimer = nil
        identifiersTimer = nil
        super.ended(end)
        owner?.clientConnectionClosed(self, end)
    }

    override func goAwayReceived() {
        guard !isDraining else { return }
        isDraining = true
        owner?.clientConnectionDraining(self)
        if streamCount == 0 { channel.close() }
    }

    /// Ready with the peer's first SETTINGS, which limit its streams: sent before, requests beyond that would
    /// wait inside the codec, where no other connection could take them over.
    override func settingsChanged() {
        if wasReady {
            owner?.clientConnectionHasRoom(self)
        } else if !isClosed, !isDraining {
            becomeReady()
        }
    }

    // MARK: Liveness

    /// It waits for a sign of life.
    package var isSuspected: Bool { liveness.isSuspected }
    /// It was closed because its peer gave none.
    package var isUnresponsive: Bool { liveness.state == .dead }

    private static let livenessPing: UInt64 = 0x6c69_7665_0000_0001

    /// The call on `stream` is given up: its time is over, or its caller no longer waits. Where the peer has been silent
    /// since the call began, the connection is asked for a sign of life.
    package static func callGivenUp(_ stream: StreamPointer) {
        guard !stream.pointee.flags.contains(.headReceived) else { return }
        stream.connection { unsafeDowncast($0, to: ClientConnection.self).callFailed(began: stream.pointee.began) }
    }

    private func callFailed(began: UInt64) {
        guard let session, wasReady, !isClosed else { return }
        let lastFrame = session._withUnsafeGuaranteedRef { $0.lastMessageFrame }
        guard let probe = liveness.callFailed(began: began, now: now, lastFrame: lastFrame) else { return }
        send(probe)
        watchLiveness()
        owner?.clientConnectionSuspected(self)
    }

    private func send(_ probe: ConnectionLiveness.Probe) {
        switch probe {
        case .ping:
            withCodec {
                $0.ping(Self.livenessPing)
            } _: { _ in
            }
        case .settings:
            withCodec {
                $0.submitEmptySettings()
            } _: { _ in
            }
        case .none: break
        }
    }

    private func watchLiveness() {
        guard session != nil, let wakes = liveness.wakes else { return }
        if livenessTimer == nil { livenessTimer = Timer(on: context.loop) { [unowned self] in checkLiveness() } }
        livenessTimer?.arm(at: Instant(nanoseconds: wakes))
    }

    private func checkLiveness() {
        let action = liveness.timePassed(
            now: now, lastWritten: channel.pendingBytes > 0 ? channel.lastProgress : nil,
            lastFrame: session?._withUnsafeGuaranteedRef { $0.lastMessageFrame } ?? 0, hasCalls: streamCount > 0)
        switch action {
        case .none: break
        case .send(let probe): send(probe)
        // What waits to be sent is lost.
        case .close: return channel.abort()
        }
        watchLiveness()
    }

    override func pongReceived(_ payload: UInt64) {
        if payload == Self.livenessPing { liveness.pingAnswered() }
    }

    private func becomeReady() {
        isReady = true
        watchLiveness()
        wasReady = true
        idleSince = now
        owner?.clientConnectionOpened(self)
    }

    /// HTTP/1.1's connection is free again, or has had its last call.
    private func callEnded(_ calls: HTTP1ClientCodec) {
        idleSince = now
        if calls.hasRoom, !isDraining { return ownerReference.call { $0.clientConnectionHasRoom(self) } }
        guard !isClosed else { return }
        channel.markDirty()
        guard !isDraining else { return }
        isDraining = true
        owner?.clientConnectionDraining(self)
    }

    override func streamEnded() {
        if let calls { return callEnded(calls) }
        if streamCount == 0 { idleSince = now }
        if isDraining {
            if streamCount == 0 { channel.close() }
        } else {
            ownerReference.call { $0.clientConnectionHasRoom(self) }
        }
    }

    /// Parts every stream from its handler, which is about to end.
    package func abandonStreams() {
        var next = firstStream
        while let stream = next {
            next = stream.pointee.next
            stream.handler = nil
        }
    }

    /// Takes no new requests, and closes with the last one that runs.
    package func retire() {
        isDraining = true
        calls?.end()
        if streamCount == 0 { channel.close() }
    }
}
