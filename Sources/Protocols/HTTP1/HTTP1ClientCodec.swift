package import Bytes
package import HTTPModel

/// One client connection's HTTP/1.1 codec (RFC 9112): requests out, responses in. No socket and no clock.
///
///     idle ──begin──▶ call ──request written, response read──▶ idle …
///                       └── malformed, reset, or the last ──▶ ending
///
/// One call at a time: another is begun only after the last one ended cleanly on both sides. What is written is made of
/// fields that were validated when they came; how long a body is, is always written by the codec itself.
package final class HTTP1ClientCodec: HTTP1Codec {
    /// For `Stream.connection`; set by the owner before the first call.
    package var connection: UnsafeMutableRawPointer?
    package private(set) var current: StreamPointer?
    /// No further call is taken.
    package private(set) var isEnding = false
    package private(set) var isTruncated = false
    package var needsLingeringClose: Bool { false }

    package let pool: StreamPool
    private let events: EventQueue
    private let windowBytes: Int
    private var reader: ResponseReader
    private var input = HTTP1Input()
    /// Reading has stopped for want of room.
    private var isReadingHeld = false
    /// The head that waits to be sent.
    private var written = ByteBuffer()
    private var framing = BodyFraming.none
    /// Of a request body whose length was announced.
    private var left: UInt64 = 0
    private var method = HTTPMethod.other
    private var nextID: Int32 = 1
    private var resetCode: UInt32 = 0
    /// Calls that have ended on this connection.
    private var endedCount = 0
    private var headHasLeft = false
    /// Bytes have come that no request of ours had asked for.
    private var receivedUnsolicited = false
    private var answerHasBegun = false
    /// The peer has ended its side: there is no later time for what is over the window.
    private var isLast = false
    package private(set) var fault: SessionFault?
    private var now: UInt64 = 0

    /// - Parameter windowBytes: body that a handler has not accepted; above it nothing more is read.
    package init(limits: HTTP1Limits, windowBytes: Int, pool: StreamPool, events: EventQueue) {
        reader = ResponseReader(limits: limits)
        self.windowBytes = windowBytes
        self.pool = pool
        self.events = events
    }

    package var isFinished: Bool { isEnding && current == nil }

    /// Another call may begin.
    package var hasRoom: Bool { current == nil && !isEnding }

    /// Takes no further call.
    package func end() { isEnding = true }

    // MARK: Sending

    /// A stream for a request, to be submitted next: what its fields are made of is written into its arena. `hasRoom` must be true.
    package func makeStream() -> StreamPointer {
        let stream = pool.acquire()
        stream.pointee.connection = connection
        stream.pointee.id = nextID
        nextID = nextID == .max ? 1 : nextID + 1
        return stream
    }

    /// Begins the request; pseudo-header fields are among the fields. False where the head could be misunderstood: the stream is
    /// then no more.
    package func submit(_ stream: StreamPointer, _ fields: UnsafeBufferPointer<Field>, ended: Bool, now: UInt64) -> Bool {
        precondition(hasRoom, "one call at a time")
        self.now = now
        stream.pointee.lastActivity = now
        guard writeHead(fields, ended: ended) else {
            pool.release(stream)
            return false
        }
        stream.pointee.fields.reset()
        stream.pointee.flags.insert(.headSent)
        if ended { stream.pointee.ending = .body }
        reader.expect(method: method)
        headHasLeft = false
        answerHasBegun = false
        current = stream
        return true
    }

    private func writeHead(_ fields: UnsafeBufferPointer<Field>, ended: Bool) -> Bool {
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        var (name, target, authority) = (nothing, nothing, nothing)
        var length: UInt64?
        for field in fields {
            switch field.token {
            case .method: name = field.valueBytes
            case .path: target = field.valueBytes
            case .authority: authority = field.valueBytes
            case .contentLength: length = field.number?.exactly(in: 0 ... .max)
            default: break
            }
        }
        guard !name.isEmpty, !target.isEmpty, name.allSatisfy(HTTPGrammar.isToken),
            target.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { return false }
        method = HTTPMethod(name)
        if ended {
            // `content-length: 0` is sent with methods whose body has a meaning (RFC 9110, section 8.6).
            framing = method == .post || method == .put || method == .patch ? .length(0) : .none
        } else {
            framing = length.map { .length($0) } ?? .chunked
        }
        left = if case .length(let count) = framing { count } else { 0 }
        HTTP1Writer.requestHead(
            method: name, target: target, authority: authority, fields: fields, body: framing, to: &written)
        return true
    }

    /// The call ends where it is, and the connection with it; its handler gets `streamClosed` at the end of the tick.
    package func reset(_ stream: StreamPointer, _ code: ErrorCode) {
        guard !stream.pointee.flags.contains(.resetSent) else { return }
        stream.pointee.flags.insert(.resetSent)
        resetCode = code.rawValue
    }

    // MARK: Bytes in

    package func receive(_ slice: BufferSlice, now: UInt64) {
        self.now = now
        input.begin(slice.bytes)
        events.inputBuffer = input.isHeld ? nil : slice.buffer
        guard !slice.isEmpty else { return }
        guard current == nil || !headHasLeft else { return answerHasBegun = true }
        // Unsolicited: it would be taken for the answer to the next request, or to the one that is about to be sent.
        end()
        receivedUnsolicited = true
    }

    package var canReadOn: Bool { (isReadingHeld || !input.isEmpty) && current != nil && !holdsReading }

    package func keepUnread() { input.end(keepsRest: current != nil && !receivedUnsolicited) }

    package var holdsReading: Bool {
        guard let current else { return false }
        return current.pointee.unconsumed >= windowBytes
    }

    package func readNext() -> Bool {
        guard let stream = current, !stream.pointee.flags.contains(.closed), !receivedUnsolicited else { return false }
        isReadingHeld = !isLast && holdsReading
        if isReadingHeld { return false }
        do throws(HTTP1Failure) {
            return try read(stream)
        } catch {
            end()
            isTruncated = true
            let isLimit = error.isSectionLimit
            if isLimit { fault = .sectionTooLarge }
            endCall(stream, isLimit ? .limitExceeded : .malformed(ErrorCode.protocolError.rawValue))
            return true
        }
    }

    private func read(_ stream: StreamPointer) throws(HTTP1Failure) -> Bool {
        // The place of `:status`, which comes first.
        if stream.pointee.fields.count == 0 { stream.pointee.fields.append(Field("", "", token: .other)) }
        let bytes = input.unread
        let step = try reader.next(bytes, into: &stream.pointee.fields)
        input.consume(step.consumed)
        switch step.event {
        case .needsMore: return isLast ? readEnd(of: stream) : false
        case .interim: informed(stream)
        case .head:
            try checkChunks(input.unread)
            try announce(stream)
        case .body(let range): events.append(.data(stream, UnsafeRawBufferPointer(rebasing: bytes[range])))
        case .end:
            ended(stream)
            answered(stream, isLast: !input.unread.isEmpty)
        }
        return true
    }

    private func ended(_ stream: StreamPointer) {
        stream.pointee.flags.insert(.remoteEnded)
        events.append(.ended(stream, StreamEvent.Section(isTooLarge: reader.isTooLarge)))
    }

    /// Chunks that came with their head and are none: known before any of the answer was passed on, it can still be refused.
    private func checkChunks(_ bytes: UnsafeRawBufferPointer) throws(HTTP1Failure) {
        guard case .chunked = reader.head.body, bytes.count > 0 else { return }
        var probe = reader
        var unused = FieldBlock()
        defer { unused.destroy() }
        var offset = 0
        while true {
            let step = try probe.next(UnsafeRawBufferPointer(rebasing: bytes[offset...]), into: &unused)
            offset += step.consumed
            guard case .body = step.event, offset < bytes.count else { return }
        }
    }

    private func writeStatus(_ stream: StreamPointer) {
        let digits = stream.pointee.fields.reserve(3)
        _ = Decimal.write(UInt64(reader.head.status), to: digits)
        stream.pointee.fields.replace(
            0, with: Field(":status", value: UnsafeRawBufferPointer(start: digits, count: 3), token: .status))
        stream.pointee.fields.removeHopFields()
    }

    private func informed(_ stream: StreamPointer) {
        // One that is too large may be left out (RFC 9110, section 15.2).
        guard !reader.isTooLarge else { return stream.pointee.fields.forgetFields() }
        writeStatus(stream)
        events.append(.informational(stream, StreamEvent.Section()))
    }

    private func announce(_ stream: StreamPointer) throws(HTTP1Failure) {
        writeStatus(stream)
        let section = StreamEvent.Section(isTooLarge: reader.isTooLarge)
        guard reader.head.body == .none || reader.head.body == .length(0) else {
            return events.append(.head(stream, section, ended: false))
        }
        // Moves the reader to the end of the message, without bytes.
        _ = try reader.next(UnsafeRawBufferPointer(start: nil, count: 0), into: &stream.pointee.fields)
        stream.pointee.flags.insert(.remoteEnded)
        events.append(.head(stream, section, ended: true))
        answered(stream, isLast: !input.unread.isEmpty)
    }

    /// The whole answer is here. Only where the request is out as well, and nothing came behind the answer, may the
    /// connection be used again.
    private func answered(_ stream: StreamPointer, isLast: Bool) {
        let isWhole = stream.pointee.flags.contains(.localEnded)
        if isLast || !isWhole || !reader.head.keepsAlive { end() }
        if !isWhole { isTruncated = true }
        endCall(stream, .complete)
    }

    // MARK: Bytes out

    package func produce(into output: inout GatherBuffer, limit: Int, now: UInt64, wallSeconds: Int64) -> Bool {
        self.now = now
        if let stream = current { write(stream, into: &output, limit: limit) }
        return false
    }

    private func write(_ stream: StreamPointer, into output: inout GatherBuffer, limit: Int) {
        if stream.pointee.flags.contains(.resetSent) { return endReset() }
        if receivedUnsolicited {
            written.removeAll()
            return endCall(stream, .unprocessed)
        }
        if !written.isEmpty {
            output.bytes.append(written.readable)
            written.removeAll()
            headHasLeft = true
        }
        guard !stream.pointee.flags.contains(.localEnded) else { return }
        writeBody(stream, into: &output, limit: limit)
    }

    private func writeBody(_ stream: StreamPointer, into output: inout GatherBuffer, limit: Int) {
        let waiting = stream.pointee.outbound.count
        let count = min(waiting, max(0, limit - output.count))
        if case .chunked = framing {
            if count > 0 {
                HTTP1Writer.chunkStart(count: count, to: &output.bytes)
                output.take(count, from: &stream.pointee.outbound, pool: pool.chunks)
                HTTP1Writer.chunkEnd(to: &output.bytes)
            }
        } else {
            // More than was announced would be taken for the next request.
            guard UInt64(waiting) <= left else { return abandon(stream, ErrorCode.internalError.rawValue) }
            output.take(count, from: &stream.pointee.outbound, pool: pool.chunks)
            left -= UInt64(count)
        }
        if count > 0 {
            stream.pointee.bodyBytesSent += count
            stream.pointee.lastActivity = now
            events.appendDrained(stream, count)
        }
        guard stream.pointee.outbound.isEmpty, stream.pointee.ending != .open else { return }
        guard left == 0 else { return abandon(stream, ErrorCode.internalError.rawValue) }
        if case .chunked = framing {
            if let trailers = stream.pointee.outboundTrailers {
                HTTP1Writer.lastChunk(trailers: UnsafeBufferPointer(trailers), to: &output.bytes)
            } else {
                HTTP1Writer.lastChunk(to: &output.bytes)
            }
        }
        stream.pointee.flags.insert(.localEnded)
    }

    // MARK: Endings

    package func endReset() {
        guard let stream = current, stream.pointee.flags.isReset else { return }
        abandon(stream, resetCode)
    }

    /// HTTP/1.1 can cancel a request only by closing its connection.
    private func abandon(_ stream: StreamPointer, _ code: UInt32) {
        end()
        isTruncated = true
        written.removeAll()
        endCall(stream, .reset(code))
    }

    private func endCall(_ stream: StreamPointer, _ reason: StreamClose) {
        stream.pointee.flags.insert(.closed)
        events.append(.closed(stream, reason))
    }

    package func release(_ stream: StreamPointer) {
        current = nil
        endedCount += 1
        pool.release(stream)
    }

    package func peerEnded() {
        end()
        isLast = true
    }

    /// The end of a body that ends with its connection.
    private func readEnd(of stream: StreamPointer) -> Bool {
        isLast = false
        guard (try? reader.connectionEnded(unconsumed: input.unread.count)) == .end else { return false }
        ended(stream)
        endCall(stream, .complete)
        return true
    }

    package func connectionLost() -> StreamClose {
        end()
        current?.pointee.flags.insert(.closed)
        guard !answerHasBegun else { return .connectionLost }
        if !headHasLeft { return .unprocessed }
        return endedCount > 0 ? .connectionStale : .connectionLost
    }
}
