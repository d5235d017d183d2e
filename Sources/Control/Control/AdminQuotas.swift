internal import Bytes
internal import HTTPModel
internal import QuotaService
internal import Transport

/// `/quota/…` on the admin address, with JSON, and `martlet.quota.v1.Quotas` over gRPC: streams that the admin address hands over.
final class AdminQuotas: StreamHandler {
    private let pages: QuotaPages
    private let methods: GRPCServer
    private let context: WorkerContext
    /// Requests that are not answered yet, by the addresses of their streams.
    private var exchanges: [UnsafeMutableRawPointer: Exchange] = [:]

    private final class Exchange {
        /// `nil` once it is over.
        var stream: StreamPointer?
        let isHead: Bool
        let isGet: Bool
        var body: [UInt8]?
        var isAnswered = false

        init(_ stream: StreamPointer, isHead: Bool, isGet: Bool, body: [UInt8]?) {
            self.stream = stream
            self.isHead = isHead
            self.isGet = isGet
            self.body = body
        }
    }

    init(_ manager: QuotaManager, context: WorkerContext) {
        self.context = context
        pages = QuotaPages(manager)
        methods = GRPCServer(context: context, messageBytesMax: UInt32(QuotaPages.bodyBytesMax))
        QuotaMethods.register(manager, on: methods)
    }

    /// - Returns: false where the request is the admin address's own.
    func takeOver(_ stream: StreamPointer, path: BorrowedBytes, ended: Bool) -> Bool {
        let isPost = stream.pointee.fields.first(.method)?.valueBytes.elementsEqual("POST".utf8) == true
        // A page is a page, whatever a GET says of a body that it does not have.
        if isPost, let type = stream.pointee.fields.first(.contentType)?.valueBytes, type.starts(with: "application/grpc".utf8) {
            stream.handler = methods
            methods.streamHead(stream, ended: ended)
            return true
        }
        guard path.starts(with: QuotaPages.prefix.utf8), !stream.pointee.flags.contains(.headTooLarge) else { return false }
        stream.handler = self
        streamHead(stream, ended: ended)
        return true
    }

    func streamHead(_ stream: StreamPointer, ended: Bool) {
        let method = stream.pointee.fields.first(.method)?.valueBytes ?? BorrowedBytes.none
        let isHead = method.elementsEqual("HEAD".utf8)
        let exchange = Exchange(
            stream, isHead: isHead, isGet: isHead || method.elementsEqual("GET".utf8),
            body: method.elementsEqual("POST".utf8) ? [] : nil)
        exchanges[stream.opaque] = exchange
        if ended || exchange.body == nil { answer(exchange) }
    }

    func streamData(_ stream: StreamPointer, _ slice: BufferSlice) {
        if let exchange = exchanges[stream.opaque], !exchange.isAnswered, exchange.body != nil {
            exchange.body?.append(contentsOf: slice.bytes)
            if let count = exchange.body?.count, count > QuotaPages.bodyBytesMax {
                exchange.isAnswered = true
                reply(exchange, QuotaPages.error(413, "the request is too large: at most \(QuotaPages.bodyBytesMax) bytes"))
            }
        }
        stream.connection { $0.consumed(stream, slice.count) }
    }

    func streamEnded(_ stream: StreamPointer) {
        if let exchange = exchanges[stream.opaque], !exchange.isAnswered { answer(exchange) }
    }

    func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) { exchanges.removeValue(forKey: stream.opaque)?.stream = nil }

    private func answer(_ exchange: Exchange) {
        guard let stream = exchange.stream else { return }
        exchange.isAnswered = true
        let target = stream.pointee.fields.first(.path)?.valueBytes ?? BorrowedBytes.none
        let path = BorrowedBytes(rebasing: target.prefix { $0 != UInt8(ascii: "?") })
        let query = BorrowedBytes(rebasing: target[min(path.count + 1, target.count)...])
        pages.answer(
            path: String(decoding: path.dropFirst(QuotaPages.prefix.utf8.count), as: UTF8.self), query: query, body: exchange.body,
            isGet: exchange.isGet, userID: stream.serverConnection { $0.peerUserID }
        ) { [unowned self] in reply(exchange, $0) }
    }

    private func reply(_ exchange: Exchange, _ answer: QuotaPages.Answer) {
        guard let stream = exchange.stream else { return }
        let scratch = context.fieldScratch
        let status = stream.pointee.fields.reserve(3)
        _ = Decimal.write(UInt64(answer.status), to: status)
        scratch[0] = Field(":status", value: BorrowedBytes(start: status, count: 3), token: .status)
        scratch[1] = Field("content-type", answer.contentType, token: .contentType)
        let digits = stream.pointee.fields.reserve(20)
        let count = Decimal.write(UInt64(answer.body.count), to: digits)
        scratch[2] = Field("content-length", value: BorrowedBytes(start: digits, count: count), token: .contentLength)
        if let allow = answer.allow { scratch[3] = Field("allow", allow, token: .other) }
        let fields = UnsafeBufferPointer(start: scratch.baseAddress, count: answer.allow == nil ? 3 : 4)
        stream.serverConnection { connection in
            connection.respond(stream, fields, ended: exchange.isHead || answer.body.isEmpty)
            guard !exchange.isHead, !answer.body.isEmpty else { return }
            answer.body.withUnsafeBytes { connection.send(stream, $0) }
            connection.finish(stream)
        }
    }
}
