package import Bytes
internal import GRPC
internal import Protobuf

/// Makes gRPC messages of a request's path, query and body.
///
///     begin(match) ─▶ feed(chunk) … ─▶ feed(last chunk, isLast: true)
///
/// Kept and used again for another request of the same plan. Holds one message at most; a client stream's elements leave
/// as they complete. What path and query give is put into every message of a stream. After a failure the request is over.
package final class RequestTranscoder {
    private enum Source {
        /// No body: one message of path and query.
        case nothing
        case json
        /// Raw bytes in a `google.api.HttpBody`.
        case raw
    }

    private let plan: TranscodingPlan
    private let encoder: MessageEncoder
    private var bound = BoundFields()
    private var query = QueryReader()
    private var pending = ByteBuffer(capacity: 256)
    private var scanner = ElementScanner()
    private var contentType: [UInt8] = []
    private var binding: Binding
    private var source = Source.nothing
    private var isStream = false
    private var messageCount = 0

    package init(plan: TranscodingPlan) {
        precondition(!plan.bindings.isEmpty, "a schema without methods has nothing to transcode")
        self.plan = plan
        encoder = MessageEncoder(schema: plan.schema, options: plan.options)
        binding = plan.bindings[0]
    }

    /// - Parameter contentType: of the body, for methods that take it raw.
    package func begin(
        _ match: BindingMatch, contentType: UnsafeRawBufferPointer
    ) throws(TranscodingFailure) {
        binding = plan.bindings[match.binding]
        pending.removeAll()
        pending.shrink(to: 4096)
        scanner.begin()
        bound.reset()
        messageCount = 0
        isStream = binding.clientStreams
        encoder.bound = binding.bound
        switch binding.body {
        case .none: source = .nothing
        case .message: source = binding.input.pointee.wellKnown == .httpBody && !isPlain(match) ? .raw : .json
        case .field(let field): source = field.isRawBody ? .raw : .json
        }
        if source == .raw { self.contentType = [UInt8](contentType) }
        var failed = ""
        do throws(Problem) {
            try bound.readPath(binding, match, encoder, failed: &failed)
            try query.read(match.query, binding, of: binding.input, into: &bound, encoder, failed: &failed)
        } catch { throw TranscodingFailure(.request, error, at: failed) }
    }

    /// The body of the request that began is read as JSON.
    package var readsJSON: Bool { source == .json }

    /// By its own path a method takes its message as JSON, also one that could be raw.
    private func isPlain(_ match: BindingMatch) -> Bool { match.binding < plan.schema.methods.count }

    /// Takes a part of the body and appends the messages that it completes, framed, to `output`.
    package func feed(
        _ bytes: UnsafeRawBufferPointer, isLast: Bool, into output: inout ByteBuffer
    ) throws(TranscodingFailure) {
        switch source {
        case .nothing:
            for byte in bytes where byte != 0x20 && byte != 0x0A && byte != 0x0D && byte != 0x09 {
                throw TranscodingFailure(.request, .bodyUnexpected, at: "")
            }
            if isLast { appendBoundOnly(to: &output) }
        case .raw: try feedRaw(bytes, isLast: isLast, into: &output)
        case .json:
            if isStream {
                try feedStream(bytes, isLast: isLast, into: &output)
            } else {
                try feedOne(bytes, isLast: isLast, into: &output)
            }
        }
    }

    /// Takes the whole JSON of one message, where a protocol frames each, and appends it.
    package func append(
        message: UnsafeRawBufferPointer, to output: inout ByteBuffer
    ) throws(TranscodingFailure) {
        try checkSize(message.count)
        try append(element: message, to: &output)
    }

    // MARK: one message

    private func feedOne(
        _ bytes: UnsafeRawBufferPointer, isLast: Bool, into output: inout ByteBuffer
    ) throws(TranscodingFailure) {
        if isLast, pending.isEmpty {
            try checkSize(bytes.count)
            return try append(element: bytes, to: &output)
        }
        try gather(bytes)
        guard isLast else { return }
        try append(element: pending.readable, to: &output)
        pending.removeAll()
    }

    private func gather(_ bytes: UnsafeRawBufferPointer) throws(TranscodingFailure) {
        try checkSize(pending.count + bytes.count)
        pending.append(bytes)
    }

    private func checkSize(_ count: Int) throws(TranscodingFailure) {
        guard count <= plan.options.messageBytesMax else {
            throw TranscodingFailure(
                kind: .requestTooLarge, problem: "a message of more than \(plan.options.messageBytesMax) bytes")
        }
    }

    /// One JSON value as a framed message. An empty body is an empty message.
    private func append(element: UnsafeRawBufferPointer, to output: inout ByteBuffer) throws(TranscodingFailure) {
        encoder.begin(element)
        encoder.json.skipSpace()
        if encoder.json.at < encoder.json.end || isStream {
            do throws(Problem) {
                try encode()
                try encoder.end()
            } catch { throw TranscodingFailure(.request, error, at: place + encoder.trail.text) }
        }
        frame(into: &output)
    }

    /// Which element of a stream it is.
    private var place: String {
        guard isStream else { return "" }
        return encoder.trail.text.isEmpty || encoder.trail.text.hasPrefix("[") ? "[\(messageCount)]" : "[\(messageCount)]."
    }

    private func encode() throws(Problem) {
        switch binding.body {
        case .none: break
        case .message: try encoder.value(of: binding.input, bound: binding.bound.isEmpty ? -1 : 0)
        case .field(let field): try encoder.bodyField(field)
        }
    }

    private func frame(into output: inout ByteBuffer) {
        let count = encoder.output.count + encoder.gaps.extra
        let total = count + bound.tail.count
        let target = output.writable(atLeast: MessageFrame.headerBytes + total).baseAddress!
        MessageFrame(payloadBytes: UInt32(total)).write(to: target)
        let payload = (target + MessageFrame.headerBytes).assumingMemoryBound(to: UInt8.self)
        encoder.gaps.write(encoder.output, to: payload)
        (payload + count).update(from: bound.tail.base, count: bound.tail.count)
        output.commit(MessageFrame.headerBytes + total)
        messageCount += 1
    }

    private func appendBoundOnly(to output: inout ByteBuffer) {
        encoder.begin(UnsafeRawBufferPointer(start: nil, count: 0))
        frame(into: &output)
    }

    // MARK: streams

    private func feedStream(
        _ bytes: UnsafeRawBufferPointer, isLast: Bool, into output: inout ByteBuffer
    ) throws(TranscodingFailure) {
        scanner.beginChunk()
        while true {
            switch try nextElement(bytes) {
            case .element(let start, let end):
                try appendElement(UnsafeRawBufferPointer(rebasing: bytes[start..<end]), to: &output)
                continue
            case .unfinished(let start): try gather(UnsafeRawBufferPointer(rebasing: bytes[start...]))
            case .nothing: break
            }
            break
        }
        guard isLast, try endsWithElement() else { return }
        try appendElement(UnsafeRawBufferPointer(start: nil, count: 0), to: &output)
    }

    private func nextElement(_ bytes: UnsafeRawBufferPointer) throws(TranscodingFailure) -> ElementScanner.Event {
        do throws(Problem) { return try scanner.next(bytes) } catch {
            throw TranscodingFailure(.request, error, at: "[\(messageCount)]")
        }
    }

    private func endsWithElement() throws(TranscodingFailure) -> Bool {
        do throws(Problem) { return try scanner.finish() } catch {
            throw TranscodingFailure(.request, error, at: "[\(messageCount)]")
        }
    }

    /// The end of an element, of which earlier chunks may have brought the beginning.
    private func appendElement(
        _ bytes: UnsafeRawBufferPointer, to output: inout ByteBuffer
    ) throws(TranscodingFailure) {
        guard !pending.isEmpty else {
            try checkSize(bytes.count)
            return try append(element: bytes, to: &output)
        }
        try gather(bytes)
        try append(element: pending.readable, to: &output)
        pending.removeAll()
    }

    // MARK: raw bytes

    /// A stream's chunks are messages as they come, the first with the type of the content.
    private func feedRaw(
        _ bytes: UnsafeRawBufferPointer, isLast: Bool, into output: inout ByteBuffer
    ) throws(TranscodingFailure) {
        if isStream {
            if bytes.count > 0 || isLast && messageCount == 0 { appendRaw(bytes, to: &output) }
        } else if isLast, pending.isEmpty {
            try checkSize(bytes.count)
            appendRaw(bytes, to: &output)
        } else {
            try gather(bytes)
            guard isLast else { return }
            appendRaw(pending.readable, to: &output)
            pending.removeAll()
        }
    }

    private func appendRaw(_ bytes: UnsafeRawBufferPointer, to output: inout ByteBuffer) {
        encoder.begin(UnsafeRawBufferPointer(start: nil, count: 0))
        if case .field(let field) = binding.body {
            encoder.tag(field.pointee.tag)
            let gap = encoder.gaps.open(&encoder.output)
            appendHTTPBody(bytes)
            encoder.gaps.close(gap, &encoder.output)
        } else {
            appendHTTPBody(bytes)
        }
        frame(into: &output)
    }

    /// `google.api.HttpBody`: the content type is its field 1, the data its field 2.
    private func appendHTTPBody(_ bytes: UnsafeRawBufferPointer) {
        if messageCount == 0, !contentType.isEmpty {
            encoder.output.byte(0x0A)
            encoder.varint(UInt64(contentType.count))
            contentType.withUnsafeBytes { encoder.output.append($0) }
        }
        guard bytes.count > 0 else { return }
        encoder.output.byte(0x12)
        encoder.varint(UInt64(bytes.count))
        encoder.output.append(bytes)
    }
}
