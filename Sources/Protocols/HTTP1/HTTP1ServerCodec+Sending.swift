internal import Bytes
package import HTTPModel
internal import JSON

/// Answers, on their way to bytes. The owner marks its connection dirty.
extension HTTP1ServerCodec {
    enum Progress {
        /// Nothing more can be written at present.
        case waits
        case ended(keepsAlive: Bool)
        /// The answer cannot come to its end: HTTP/2's error code.
        case broken(UInt32)
    }

    /// Begins the answer. `:status` is among the fields, and Content-Length where the length is known.
    package func respond(_ stream: StreamPointer, _ fields: UnsafeBufferPointer<Field>, ended: Bool) {
        guard canSend(stream), case .awaited = answer, let status = Self.status(of: fields) else { return }
        stream.pointee.flags.formUnion([.headSent, .headWaits])
        headStart = written.count
        if ended { stream.pointee.ending = .body }
        var length: UInt64?
        var hasDate = false
        for field in fields {
            if field.token == .contentLength { length = field.number?.exactly(in: 0 ... .max) }
            if field.token == .date { hasDate = true }
        }
        HTTP1Writer.responseStart(status: status, fields: fields, to: &written)
        answer = .begun(status: status, length: length, hasDate: hasDate)
    }

    /// A 1xx head. 101 is no interim answer, and HTTP/1.0 knows none at all (RFC 9110, section 15.2).
    package func inform(_ stream: StreamPointer, _ fields: UnsafeBufferPointer<Field>) {
        guard canSend(stream), case .awaited = answer, reader.head.version == .http11,
            let status = Self.status(of: fields), status < 200, status != 101
        else { return }
        if status == 100 {
            guard awaitsContinue else { return }
            awaitsContinue = false
        }
        HTTP1Writer.interimHead(status: status, fields: fields, to: &written)
    }

    /// The answer ends where it is, and the connection with it; its handler gets `streamClosed` at the end of the tick.
    /// With `noError` a complete answer still goes out: only the rest of the request is unwanted.
    package func reset(_ stream: StreamPointer, _ code: ErrorCode) {
        guard !stream.pointee.flags.contains(.resetSent) else { return }
        if code == .noError, stream.pointee.ending != .open { return }
        withdrawHead(of: stream)
        stream.pointee.flags.insert(.resetSent)
        resetCode = code.rawValue
    }

    /// Takes back a head that waits to be written, and all that was sent behind it.
    package func withdrawHead(of stream: StreamPointer) {
        guard stream.pointee.flags.contains(.headWaits) else { return }
        stream.pointee.flags.subtract([.headSent, .headWaits])
        stream.pointee.outbound.removeAll(pool: pool.chunks)
        stream.pointee.ending = .open
        stream.pointee.outboundTrailers = nil
        written.truncate(to: headStart)
        answer = .awaited
    }

    private static func status(of fields: UnsafeBufferPointer<Field>) -> Int? {
        guard let field = fields.first(where: { $0.token == .status }), field.valueCount == 3,
            let status = field.number?.exactly(in: 100...599)
        else { return nil }
        return Int(status)
    }

    // MARK: Bytes

    func write(_ stream: StreamPointer, into output: inout GatherBuffer, limit: Int, wallSeconds: Int64) -> Progress {
        if stream.pointee.flags.contains(.resetSent) { return .broken(resetCode) }
        output.bytes.append(written.readable)
        written.removeAll()
        switch answer {
        case .awaited:
            // A handler that has not answered by the end of the tick wants the body.
            if awaitsContinue {
                awaitsContinue = false
                HTTP1Writer.interimContinue(to: &output.bytes)
            }
            return .waits
        case .begun(let status, let length, let hasDate):
            stream.pointee.flags.remove(.headWaits)
            // An answer without a body may still describe one (RFC 9110, section 9.3.2): a length that it does not give is unknown.
            let isBodiless = reader.head.method == .head || status == 304
            let whole: UInt64? =
                stream.pointee.ending == .body && !isBodiless ? UInt64(stream.pointee.outbound.count) : nil
            let plan = ResponsePlan(
                answering: reader.head, status: status, length: length ?? whole,
                mayKeepAlive: !isDraining && !isEnding && stream.pointee.flags.contains(.remoteEnded))
            if !hasDate { writeDate(wallSeconds, to: &output.bytes) }
            HTTP1Writer.responseEnd(plan, to: &output.bytes)
            awaitsContinue = false
            var left: UInt64 = 0
            if plan.sendsBody, case .length(let count) = plan.body { left = count }
            answer = .body(plan, left: left)
            return writeBody(stream, plan, left, into: &output, limit: limit)
        case .body(let plan, let left):
            return writeBody(stream, plan, left, into: &output, limit: limit)
        }
    }

