package import Bytes
internal import CNghttp2
package import HTTPModel

/// What a connection hears from its session besides what its streams' handlers hear.
package protocol SessionDelegate: AnyObject {
    /// A peer's stream has begun; its handler must be set before returning. Servers only.
    func sessionBegan(_ stream: StreamPointer)
    /// The peer will answer nothing above `lastStreamID`, and wants no new streams.
    func sessionReceivedGoAway(lastStreamID: Int32, code: ErrorCode)
    /// The peer's settings are in force: how many streams it allows may have changed.
    func sessionSettingsChanged()
    func sessionReceivedPong(_ payload: UInt64)
    /// A stream has been ended by the codec; called after its handler's `streamClosed`.
    func sessionStreamEnded()
}

/// One HTTP/2 connection's codec on nghttp2: bytes in, events out; intents in, bytes out. No socket and no clock.
///
/// Memory: the connection window is given back on receipt, a stream's window when its handler says `consumed`; bodies
/// to be sent wait in their stream. Field bytes handed to `submit…` are copied into the stream's arena, which outlives
/// every frame of it: nghttp2 drops frames of a closed stream without looking at their fields.
/// Callbacks that find the session `isDead` touch nothing.
package final class Session {
    package enum Role: Sendable { case server, client }

    package let role: Role
    package let limits: SessionLimits
    package var delegate: (any SessionDelegate)? {
        get { listener.object }
        set { listener = UnownedReference(newValue) }
    }
    private var listener = UnownedReference<any SessionDelegate>(nil)

    @inline(__always)
    func notify(_ event: (any SessionDelegate) -> Void) { listener.call(event) }
    /// The owning connection, for `Stream.connection`.
    package var connection: UnsafeMutableRawPointer?
    /// The streams that live on this connection.
    package private(set) var firstStream: StreamPointer?
    package private(set) var streamCount = 0
    /// Body bytes that wait to be sent, on all streams.
    package internal(set) var queuedBytes = 0

    /// The largest section that the peer takes, counted as `SessionLimits.fieldListBytes` is; `.max` while it has said nothing.
    package internal(set) var peerFieldListBytesMax = Int.max

    let handle: OpaquePointer
    let pool: StreamPool
    /// The pool's, reached at every frame without counting references.
    let chunks: Unmanaged<ChunkPool>
    let memory: NGHTTP2Allocator
    /// Where DATA goes during `produce`.
    var output: UnsafeMutablePointer<GatherBuffer>?
    /// How much of it `produce` was asked for.
    var outputLimit = 0
    /// A DATA frame that nghttp2 has made and `produce` had no room for. It is offered again first of all, and then finds its
    /// bytes where they are, in the stream's `outbound`; with the stream's end nghttp2 drops it.
    var heldFrame: (stream: StreamPointer, count: Int)?
    /// Streams that end with nothing left of their body: see `endBlockedStreams`. Empty nearly always.
    var endings: [StreamPointer] = []
    /// Streams to be reset behind the head of their answer: see `reset`. Empty nearly always.
    var resets: [(stream: StreamPointer, code: ErrorCode)] = []
    /// How often `produce` was called: what was submitted since has not been sent.
    var productions: UInt32 = 0
    /// The stream that was last asked for by its id: what arrives on one mostly arrives together.
    var recent: StreamPointer?
    var section = ArrivingSection()
    var undelivered = UndeliveredSections()
    var flood = FloodGuard()
    /// In nanoseconds of the owner's clock, as of the last `receive` or `produce`.
    var now: UInt64 = 0
    /// When HEADERS or DATA last came on a stream that lives; 0 for never.
    package internal(set) var lastMessageFrame: UInt64 = 0
    private(set) var isDead = false
    /// Why we have ended the connection, or are about to.
    package internal(set) var fault: SessionFault?
    /// A flood or another misuse was found in a callback: `receive` reports it.
    var misuse: Misuse?

    /// Why the peer gets no more of our work.
    package enum Misuse: Error, Equatable {
        /// nghttp2's error: the bytes are not HTTP/2, or memory is out.
        case codec(Int32)
        case settingsFlood, emptyFrameFlood, controlFlood
        /// More bytes of fields beyond the limit than `FloodGuard` allows: an HPACK bomb, mostly.
        case fieldFlood
        /// One section that is larger than any call may cost.
        case sectionTooLarge
    }

    package init(_ role: Role, limits: SessionLimits, pool: StreamPool, memory: NGHTTP2Allocator) {
        self.role = role
        self.limits = limits
        self.pool = pool
        chunks = .passUnretained(pool.chunks)
        self.memory = memory
        handle = Callbacks.makeSession(role, limits, memory)
        Callbacks.setUserData(of: handle, to: self)
        sendSettings()
    }

    deinit { nghttp2_session_del(handle) }

    private func sendSettings() {
        var settings = [
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue),
                value: UInt32(limits.streamWindowBytes)),
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.rawValue),
                value: UInt32(limits.fieldListBytes)),
        ]
        switch role {
        case .server:
            settings.append(
                nghttp2_settings_entry(
                    settings_id: Int32(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue), value: limits.streams))
        case .client:
            settings.append(
                nghttp2_settings_entry(settings_id: Int32(NGHTTP2_SETTINGS_ENABLE_PUSH.rawValue), value: 0))
        }
        // Both fail only for arguments out of range or without memory.
        check(nghttp2_submit_settings(handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), settings, settings.count))
        check(nghttp2_session_set_local_window_size(handle, 0, 0, limits.connectionWindowBytes))
    }

    /// For calls that fail only by our own bug or without memory.
    func check(_ result: Int32) { precondition(result == 0, "nghttp2: \(String(cString: nghttp2_strerror(result)))") }

    // MARK: Bytes

    /// Takes what arrived; events are called from within. After a throw the connection is to be closed, once what
    /// `produce` still gives (a GOAWAY) is sent.
    package func receive(_ bytes: UnsafeRawBufferPointer, now: UInt64) throws(Misuse) {
        guard !isDead else { return }
        self.now = now
        flood.enter(second: now / 1_000_000_000)
        let result = nghttp2_session_mem_recv(
            handle, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
        if result == Int(SessionFault.tooManyContinuations) { misuse = .sectionTooLarge }
        if let misuse {
            fault = fault ?? SessionFault(misuse)
            nghttp2_session_terminate_session(handle, ErrorCode.enhanceYourCalm.rawValue)
            throw misuse
        }
        if result < 0, !isDead {
            fault = fault ?? SessionFault(.codec(Int32(result)))
            throw .codec(Int32(result))
        }
    }

    /// Appends frames, about `limit` bytes of them at most.
    package func produce(into buffer: inout GatherBuffer, limit: Int, now: UInt64) throws(Misuse) {
        guard !isDead else { return }
        self.now = now
        productions &+= 1
        let failure = withUnsafeMutablePointer(to: &buffer) { target -> Int in
            output = target
            outputLimit = limit
            defer { output = nil }
            while target.pointee.count < limit {
                var data: UnsafePointer<UInt8>?
                let count = nghttp2_session_mem_send(handle, &data)
                if count <= 0 {
                    // A frame that is held comes first.
                    if count == 0, !endings.isEmpty, heldFrame == nil, endBlockedStreams(into: &target.pointee) { continue }
                    if count == 0, !resets.isEmpty, heldFrame == nil {
                        submitResets()
                        continue
                    }
                    return count
                }
                let frame = UnsafeRawBufferPointer(start: data, count: count)
                if frame[3] == UInt8(NGHTTP2_GOAWAY.rawValue) { recordGoAway(frame) } else { recordReset(frame) }
                target.pointee.bytes.append(frame)
            }
            return 0
        }
        if failure < 0, !isDead { throw .codec(Int32(failure)) }
    }

    /// nghttp2 tells what it ends a connection for only in the frame itself.
    private func recordGoAway(_ frame: UnsafeRawBufferPointer) {
        guard frame.count >= 17 else { return }
        let code = UInt32(bigEndian: frame.loadUnaligned(fromByteOffset: 13, as: UInt32.self))
        fault = fault ?? SessionFault(sent: ErrorCode(rawValue: code))
    }

    /// Neither side has anything left to say: the connection may be closed.
    package var isFinished: Bool {
        nghttp2_session_want_read(handle) == 0 && nghttp2_session_want_write(handle) == 0
    }

    package var wantsToSend: Bool { nghttp2_session_want_write(handle) != 0 || !resets.isEmpty }

    // MARK: Streams

    /// The live stream with this id.
    @inline(__always)
    func stream(_ id: Int32) -> StreamPointer? {
        if let recent, recent.pointee.id == id { return recent }
        recent = nghttp2_session_get_stream_user_data(handle, id)?.assumingMemoryBound(to: Stream.self)
        return recent
    }

    func makeStream(id: Int32) -> StreamPointer {
        let stream = pool.take()
        stream.pointee.id = id
        stream.pointee.connection = connection
        stream.pointee.lastActivity = now
        stream.pointee.next = firstStream
        firstStream?.pointee.previous = stream
        firstStream = stream
        streamCount += 1
        return stream
    }

    func endStream(_ stream: StreamPointer, _ reason: StreamClose) {
        stream.pointee.flags.insert(.closed)
        if recent == stream { recent = nil }
        if let previous = stream.pointee.previous {
            previous.pointee.next = stream.pointee.next
        } else {
            firstStream = stream.pointee.next
        }
        stream.pointee.next?.pointee.previous = stream.pointee.previous
        streamCount -= 1
        queuedBytes -= stream.pointee.outbound.count
        if heldFrame?.stream == stream { heldFrame = nil }
        if !endings.isEmpty { endings.removeAll { $0 == stream } }
        if !resets.isEmpty { resets.removeAll { $0.stream == stream } }
        stream.notify { $0.streamClosed(stream, reason) }
        pool.give(stream)
    }

    /// The connection is gone: every stream hears it, and no callback does anything more.
    package func connectionLost() {
        guard !isDead else { return }
        isDead = true
        let reason = fault?.isLimit == true ? StreamClose.limitExceeded : .connectionLost
        while let stream = firstStream { endStream(stream, reason) }
    }
}
