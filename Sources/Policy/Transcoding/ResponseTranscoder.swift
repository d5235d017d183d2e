package import Bytes
internal import GRPC
internal import JSON
internal import Protobuf

/// Makes JSON of the gRPC messages of an answer.
///
///     begin(match, form) ─▶ feed(bytes) … ─▶ finish()
///
/// Kept and used again for another answer of the same plan. Holds what of one message has not arrived yet. After a failure
/// the answer is over.
package final class ResponseTranscoder {
    private let plan: TranscodingPlan
    /// An answer may be nested a hundred levels deep, in two bytes a level.
    private let indenter = JSONIndenter(levelMax: 10)
    private let printer: MessagePrinter
    private var pending = ByteBuffer(capacity: 256)
    private var binding: Binding
    private var form = ResponseForm.single
    private var isRaw = false
    package private(set) var messageCount = 0
    /// Of a raw body, what its first message says; empty for JSON, whose type the form knows.
    package private(set) var rawContentType: [UInt8] = []

    package init(plan: TranscodingPlan) {
        precondition(!plan.bindings.isEmpty, "a schema without methods has nothing to transcode")
        self.plan = plan
        printer = MessagePrinter(schema: plan.schema, options: plan.options)
        binding = plan.bindings[0]
    }

    /// Whether an answer of this match is raw bytes, of the type that its first message says.
    package func isRaw(_ match: BindingMatch) -> Bool {
        if match.binding < plan.schema.methods.count { return false }
        if let field = plan.bindings[match.binding].responseField { return field.isRawBody }
        return plan.bindings[match.binding].output.pointee.wellKnown == .httpBody
    }

    package func begin(_ match: BindingMatch, form: ResponseForm) {
        binding = plan.bindings[match.binding]
        self.form = form
        isRaw = isRaw(match)
        messageCount = 0
        rawContentType.removeAll(keepingCapacity: true)
        pending.removeAll()
        pending.shrink(to: 4096)
    }

    /// Takes framed messages in whatever pieces they come, and appends what they mean to `output`.
    ///
    /// A compressed message is a failure here: a caller that can decompress it uses `append(message:)`.
    package func feed(_ bytes: UnsafeRawBufferPointer, into output: inout ByteBuffer) throws(TranscodingFailure) {
        if pending.isEmpty {
            let used = try takeMessages(bytes, into: &output)
            pending.append(UnsafeRawBufferPointer(rebasing: bytes[used...]))
        } else {
            pending.append(bytes)
            let waiting = pending.readable
            pending.consume(try takeMessages(waiting, into: &output))
        }
    }

    /// Returns how many bytes were whole messages.
    private func takeMessages(
        _ bytes: UnsafeRawBufferPointer, into output: inout ByteBuffer
    ) throws(TranscodingFailure) -> Int {
        var used = 0
        while bytes.count - used >= MessageFrame.headerBytes {
            let start = used + MessageFrame.headerBytes
            guard let frame = ReceivedFrame(header: UnsafeRawBufferPointer(rebasing: bytes[used..<start])), !frame.isCompressed
            else { throw TranscodingFailure(kind: .response, problem: "a compressed or unknown message") }
            guard let payloadBytes = frame.payloadBytes.exactly(as: Int.self), payloadBytes <= plan.options.messageBytesMax else {
                throw TranscodingFailure(
                    kind: .responseTooLarge, problem: "a message of more than \(plan.options.messageBytesMax) bytes")
            }
            let end = start + payloadBytes
            guard end <= bytes.count else { break }
            try append(message: UnsafeRawBufferPointer(rebasing: bytes[start..<end]), to: &output)
            used = end
        }
        return used
    }

    /// One message, without its frame.
    package func append(
        message: UnsafeRawBufferPointer, to output: inout ByteBuffer
    ) throws(TranscodingFailure) {
        if form == .single, messageCount > 0, !isRaw {
            throw TranscodingFailure(kind: .response, problem: "more than one message")
        }
        printer.begin()
        do throws(Problem) {
            if isRaw { return try appendRaw(WireCursor(message), to: &output) }
            let type = binding.output
            if let field = binding.responseField {
                try printer.field(field, of: type, WireCursor(message))
            } else {
                try printer.value(of: type, WireCursor(message))
            }
        } catch { throw TranscodingFailure(.response, error, at: printer.trail.text) }
        append(element: printer.output.bytes(from: printer.skipped), to: &output)
    }

    private func append(element: UnsafeRawBufferPointer, to output: inout ByteBuffer) {
        switch form {
        case .single where plan.options.isPretty:
            indenter.append(element, to: &output)
            output.append(byte: 0x0A)
        case .single, .framed: output.append(element)
        case .lines:
            output.append(element)
            output.append(byte: 0x0A)
        case .array:
            output.append(byte: messageCount == 0 ? UInt8(ascii: "[") : UInt8(ascii: ","))
            if plan.options.isPretty {
                indenter.breakLine(1, &output)
                indenter.append(element, level: 1, to: &output)
            } else {
                output.append(element)
            }
        case .events:
            output.append("data: ")
            output.append(element)
            output.append("\n\n")
        }
        messageCount += 1
    }

    private func appendRaw(_ message: WireCursor, to output: inout ByteBuffer) throws(Problem) {
        var body = message
        if let field = binding.responseField {
            body = WireCursor(at: message.end, end: message.end)
            var cursor = message
            while !cursor.isAtEnd {
                let tag = try cursor.nextTag()
                if tag == field.pointee.tag { body = WireCursor(try cursor.nextBytes()) } else { try cursor.pass(tag) }
            }
        }
        let parts = try MessagePrinter.httpBody(body)
        if messageCount == 0 { rawContentType.append(contentsOf: parts.contentType) }
        output.append(parts.data)
        messageCount += 1
    }

    /// A message has begun that has not ended.
    package var isWithinMessage: Bool { !pending.isEmpty }

    /// The answer ended well.
    package func finish(into output: inout ByteBuffer) throws(TranscodingFailure) {
        guard pending.isEmpty else { throw TranscodingFailure(kind: .response, problem: "it ends within a message") }
        if form == .single, messageCount == 0 { throw TranscodingFailure(kind: .response, problem: "no message") }
        guard form == .array, !isRaw else { return }
        if messageCount == 0 { output.append(byte: UInt8(ascii: "[")) }
        endArray(&output)
    }

    private func endArray(_ output: inout ByteBuffer) {
        if plan.options.isPretty, messageCount > 0 { indenter.breakLine(0, &output) }
        output.append(byte: UInt8(ascii: "]"))
        if plan.options.isPretty { output.append(byte: 0x0A) }
    }

    /// The stream ended badly after it had begun: `status`, a `google.rpc.Status` as JSON, is its last element.
    package func finish(status: UnsafeRawBufferPointer, into output: inout ByteBuffer) {
        guard !isRaw else { return }
        if form == .events { output.append("event: error\n") }
        append(element: status, to: &output)
        if form == .array { endArray(&output) }
    }

    /// Appends a `google.rpc.Status` as JSON. `details` is the same in protobuf, from `grpc-status-details-bin`, or empty;
    /// what cannot be read of it is left out, and types that the schema lacks are given in base64.
    package func append(
        status code: Int, message: UnsafeRawBufferPointer, details: UnsafeRawBufferPointer, to output: inout ByteBuffer
    ) {
        printer.begin()
        printer.output.append("{\"code\":")
        DigitText.write(Int64(code), to: &printer.output)
        printer.output.append(",\"message\":")
        try? StringText.write(message, isChecked: false, to: &printer.output)
        printer.output.append(",\"details\":[")
        printer.details(WireCursor(details))
        printer.output.append("]}")
        output.append(printer.output.bytes)
    }
}
