// Public, because what is inlined into other modules may name only what was imported so.
public import Bytes
package import HTTP1
package import HTTP2
public import HTTPModel
internal import Reactor
public import Sockets
internal import Time

/// A connection's codec, chosen once.
package enum HTTPCodec {
    /// Nothing has been received that decides it.
    case undecided
    case http2(Session)
    case http1(any HTTP1Codec)
}

/// A socket and its HTTP codec: what server and client connections have in common.
///
/// Bytes that arrive become events, which are delivered to the streams' handlers once the codec has returned; what handlers send
/// waits in the codec and leaves with one write at the end of the tick. Owned by its worker's thread.
///
///     bytes ─▶ codec reads ─▶ events ─▶ handlers ─┐
///                ▲                                ├─ again while bytes are left
///                └────────────────────────────────┘
///
/// A channel that ends while events are delivered is handled afterwards: what still waits is dropped, and the streams are closed.
@usableFromInline package class Connection: ByteChannelDelegate {
    package final let channel: ByteChannel
    package final let limits: ConnectionLimits
    package final unowned(unsafe) let context: WorkerContext
    package final private(set) var codec = HTTPCodec.undecided
    /// The session in `codec`, where HTTP/2 is spoken: one branch and no reference count on the way of every call.
    private var session: Unmanaged<Session>?
    /// Set once the connection has ended.
    package final private(set) var isClosed = false
    private let events: Borrowed<EventQueue>
    private var isDelivering = false
    /// How the channel has ended while events were delivered.
    private var endOfChannel: ChannelEnd?
    /// Nothing new is accepted; the channel closes when what is queued has left.
    private var isEnding = false
    private var hasReportedFault = false

    init(channel: ByteChannel, limits: ConnectionLimits, context: WorkerContext) {
        self.channel = channel
        self.limits = limits
        self.context = context
        events = Borrowed(Unmanaged.passUnretained(context.events).toOpaque())
        channel.attach(self)
    }

    /// Once.
    func choose(_ codec: HTTPCodec) {
        self.codec = codec
        guard case .http2(let session) = codec else { return }
        session.connection = Unmanaged.passUnretained(self).toOpaque()
        self.session = Unmanaged.passUnretained(session)
    }

    final var now: UInt64 { context.loop.now.nanoseconds }

    // MARK: Sending

    /// Calls the codec, whichever it is.
    @inline(__always)
    final func withCodec(_ onHTTP2: (Session) -> Void, _ onHTTP1: (any HTTP1Codec) -> Void) {
        if let session {
            session._withUnsafeGuaranteedRef(onHTTP2)
        } else if case .http1(let http1) = codec {
            onHTTP1(http1)
        }
        channel.markDirty()
    }

    package final func send(_ stream: StreamPointer, _ bytes: UnsafeRawBufferPointer) {
        withCodec {
            $0.send(stream, bytes)
        } _: {
            $0.send(stream, bytes)
        }
    }

    /// Sends what has arrived, without a copy of what is large.
    package final func send(_ stream: StreamPointer, _ slice: BufferSlice) {
        withCodec {
            $0.send(stream, slice)
        } _: {
            $0.send(stream, slice)
        }
    }

    /// Sends what `chain` has from `offset` on, without a copy of what is large.
    package final func send(_ stream: StreamPointer, sharing chain: ByteChain, from offset: Int = 0) {
        if let session {
            session._withUnsafeGuaranteedRef { $0.send(stream, sharing: chain, from: offset) }
        } else if case .http1(let http1) = codec {
            http1.send(stream, sharing: chain, from: offset)
        }
        channel.markDirty()
    }

    /// Nothing follows what was sent.
    package final func finish(_ stream: StreamPointer) {
        withCodec {
            $0.finish(stream)
        } _: {
            $0.finish(stream)
        }
    }

    /// These trailers follow. Bytes and array must lie in the stream's own arena.
    package final func finish(_ stream: StreamPointer, trailers: UnsafeMutableBufferPointer<Field>) {
        withCodec {
            $0.finish(stream, trailers: trailers)
        } _: {
            $0.finish(stream, trailers: trailers)
        }
    }

    package final func reset(_ stream: StreamPointer, _ code: ErrorCode) {
        withCodec {
            $0.reset(stream, code)
        } _: {
            $0.reset(stream, code)
            // HTTP/1.1 resets by ending the connection, which needs no room in the socket.
            channel.interrupt()
        }
    }

    /// `count` bytes of body were accepted further on: their room is given back to the sender.
    @inline(__always)
    package final func consumed(_ stream: StreamPointer, _ count: Int) {
        if stream.pointee.flags.contains(.remoteEnded) {
            stream.pointee.unconsumed -= count
            return
        }
        giveBack(stream, count)
    }

    private func giveBack(_ stream: StreamPointer, _ count: Int) {
        // In HTTP/1.1 the room is the socket's: the codec reads on when it is asked for bytes.
        withCodec {
            $0.consumed(stream, count)
        } _: { _ in
            stream.pointee.unconsumed -= count
        }
    }

    /// Whether the peer accepts a section of these fields: it may have announced a limit.
    @inline(__always)
    package final func accepts(_ fields: UnsafeBufferPointer<Field>) -> Bool {
        let bytesMax = peerFieldListBytesMax
        return bytesMax == .max || fields.listBytes <= bytesMax
    }

    /// The largest section that the peer accepts; `.max` without an announced limit.
    package final var peerFieldListBytesMax: Int { session?._withUnsafeGuaranteedRef { $0.peerFieldListBytesMax } ?? .max }

    // MARK: Streams

    package final var streamCount: Int {
        switch codec {
        case .undecided: 0
        case .http2(let session): session.streamCount
        case .http1(let http1): http1.current == nil ? 0 : 1
        }
    }

    /// The first of the list of those that live.
    package final var firstStream: StreamPointer? {
        switch codec {
        case .undecided: nil
        case .http2(let session): session.firstStream
        case .http1(let http1): http1.current
        }
    }

    /// Body bytes that wait to be sent, on all streams; HTTP/1.1 has one at a time, bounded by its own pause.
    package final var queuedBytes: Int { session?._withUnsafeGuaranteedRef { $0.queuedBytes } ?? 0 }

    /// The stream with the most of them.
    package final var largestStream: StreamPointer? {
        var largest = session?._withUnsafeGuaranteedRef { $0.firstStream }
        var next = largest?.pointee.next
        while let stream = next {
            if stream.pointee.outbound.count > largest!.pointee.outbound.count { largest = stream }
            next = stream.pointee.next
        }
        return largest
    }

    // MARK: ByteChannelDelegate

    package func channelOpened() { channel.markDirty() }

    package func channelReceived(_ input: BufferSlice) {
        guard let session else { return receiveHTTP1(input) }
        session._withUnsafeGuaranteedRef { session in
            var rest = input
            repeat {
                do throws(Session.Misuse) {
                    let count = try session.receive(rest, now: now)
                    rest = rest.dropFirst(count)
                    deliver(session)
                } catch {
                    deliver(session)
                    reportFault(session.fault)
                    fail()
                    break
                }
            } while (!rest.isEmpty || session.isPaused) && !isClosed
            if session.wantsToSend || session.isFinished { channel.markDirty() }
        }
    }

    package func channelProduce(into output: inout GatherBuffer, limit: Int) {
        guard let session else { return produceHTTP1(into: &output, limit: limit) }
        session._withUnsafeGuaranteedRef { session in
            var isFull = false
            repeat {
                do throws(Session.Misuse) {
                    try session.produce(into: &output, limit: limit, now: now)
                } catch {
                    reportFault(session.fault)
                    fail()
                }
                isFull = events { $0.isFull }
                deliver(session)
            } while isFull && output.count < limit && !isClosed
            // What was produced, a GOAWAY perhaps, is sent before the channel closes.
            if !isEnding, session.isFinished {
                isEnding = true
                reportFault(session.fault)
                closeAfterFlush()
            }
        }
    }

    package final func channelClosed(_ end: ChannelEnd) {
        isClosed = true
        context.loop.retire(self)
        guard !isDelivering else {
            events { $0.removeAll() }
            return endOfChannel = end
        }
        ended(end)
        codecIsFree()
    }

    /// Nothing of the codec is on the stack: what it is made of may be the next connection's at once.
    func codecIsFree() {}

    final func releaseCodec() {
        session = nil
        codec = .undecided
    }

    /// The channel has ended, and no handler of this connection is on the stack: closes the streams.
    func ended(_ end: ChannelEnd) {
        switch codec {
        case .undecided: return
        case .http2(let session): closeStreams(session.connectionLost())
        case .http1(let http1):
            if end == .peer {
                http1.peerEnded()
                http1.receive(.none, now: now)
                read(http1)
            }
            closeStreams(http1.connectionLost())
        }
    }

    private func closeStreams(_ reason: StreamClose) {
        while let stream = firstStream {
            stream.notify { $0.streamClosed(stream, reason) }
            release(stream)
        }
    }

    // MARK: Events

    @inline(__always)
    private func deliver(_ session: Session) {
        if events({ $0.isEmpty && $0.fieldCount == 0 }) { return }
        deliverEvents()
        if events({ $0.fieldCount > 0 }) { session.eventsDelivered() }
    }

    private func deliverEvents() {
        isDelivering = true
        let now = now
        events { $0.deliver(now: now) { perform($0) } }
        isDelivering = false
        if isClosed { channelHasClosed() }
    }

    /// Calls handlers outside of a delivery: where they end the connection, its streams are closed when `body` has returned.
    final func callingHandlers(_ body: () -> Void) {
        isDelivering = true
        body()
        isDelivering = false
        if isClosed { channelHasClosed() }
    }

    /// While handlers were called: now none of them is on the stack.
    private func channelHasClosed() {
        guard let end = endOfChannel else { return }
        endOfChannel = nil
        ended(end)
    }

    @inline(__always)
    private func perform(_ event: ConnectionEvent) {
        switch event {
        case .streamClosed(let stream):
            release(stream)
            streamEnded()
        case .discarded(let stream, let count): session?._withUnsafeGuaranteedRef { $0.giveBack(stream, count) }
        case .goAway: goAwayReceived()
        case .settingsChanged: settingsChanged()
        case .pong(let payload): pongReceived(payload)
        }
    }

    private func release(_ stream: StreamPointer) {
        if let session {
            session._withUnsafeGuaranteedRef { $0.release(stream) }
        } else if case .http1(let http1) = codec {
            http1.release(stream)
        }
    }

    /// A stream has ended, and its handler has been called.
    func streamEnded() {}
    /// The peer wants no new streams.
    func goAwayReceived() {}
    /// The peer's settings are in force: how many streams it allows may have changed.
    func settingsChanged() {}
    func pongReceived(_ payload: UInt64) {}

    /// Reports what we end the connection for: once.
    private func reportFault(_ fault: SessionFault?) {
        guard let fault, !hasReportedFault else { return }
        hasReportedFault = true
        context.connectionFaulted?(ConnectionFault(fault, isDownstream: self is ServerConnection, peer: channel.peer))
    }

    /// The peer broke the protocol: what explains it is still sent, then the channel closes.
    private func fail() {
        guard !isEnding else { return }
        isEnding = true
        closeAfterFlush()
    }

    /// Closes the channel once everything is sent.
    func closeAfterFlush() { channel.close() }

    // MARK: HTTP/1.1

    private func receiveHTTP1(_ input: BufferSlice) {
        guard case .http1(let http1) = codec else { return }
        precondition(events { $0.isEmpty }, "events of another read wait")
        http1.receive(input, now: now)
        read(http1)
        guard !isClosed else { return }
        pauseReading(http1)
        channel.markDirty()
    }

    private func read(_ http1: any HTTP1Codec) {
        while http1.readNext() { deliverEvents() }
        http1.keepUnread()
    }

    private func produceHTTP1(into output: inout GatherBuffer, limit: Int) {
        guard case .http1(let http1) = codec else { return }
        var goesOn = true
        while goesOn, !isClosed {
            if http1.canReadOn {
                http1.receive(.none, now: now)
                read(http1)
                if isClosed { return }
            }
            goesOn = http1.produce(into: &output, limit: limit, now: now, wallSeconds: context.loop.wall.seconds)
            deliverEvents()
        }
        if isClosed { return }
        guard http1.isFinished else { return pauseReading(http1) }
        end(http1)
    }

    /// A call of HTTP/1.1 was reset, and the socket is full.
    package final func channelInterrupted() {
        guard case .http1(let http1) = codec else { return }
        http1.endReset()
        deliverEvents()
        if !isClosed, http1.isFinished { end(http1) }
    }

    private func end(_ http1: any HTTP1Codec) {
        guard !isEnding else { return }
        isEnding = true
        reportFault(http1.fault)
        if http1.isTruncated {
            channel.reset()
        } else if http1.needsLingeringClose {
            channel.closeAfterPeer()
        } else {
            channel.close()
        }
    }

    /// Requests ahead of their turn, and body that no handler has accepted, stay in the socket.
    private func pauseReading(_ http1: any HTTP1Codec) {
        if http1.holdsReading { channel.pauseReading() } else { channel.resumeReading() }
    }
}

extension StreamPointer {
    /// The connection it lives on.
    @inlinable @inline(__always)
    package var connection: Borrowed<Connection> { Borrowed(pointee.connection.unsafelyUnwrapped) }

    /// The connection it lives on, for streams that a peer has begun.
    @inlinable @inline(__always)
    package var serverConnection: Borrowed<ServerConnection> { Borrowed(pointee.connection.unsafelyUnwrapped) }
}
