package import Bytes
internal import CNghttp2
package import HTTPModel

/// One HTTP/2 connection's codec on nghttp2: bytes in, events out; intents in, bytes out. No socket, no clock, and no handler: what
/// happens is put into the worker's event queue, which the owner delivers after `receive` and `produce` have returned.
///
/// Memory: the connection window is given back on receipt, a stream's window when its handler calls `consumed`; bodies
/// to be sent wait in their stream. Field bytes handed to `submit…` are copied into the stream's arena, which outlives
/// every frame of it: nghttp2 drops frames of a closed stream without looking at their fields.
package final class Session {
    package enum Role: Sendable { case server, client }

    package let role: Role
    package let limits: ConnectionLimits
    /// Handles the peer's requests. Servers only.
    package var requestListener = UnownedReference<any StreamHandler>(nil)
    /// The owning connection, for `Stream.connection`.
    package var connection: UnsafeMutableRawPointer?
    /// The streams of this connection whose end has not been delivered.
    package private(set) var firstStream: StreamPointer?
    package private(set) var streamCount = 0
    /// Body bytes that wait to be sent, on all streams.
    package internal(set) var queuedBytes = 0

    /// The largest section that the peer accepts, counted as `ConnectionLimits.fieldListBytes` is; `.max` without an announced limit.
    package internal(set) var peerFieldListBytesMax = Int.max

    /// The most streams the peer allows us at once.
    package var peerStreamLimit: Int { PeerSettings.streamLimit(of: handle) }

    let handle: OpaquePointer
    let pool: StreamPool
    let events: EventQueue
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
    /// Heads of answers that may still be withdrawn: see `holdResponse`.
    var heads: [(stream: StreamPointer, fields: UnsafeMutableBufferPointer<Field>)] = []
    /// DATA of this `receive`, whose room in the connection's window is to be given back.
    var connectionBytesReceived = 0
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
    /// The event queue is full: `receive` is to be called again, even where no bytes are left.
    package private(set) var isPaused = false
    /// Why we have ended the connection, or are about to.
    package internal(set) var fault: SessionFault?
    /// A flood or another misuse was found in a callback: `receive` reports it.
    var misuse: Misuse?
    /// Not even a GOAWAY could be submitted: the connection ends without one.
    private var isBroken = false

    /// Why the peer gets no more of our work.
    package enum Misuse: Error, Equatable {
        /// nghttp2's error: the bytes are not HTTP/2, or memory is out.
        case codec(Int32)
        case settingsFlood, emptyFrameFlood, controlFlood, resetFlood
        /// More bytes of fields beyond the limit than `FloodGuard` allows: an HPACK bomb, mostly.
        case fieldFlood
        /// One section that is larger than any call may cost.
        case sectionTooLarge
    }

    package init(_ role: Role, limits: ConnectionLimits, pool: StreamPool, events: EventQueue, memory: NGHTTP2Allocator) {
        self.role = role
        self.limits = limits
        self.pool = pool
        self.events = events
        chunks = .passUnretained(pool.chunks)
        self.memory = memory
        handle = Callbacks.makeSession(role, limits, memory)
        Callbacks.setUserData(of: handle, to: self)
        sendSettings()
    }

    deinit { nghttp2_session_del(handle) }

    /// SETTINGS_NO_RFC7540_PRIORITIES is not among them. It would save 1 % of a call's instructions, but nghttp2 then sends the bodies of
    /// streams one after the other (RFC 9218, section 10), so that a large one holds up all behind it. Told stream by stream that they take turns,
    /// it costs as much as now.
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
            // Else nghttp2 resets an extended CONNECT, which is to be refused in words (RFC 8441, section 4; RFC 9220, section 3).
            settings.append(
                nghttp2_settings_entry(settings_id: Int32(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL.rawValue), value: 1))
        case .client:
            settings.append(
                nghttp2_settings_entry(settings_id: Int32(NGHTTP2_SETTINGS_ENABLE_PUSH.rawValue), value: 0))
        }
        // Both fail only for arguments out of range or without memory.
        check(nghttp2_submit_settings(handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), settings, settings.count))
        check(nghttp2_session_set_local_window_size(handle, 0, 0, limits.connectionWindowBytes))
    }

    // MARK: Failures

    /// nghttp2 fails where memory is out, or its state allows no such call: what the peer and the handlers believe of the
    /// connection is then no longer true, and it ends.
    @inline(__always)
    func check(_ result: Int32) { if result != 0 { fail() } }

    @inline(never)
    private func fail() {
        fault = fault ?? .internalError
        terminate(.internalError)
    }

    /// Sends GOAWAY and nothing behind it: the connection is then finished.
    func terminate(_ code: ErrorCode) {
        if nghttp2_session_terminate_session(handle, code.rawValue) != 0 { isBroken = true }
    }

    // MARK: Bytes

    /// Reads what arrived, and puts what it means into the event queue, which must be empty. The bytes must stay
    /// where they are until it has been delivered.
    ///
    /// After a throw the connection is to be closed, once the events are delivered and what `produce` still gives (a GOAWAY) is sent.
    ///
    /// - Returns: how many bytes were read. There is more to come while `isPaused`.
    package func receive(_ input: BufferSlice, now: UInt64) throws(Misuse) -> Int {
        precondition(events.isEmpty, "events of another read wait")
        self.now = now
        isPaused = false
        events.inputBuffer = input.buffer
        flood.enter(second: now / 1_000_000_000)
        let result = nghttp2_session_mem_recv(
            handle, input.bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), min(input.count, EventQueue.inputBytesMax))
        giveBackConnectionWindow()
        if result == Int(SessionFault.tooManyContinuations) { misuse = .sectionTooLarge }
        if let misuse {
            fault = fault ?? SessionFault(misuse)
            terminate(.enhanceYourCalm)
            throw misuse
        }
        if result < 0 { throw failed(Int32(result)) }
        return result
    }

    /// On receipt, so that a slow stream does not hold up others; all at once, because nghttp2 sends nothing of it before `produce` anyhow.
    private func giveBackConnectionWindow() {
        if connectionBytesReceived == 0 { return }
        check(nghttp2_session_consume_connection(handle, connectionBytesReceived))
        connectionBytesReceived = 0
    }

    /// What a callback that can be held back returns where the event queue is full.
    func pause() -> Int32 {
        isPaused = true
        return NGHTTP2_ERR_PAUSE.rawValue
    }

    func pauseInSection() -> Int32 {
        section.stopped()
        return pause()
    }

    /// Appends frames, about `limit` bytes of them at most; fewer where the event queue is full. What has left is in the queue.
    package func produce(into buffer: inout GatherBuffer, limit: Int, now: UInt64) throws(Misuse) {
        precondition(events.isEmpty, "events of another write wait")
        self.now = now
        productions &+= 1
        if !heads.isEmpty { submitHeads() }
        let failure = withUnsafeMutablePointer(to: &buffer) { target -> Int in
            output = target
            outputLimit = limit
            defer { output = nil }
            while target.pointee.count < limit, !events.isFull {
                var data: UnsafePointer<UInt8>?
                let count = nghttp2_session_mem_send(handle, &data)
                if count < 0 { return count }
                if count == 0 {
                    // A frame that is held comes first.
                    guard heldFrame == nil else { break }
                    if !endings.isEmpty, endBlockedStreams(into: &target.pointee, all: true) { continue }
                    if resets.isEmpty { break }
                    submitResets()
                    continue
                }
                let frame = UnsafeRawBufferPointer(start: data, count: count)
                switch UInt32(frame[3]) {
                case NGHTTP2_RST_STREAM.rawValue: recordReset(frame)
                case NGHTTP2_GOAWAY.rawValue: recordGoAway(frame)
                default: break
                }
                target.pointee.bytes.append(frame)
            }
            if !endings.isEmpty { _ = endBlockedStreams(into: &target.pointee, all: false) }
            return 0
        }
        if failure < 0 { throw failed(Int32(failure)) }
    }

    /// nghttp2 can neither read nor write on.
    private func failed(_ result: Int32) -> Misuse {
        let misuse = Misuse.codec(result)
        fault = fault ?? SessionFault(misuse)
        if fault == .internalError { terminate(.internalError) }
        return misuse
    }

    /// Only the frame itself shows what nghttp2 ends a connection for.
    private func recordGoAway(_ frame: UnsafeRawBufferPointer) {
        guard frame.count >= 17 else { return }
        let code = UInt32(bigEndian: frame.loadUnaligned(fromByteOffset: 13, as: UInt32.self))
        fault = fault ?? SessionFault(sent: ErrorCode(rawValue: code))
    }

    /// Neither side has anything left to send: the connection may be closed.
    package var isFinished: Bool {
        isBroken || (nghttp2_session_want_read(handle) == 0 && nghttp2_session_want_write(handle) == 0)
    }

    package var wantsToSend: Bool { nghttp2_session_want_write(handle) != 0 || !resets.isEmpty || !heads.isEmpty }

    // MARK: Streams

    /// The live stream with this id.
    @inline(__always)
    func stream(_ id: Int32) -> StreamPointer? {
        if let recent, recent.pointee.id == id { return recent }
        recent = nghttp2_session_get_stream_user_data(handle, id).map { StreamPointer(opaque: $0) }
        return recent
    }

    func makeStream(id: Int32) -> StreamPointer {
        let stream = pool.acquire()
        stream.pointee.id = id
        stream.pointee.connection = connection
        stream.pointee.lastActivity = now
        stream.pointee.next = firstStream
        firstStream?.pointee.previous = stream
        firstStream = stream
        streamCount += 1
        return stream
    }

    /// Nothing more can be sent on the stream, and what waits to be sent is dropped.
    func close(_ stream: StreamPointer) {
        stream.pointee.flags.insert(.closed)
        if recent == stream { recent = nil }
        let waiting = stream.pointee.outbound.count
        if waiting > 0 {
            queuedBytes -= waiting
            stream.pointee.outbound.truncate(to: 0, pool: pool.chunks)
        }
        if heldFrame?.stream == stream { heldFrame = nil }
        if !endings.isEmpty { endings.removeAll { $0 == stream } }
        if !resets.isEmpty { resets.removeAll { $0.stream == stream } }
        if stream.pointee.flags.contains(.headWaits) { dropHead(of: stream) }
    }

    /// Takes the record of a stream back whose end has been delivered.
    package func release(_ stream: StreamPointer) {
        if let previous = stream.pointee.previous {
            previous.pointee.next = stream.pointee.next
        } else {
            firstStream = stream.pointee.next
        }
        stream.pointee.next?.pointee.previous = stream.pointee.previous
        streamCount -= 1
        pool.release(stream)
    }

    /// The connection is lost: nothing more can be sent on its streams. Each is to be closed and released.
    ///
    /// - Returns: what ended them.
    package func connectionLost() -> StreamClose {
        section.beginUnknown()
        var next = firstStream
        while let stream = next {
            next = stream.pointee.next
            close(stream)
        }
        return fault?.isLimit == true ? .limitExceeded : .connectionLost
    }
}
