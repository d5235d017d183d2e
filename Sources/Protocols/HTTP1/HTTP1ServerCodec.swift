package import Bytes
package import HTTPModel

/// One server connection's HTTP/1.1 codec (RFC 9112): bytes in, events out; intents in, bytes out. No socket and no clock.
///
///     idle ──first byte──▶ head ──complete──▶ call ──request read, answer written──▶ idle …
///                            └── malformed ──▶ ending ◀── reset, refused, or the last ──┘
///
/// One call at a time: what a caller sends beyond it waits unread, and so does body above the stream's window. Each
/// request is turned into the record that HTTP/2 would have made of it, so that handlers see no version: pseudo-fields,
/// no Host, nothing that concerns this hop only.
package final class HTTP1ServerCodec: HTTP1Codec {
    /// Handles every request.
    package var requestListener = UnownedReference<any StreamHandler>(nil)
    /// The call whose request head has come.
    package var current: StreamPointer? { isAnnounced ? stream : nil }
    /// No further request is taken; once everything is written the connection ends.
    package private(set) var isEnding = false
    /// The caller may still be sending: a connection closed at once would take the answer with it (RFC 9112, section 9.6).
    package private(set) var needsLingeringClose = false
    /// An answer was cut short whose end is the connection's end: in order, it must not end.
    package private(set) var isTruncated = false
    /// When the first byte of the head being read came, in nanoseconds of the owner's clock; `nil` while none is.
    package private(set) var headSince: UInt64?

    package let pool: StreamPool
    let events: EventQueue
    private let connection: UnsafeMutableRawPointer
    private let isSecure: Bool
    private let windowBytes: Int
    let date: DateText
    private(set) var reader: RequestReader
    /// The request's record, from the first byte of its head on.
    private var stream: StreamPointer?
    private var isAnnounced = false
    private var nextID: Int32 = 1
    private var input = HTTP1Input()
    /// Reading has stopped for want of room.
    private var isReadingHeld = false
    /// Heads that wait to be sent, in front of any body.
    var written = ByteBuffer()
    /// Where the present answer's head begins in it.
    var headStart = 0
    /// The answer to what could not be read.
    private var refusal: (status: Int, text: StaticString)?
    var answer = Answer.awaited
    /// The caller sends its body only after 100 (Continue).
    var awaitsContinue = false
    /// Why the present call is reset.
    var resetCode: UInt32 = 0
    private(set) var isDraining = false
    package private(set) var fault: SessionFault?
    var now: UInt64 = 0

    /// How far the present call's answer has come.
    enum Answer {
        case awaited
        /// Status and fields are in `written`; how the body ends is decided when they are sent.
        case begun(status: Int, length: UInt64?, hasDate: Bool)
        /// `left`: of a body whose length was announced.
        case body(ResponsePlan, left: UInt64)
    }

    /// - Parameters:
    ///   - connection: for `Stream.connection`.
    ///   - windowBytes: body that a handler has not accepted; above it nothing more is read.
    package init(
        limits: HTTP1Limits, windowBytes: Int, isSecure: Bool, connection: UnsafeMutableRawPointer, pool: StreamPool,
        events: EventQueue, date: DateText
    ) {
        reader = RequestReader(limits: limits)
        self.windowBytes = windowBytes
        self.isSecure = isSecure
        self.connection = connection
        self.pool = pool
        self.events = events
        self.date = date
    }

    // MARK: Bytes

    /// Bytes wait here that may not be read yet: the socket's turn to hold them.
    package var holdsReading: Bool { !isEnding && !mayRead && (!input.isEmpty || isOverWindow) }

    /// The last byte of the last answer has been produced.
    package var isFinished: Bool { isEnding && stream == nil && refusal == nil }

    package var isIdle: Bool { stream == nil && input.isEmpty && !isEnding }

    package func receive(_ slice: BufferSlice, now: UInt64) {
        self.now = now
        input.begin(slice.bytes)
        events.inputBuffer = input.isHeld ? nil : slice.buffer
    }

    package var canReadOn: Bool { (isReadingHeld || !input.isEmpty) && mayRead }

    /// Nothing is kept where reading has failed, or no request follows.
    package func keepUnread() { input.end(keepsRest: !isEnding) }

    private var isOverWindow: Bool {
        guard isAnnounced, let stream else { return false }
        return stream.pointee.unconsumed >= windowBytes
    }

    private var mayRead: Bool {
        guard !isEnding else { return false }
        guard isAnnounced, let stream else { return true }
        return !stream.pointee.flags.contains(.remoteEnded) && stream.pointee.unconsumed < windowBytes
    }

    package func readNext() -> Bool {
        do throws(HTTP1Failure) {
            isReadingHeld = !mayRead
            return try isReadingHeld ? false : read()
        } catch {
            fault = SessionFault(error)
            if error.isSectionLimit, isAnnounced || reader.isHeadCut {
                endAtOversizedSection()
            } else {
                refuse(error.answer, error.text)
            }
            return true
        }
    }

    private func read() throws(HTTP1Failure) -> Bool {
        let stream: StreamPointer
        if let current = self.stream {
            stream = current
        } else {
            if input.unread.isEmpty { return false }
            stream = beginHead()
        }
        let bytes = input.unread
        let step = try reader.next(bytes, into: &stream.pointee.fields)
        input.consume(step.consumed)
        switch step.event {
        case .needsMore: return false
        case .head: try announce(stream)
        case .body(let range):
            awaitsContinue = false
            events.append(.data(stream, UnsafeRawBufferPointer(rebasing: bytes[range])))
        case .end: requestEnded(stream)
        }
        return true
    }

    // MARK: A request

    private func beginHead() -> StreamPointer {
        headSince = now
        let stream = pool.acquire()
        stream.pointee.connection = connection
        // The places of the pseudo-fields, which come first.
        for _ in 0..<3 { stream.pointee.fields.append(Field("", "", token: .other)) }
        self.stream = stream
        return stream
    }

    private func announce(_ stream: StreamPointer) throws(HTTP1Failure) {
        let head = reader.head
        let ended = head.body == .none || head.body == .length(0)
        if ended {
            // Moves the reader to the end of the message, without bytes.
            _ = try reader.next(UnsafeRawBufferPointer(start: nil, count: 0), into: &stream.pointee.fields)
        }
        awaitsContinue = head.expectsContinue
        announce(stream, head, ended: ended)
    }

    @inline(__always)
    private func announce(_ stream: StreamPointer, _ head: RequestHead, ended: Bool) {
        stream.pointee.id = nextID
        nextID = nextID == .max ? 1 : nextID + 1
        stream.pointee.fields.removeVersionSpecifics(head, isSecure: isSecure)
        if ended { stream.pointee.flags.insert(.remoteEnded) }
        if head.version == .http10 { stream.pointee.flags.insert(.isHTTP10) }
        if head.asksForWebSocket { stream.pointee.flags.insert(.asksForWebSocket) }
        headSince = nil
        isAnnounced = true
        stream.pointee.listener = requestListener
        events.append(.head(stream, StreamEvent.Section(isTooLarge: reader.isTooLarge), ended: ended))
    }

    /// A head or trailers beyond what is read: the request ends there. Its handler is told, as of any that is too large, so that it
    /// answers in the caller's protocol; then the connection ends.
    @inline(never)
    private func endAtOversizedSection() {
        guard !isEnding, let stream else { return }
        end()
        needsLingeringClose = true
        guard isAnnounced else { return announce(stream, reader.head, ended: true) }
        requestEnded(stream, isTooLarge: true)
    }

    private func requestEnded(_ stream: StreamPointer, isTooLarge: Bool = false) {
        awaitsContinue = false
        stream.pointee.flags.insert(.remoteEnded)
        events.append(.ended(stream, StreamEvent.Section(isTooLarge: isTooLarge || reader.isTooLarge)))
    }

    // MARK: Endings

    package func produce(into output: inout GatherBuffer, limit: Int, now: UInt64, wallSeconds: Int64) -> Bool {
        self.now = now
        if let refusal {
            self.refusal = nil
            writeRefusal(refusal.status, refusal.text, wallSeconds: wallSeconds, to: &output.bytes)
        }
        guard let stream, isAnnounced, output.count < limit else { return false }
        switch write(stream, into: &output, limit: limit, wallSeconds: wallSeconds) {
        case .waits: return false
        case .ended(let keepsAlive):
            if !keepsAlive { end() }
            endCall(stream, .complete)
        case .broken(let code): abandon(stream, code)
        }
        return true
    }

    package func endReset() {
        guard let stream = current, stream.pointee.flags.isReset else { return }
        abandon(stream, resetCode)
    }

    /// The answer ends where it is.
    private func abandon(_ stream: StreamPointer, _ code: UInt32) {
        if case .body(let plan, _) = answer { isTruncated = plan.body == .untilClose }
        end()
        written.removeAll()
        endCall(stream, .reset(code))
    }

    /// No more requests: what is written still goes out.
    private func end() {
        guard !isEnding else { return }
        isEnding = true
        needsLingeringClose = !input.isEmpty || !reader.isIdle
    }

    private func endCall(_ stream: StreamPointer, _ reason: StreamClose) {
        stream.pointee.flags.insert(.closed)
        events.append(.closed(stream, reason))
    }

    package func release(_ stream: StreamPointer) {
        self.stream = nil
        isAnnounced = false
        awaitsContinue = false
        answer = .awaited
        pool.release(stream)
    }

    private func dropHead() {
        headSince = nil
        guard let stream, !isAnnounced else { return }
        self.stream = nil
        pool.release(stream)
    }

    /// Answers what cannot be read, where an answer is still possible, and ends the connection.
    private func refuse(_ status: Int, _ text: StaticString) {
        guard !isEnding else { return }
        end()
        needsLingeringClose = true
        var mayAnswer = true
        if let stream, isAnnounced {
            if case .body = answer { mayAnswer = false }
            endCall(stream, .malformed(ErrorCode.protocolError.rawValue))
        } else {
            dropHead()
        }
        written.removeAll()
        if mayAnswer { refusal = (status, text) }
    }

    /// A request head that does not come to its end.
    package func refuseSlowHead() { refuse(408, "the request did not come in time") }

    /// HTTP/1.1 to a listener that does not serve it: the answer says so, for the person who configures the caller.
    package func refuseVersion() { refuse(505, "only HTTP/2 is spoken here") }

    /// Leaves: at once where nothing is under way, else with the present answer.
    package func drain() {
        isDraining = true
        if isIdle { end() }
    }

    /// A request that was not complete is one no more.
    package func peerEnded() {}

    package func connectionLost() -> StreamClose {
        end()
        dropHead()
        if let current { withdrawHead(of: current) }
        current?.pointee.flags.insert(.closed)
        return .connectionLost
    }
}
