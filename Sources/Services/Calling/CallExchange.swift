internal import Bytes
internal import GRPC
internal import JSON
internal import Protobuf
internal import Reactor
internal import Transcoding
internal import Transport

/// One call: JSON in, JSON out, as it comes.
final class CallExchange: ClientCallOwner {
    private let method: MethodSchema
    private let options: CallOptions
    private let input: MessageInput
    private let console: Console
    private let finished: (CallOutcome) -> Void
    private let authority: String
    private let isSecure: Bool
    private let match = BindingMatch()
    private let requests: RequestTranscoder
    private let answers: ResponseTranscoder
    private let details: ResponseTranscoder
    private var call: ClientCall?
    private var source: MessageSource?
    private var hasInputEnded = false
    private var isWanted = false
    private var messageCount = 0
    private var isOver = false

    init(
        _ method: Int, of schema: Schema, _ input: MessageInput, _ options: CallOptions, authority: String, isSecure: Bool,
        console: Console, finished: @escaping (CallOutcome) -> Void
    ) {
        self.method = schema.methods[method]
        self.input = input.resolved(isStream: self.method.clientStreams)
        self.options = options
        self.authority = authority
        self.isSecure = isSecure
        self.console = console
        self.finished = finished
        var transcoding = TranscodingOptions()
        transcoding.messageBytesMax = options.messageBytesMax
        let plan = TranscodingPlan(schema: schema, options: transcoding)
        requests = RequestTranscoder(plan: plan)
        answers = ResponseTranscoder(plan: plan)
        details = ResponseTranscoder(plan: plan)
        var path = self.method.path
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        path.withUTF8 { path in
            "POST".utf8.withContiguousStorageIfAvailable { verb in
                _ = plan.match(
                    method: UnsafeRawBufferPointer(verb), path: UnsafeRawBufferPointer(path), query: nothing, into: match)
            }
            // Its own path takes nothing from path or query.
            try? requests.begin(match, contentType: nothing)
        }
        answers.begin(match, form: .lines)
    }

    func start(on connection: ClientConnection) {
        var first = ByteBuffer()
        // What is wrong with a message that is there already is found before anything is called.
        if case .text(let text) = input, !encode(text, isLast: true, into: &first) { return }
        var head = ClientCallHead(path: method.path, authority: authority, isSecure: isSecure)
        head.metadata = options.metadata + (options.token.map { [$0] } ?? [])
        head.timeout = options.deadline
        head.messageBytesMax = UInt32(clamping: options.messageBytesMax)
        call = ClientCall(head, on: connection, owner: self)
        guard let call else {
            console.say("martlet: the connection takes no call")
            return end(.unreachable)
        }
        switch input {
        case .text, .unsaid:
            call.send(framed: first.readable)
            call.finish()
        case .descriptor(let descriptor):
            do {
                source = try MessageSource(descriptor, on: connection.context.loop) { [unowned self] in receive($0) }
                want()
            } catch { fail("no thread to read with: \(error)") }
        }
    }

    // MARK: Requests

    /// Asks for more input, unless what there was still waits to be sent.
    private func want() {
        guard let source, !hasInputEnded, !isWanted, call?.isWritable == true else { return }
        isWanted = true
        source.want()
    }

    private func receive(_ bytes: [UInt8]) {
        guard !isOver, let call else { return }
        isWanted = false
        hasInputEnded = bytes.isEmpty
        var framed = ByteBuffer()
        guard encode(bytes, isLast: bytes.isEmpty, into: &framed) else { return }
        call.send(framed: framed.readable)
        if hasInputEnded { call.finish() } else { want() }
    }

    /// `false` after the call was ended for what is wrong with it.
    private func encode(_ bytes: [UInt8], isLast: Bool, into output: inout ByteBuffer) -> Bool {
        do throws(TranscodingFailure) {
            try bytes.span.bytes.withUnsafeBytes { (bytes) throws(TranscodingFailure) in
                try requests.feed(bytes, isLast: isLast, into: &output)
            }
            return true
        } catch {
            fail("the request's \(error.path.isEmpty ? "JSON" : StatusText.shown(error.path)): \(error.problem)")
            return false
        }
    }

    // MARK: ClientCallOwner

    func callBegan(_ call: ClientCall) { tell(call.head) }

    func callDrained(_ call: ClientCall) { want() }

    func callReceived(_ call: ClientCall, _ message: MessageReader.Message) {
        guard !message.isCompressed else { return fail("the answer is compressed, which was not asked for") }
        messageCount += 1
        var line = ByteBuffer()
        do throws(TranscodingFailure) {
            try answers.append(message: message.payload, to: &line)
        } catch {
            return fail("the answer's \(error.path.isEmpty ? "message" : error.path): \(error.problem)")
        }
        guard options.isPretty else { return console.answer(line.readable) }
        var pretty = ByteBuffer(capacity: line.count * 2)
        JSONIndenter().append(line.readable, to: &pretty)
        pretty.append("\n")
        console.answer(pretty.readable)
    }

    func callEnded(_ call: ClientCall, _ status: CallStatus) {
        tell(call.trailers)
        var status = status
        if status.code == .ok, !method.serverStreams, messageCount != 1 {
            status = CallStatus(.internal, "\(messageCount) messages came, where the method returns one")
        }
        if status.code != .ok || options.isVerbose {
            StatusText.lines(status.code, status.message, details: status.details) { self.json(of: $0) }.forEach(console.say)
        }
        end(status.code == .ok ? .ok : .status(status.code))
    }

    private func tell(_ fields: ClientCall.Fields) {
        guard options.isVerbose else { return }
        for field in fields { console.say("< \(field.name): \(StatusText.shown(field.value))") }
    }

    /// A detail of a type that the schema knows.
    private func json(of detail: UnsafeRawBufferPointer) -> String? {
        var status = ByteBuffer(), text = ByteBuffer()
        WireWriter.field(3, bytes: detail, into: &status)
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        details.append(status: 0, message: nothing, details: status.readable, to: &text)
        let json = String(decoding: text.readable, as: UTF8.self)
        let before = "{\"code\":0,\"message\":\"\",\"details\":["
        let inner = json.dropFirst(before.count).dropLast(2)
        return inner.isEmpty ? nil : String(inner)
    }

    // MARK: End

    private func fail(_ message: String) {
        console.say("martlet: \(message)")
        end(.mistake)
    }

    private func end(_ status: CallOutcome) {
        guard !isOver else { return }
        isOver = true
        source?.close()
        call?.cancel()
        finished(status)
    }
}
