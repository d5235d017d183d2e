internal import Bytes
internal import GRPC
internal import HTTPModel
internal import Protobuf
internal import Transcoding
internal import Transport

/// `POST /json`: a RateLimitRequest as JSON, answered with 200, 429 where it is over its limit, 400 where it is none, or 500 without a store.
/// One per worker.
final class JSONRequests: StreamHandler {
    private let service: LimitService
    private let replies: HTTPReplies
    private let requests: RequestTranscoder
    private let answers: ResponseTranscoder
    private let match = BindingMatch()
    private let bodyBytesMax: Int
    private var exchanges: [StreamPointer: Exchange] = [:]

    /// - Parameter method: the place of ShouldRateLimit in the schema.
    init(_ service: LimitService, schema: Schema, method: Int, bodyBytesMax: Int, replies: HTTPReplies) {
        self.service = service
        self.replies = replies
        self.bodyBytesMax = bodyBytesMax
        var options = TranscodingOptions()
        options.messageBytesMax = bodyBytesMax
        let plan = TranscodingPlan(schema: schema, options: options)
        requests = RequestTranscoder(plan: plan)
        answers = ResponseTranscoder(plan: plan)
        match.becomeOwn(method: method)
    }

    func streamHead(_ stream: StreamPointer, ended: Bool) {
        let method = stream.pointee.fields.first(.method)?.valueBytes
        guard method?.equals("POST") == true else {
            return replies.send("405", Self.text, "only POST is served here\n", allow: "POST", to: stream)
        }
        guard !stream.pointee.flags.contains(.headTooLarge) else {
            return replies.send("431", Self.text, "the request's head is too large\n", to: stream)
        }
        let exchange = Exchange(self, stream)
        exchanges[stream] = exchange
        if ended { decide(exchange) }
    }

    private static let text: StaticString = "text/plain; charset=utf-8"

    func streamData(_ stream: StreamPointer, _ slice: BufferSlice) {
        let count = slice.count
        defer { stream.connection { $0.consumed(stream, count) } }
        guard let exchange = exchanges[stream] else { return }
        guard exchange.body.count + count <= bodyBytesMax else {
            exchanges[stream] = nil
            return replies.send("413", Self.text, "the request is too large\n", to: stream)
        }
        exchange.body.append(slice.bytes)
    }

    func streamEnded(_ stream: StreamPointer) {
        if let exchange = exchanges[stream] { decide(exchange) }
    }

    func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) { exchanges.removeValue(forKey: stream)?.stream = nil }

    private func decide(_ exchange: Exchange) {
        var message = ByteBuffer(capacity: 512)
        do throws(TranscodingFailure) {
            try requests.begin(match, contentType: UnsafeRawBufferPointer(start: nil, count: 0))
            try requests.feed(exchange.body.readable, isLast: true, into: &message)
        } catch {
            let place = error.path.isEmpty ? "" : "\(error.path): "
            return refuse(exchange, "400", "\(place)\(error.problem)\n")
        }
        service.decide(
            UnsafeRawBufferPointer(rebasing: message.readable.dropFirst(MessageFrame.headerBytes)), for: exchange)
    }

    private func refuse(_ exchange: Exchange, _ code: StaticString, _ words: String) {
        guard let stream = exchange.stream else { return }
        var words = words
        words.withUTF8 { replies.send(code, Self.text, UnsafeRawBufferPointer($0), to: stream) }
    }

    private func answer(_ exchange: Exchange, _ message: UnsafeRawBufferPointer, isOver: Bool) {
        guard let stream = exchange.stream else { return }
        var body = ByteBuffer(capacity: 512)
        answers.begin(match, form: .single)
        guard (try? answers.append(message: message, to: &body)) != nil else {
            return refuse(exchange, "500", "the answer is no message\n")
        }
        replies.send(isOver ? "429" : "200", "application/json", body.readable, to: stream)
    }

    private final class Exchange: LimitWaiter {
        private unowned let owner: JSONRequests
        var stream: StreamPointer?
        var body = ByteBuffer(capacity: 512)

        init(_ owner: JSONRequests, _ stream: StreamPointer) {
            self.owner = owner
            self.stream = stream
        }

        func limitAnswered(_ message: UnsafeRawBufferPointer, isOver: Bool) { owner.answer(self, message, isOver: isOver) }

        func limitFailed(_ status: CallStatus) {
            owner.refuse(self, status.code == .unavailable ? "500" : "400", "\(status.message)\n")
        }
    }
}