    private func writeBody(
        _ stream: StreamPointer, _ plan: ResponsePlan, _ left: UInt64, into output: inout GatherBuffer, limit: Int
    ) -> Progress {
        let waiting = stream.pointee.outbound.count
        guard plan.sendsBody, plan.body != .none else {
            // A body in answer to HEAD is dropped.
            stream.pointee.outbound.removeAll(pool: pool.chunks)
            drained(stream, waiting)
            return end(stream, plan, complete: true, into: &output)
        }
        let count = min(waiting, max(0, limit - output.count))
        switch plan.body {
        case .length:
            // More than was announced would be taken for the next answer.
            guard UInt64(waiting) <= left else { return .broken(ErrorCode.internalError.rawValue) }
            output.take(count, from: &stream.pointee.outbound, pool: pool.chunks)
            answer = .body(plan, left: left - UInt64(count))
            drained(stream, count)
            return end(stream, plan, complete: left == UInt64(count), into: &output)
        case .chunked where count > 0:
            HTTP1Writer.chunkStart(count: count, to: &output.bytes)
            output.take(count, from: &stream.pointee.outbound, pool: pool.chunks)
            HTTP1Writer.chunkEnd(to: &output.bytes)
        default:
            output.take(count, from: &stream.pointee.outbound, pool: pool.chunks)
        }
        drained(stream, count)
        return end(stream, plan, complete: true, into: &output)
    }

    private func drained(_ stream: StreamPointer, _ count: Int) {
        guard count > 0 else { return }
        stream.pointee.bodyBytesSent += count
        stream.pointee.lastActivity = now
        events.appendDrained(stream, count)
    }

    /// - Parameter complete: as long as was announced.
    private func end(
        _ stream: StreamPointer, _ plan: ResponsePlan, complete: Bool, into output: inout GatherBuffer
    ) -> Progress {
        guard stream.pointee.outbound.isEmpty, stream.pointee.ending != .open else { return .waits }
        guard complete else { return .broken(ErrorCode.internalError.rawValue) }
        if plan.sendsBody, plan.body == .chunked {
            if let trailers = stream.pointee.outboundTrailers {
                HTTP1Writer.lastChunk(trailers: UnsafeBufferPointer(trailers), to: &output.bytes)
            } else {
                HTTP1Writer.lastChunk(to: &output.bytes)
            }
        }
        stream.pointee.flags.insert(.localEnded)
        return .ended(keepsAlive: plan.keepsAlive)
    }

    private func writeDate(_ wallSeconds: Int64, to output: inout ByteBuffer) {
        output.append("date: ")
        output.append(date.at(seconds: wallSeconds))
        output.append("\r\n")
    }

    /// For a request that cannot be passed on: a `google.rpc.Status` in JSON, as for every caller that does not use gRPC.
    func writeRefusal(_ status: Int, _ text: StaticString, wallSeconds: Int64, to output: inout ByteBuffer) {
        let type = Field("content-type", "application/json", token: .contentType)
        withUnsafePointer(to: type) {
            HTTP1Writer.responseStart(status: status, fields: UnsafeBufferPointer(start: $0, count: 1), to: &output)
        }
        writeDate(wallSeconds, to: &output)
        var body = ByteBuffer(capacity: 128)
        var json = JSONWriter()
        json.beginObject(&body)
        json.key("code", &body)
        json.number(Self.code(refusingWith: status), &body)
        json.key("message", &body)
        json.string(text, &body)
        json.endObject(&body)
        HTTP1Writer.responseEnd(ResponsePlan(refusingWithLength: UInt64(body.count)), to: &output)
        output.append(body.readable)
    }

    /// gRPC's status code for a request that could not be read, by the HTTP status that it is refused with.
    private static func code(refusingWith status: Int) -> UInt64 {
        switch status {
        // DEADLINE_EXCEEDED
        case 408: 4
        // RESOURCE_EXHAUSTED
        case 413, 414, 431: 8
        // UNIMPLEMENTED
        case 501, 505: 12
        // INVALID_ARGUMENT
        default: 3
        }
    }
}
