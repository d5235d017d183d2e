internal import Bytes
internal import GRPC
internal import HTTPModel
internal import Reactor
internal import Routing
internal import Schemas
internal import Transport

extension GatewayWorker {
    /// Answers with a document, or the page made of it.
    func answerPage(_ exchange: ExchangePointer, _ page: Route.Page) {
        guard let stream = exchange.pointee.downstream, let facts = exchange.pointee.facts else { return }
        guard exchange.pointee.clientProtocol == .http else { return refuse(exchange, .unsupportedContentType) }
        let isHead = facts.method.equals("HEAD")
        guard isHead || facts.method.equals("GET") else { return refuse(exchange, .methodNotAllowed(allow: "GET, HEAD")) }
        let pages = exchange.pointee.snapshot!._withUnsafeGuaranteedRef { $0.snapshot.pages }
        guard let entry = pages?.entry(for: facts.authority) else { return refuse(exchange, .noRoute) }
        exchange.pointee.phase = .over
        context.loop.timers.disarm(exchange.pointee.timer)
        exchange.pointee.body.removeAll(pool: context.chunks)
        exchange.pointee.outcome.httpStatus = 200
        exchange.pointee.outcome.detail = "openapi"
        let bytes = page == .document ? entry.document : entry.page
        exchange.pointee.outcome.responseBytes = isHead ? 0 : bytes.count
        var writer = FieldWriter(for: stream, scratch: context.fieldScratch)
        writer.put(Field(":status", "200", token: .status))
        writer.put(
            Field("content-type", page == .document ? "application/json" : "text/html; charset=utf-8", token: .contentType))
        let digits = stream.pointee.fields.reserve(20)
        let count = Decimal.write(UInt64(bytes.count), to: digits)
        writer.put(Field("content-length", value: UnsafeRawBufferPointer(start: digits, count: count), token: .contentLength))
        writer.put(Field("cache-control", "no-cache", token: .other))
        writer.put(Field("x-content-type-options", "nosniff", token: .other))
        writer.put("x-request-id", requestID(exchange, stream), token: .xRequestID, flags: .borrowedNeverIndexed)
        if page == .page {
            TryPage.policy.withUnsafeBytes { writer.put("content-security-policy", $0, token: .other) }
            writer.put(Field("referrer-policy", "no-referrer", token: .other))
        }
        stream.serverConnection { connection in
            connection.respond(stream, withPermission(exchange, stream, writer.written), ended: isHead)
            guard !isHead else { return }
            bytes.withUnsafeBytes { connection.send(stream, $0) }
            connection.finish(stream)
        }
        checkMemory(after: stream)
    }
}
