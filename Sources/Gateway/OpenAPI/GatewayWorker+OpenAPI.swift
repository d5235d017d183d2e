internal import Bytes
internal import GRPC
internal import HTTPModel
internal import Reactor
internal import Routing
internal import Schemas
internal import Transport

extension GatewayWorker {
    /// Answers with a document, or the page made of it.
    func answerPage(_ call: Record<Call>, _ page: Route.Page) {
        guard let stream = call.downstream, let facts = call.facts else { return }
        guard call.clientProtocol == .http else { return refuse(call, .unsupportedContentType) }
        let isHead = facts.method.equals("HEAD")
        guard isHead || facts.method.equals("GET") else { return refuse(call, .methodNotAllowed(allow: "GET, HEAD")) }
        let pages = call.snapshot!.snapshot.pages
        guard let entry = pages?.entry(for: facts.authority) else { return refuse(call, .noRoute) }
        call.phase = .over
        context.loop.timers.disarm(call.timer)
        call.body.removeAll(pool: context.chunks)
        call.outcome.httpStatus = 200
        call.outcome.detail = "openapi"
        let bytes = page == .document ? entry.document : entry.page
        call.outcome.responseBytes = isHead ? 0 : bytes.count
        var writer = FieldWriter(for: stream, scratch: context.fieldScratch)
        writer.put(Field(":status", "200", token: .status))
        writer.put(
            Field("content-type", page == .document ? "application/json" : "text/html; charset=utf-8", token: .contentType))
        let digits = stream.fields.reserve(20)
        let count = Decimal.write(UInt64(bytes.count), to: digits)
        writer.put(Field("content-length", value: UnsafeRawBufferPointer(start: digits, count: count), token: .contentLength))
        writer.put(Field("cache-control", "no-cache", token: .other))
        writer.put(Field("x-content-type-options", "nosniff", token: .other))
        writer.put("x-request-id", requestID(call, stream), token: .xRequestID, flags: .borrowedNeverIndexed)
        if page == .page {
            TryPage.policy.withUnsafeBytes { writer.put("content-security-policy", $0, token: .other) }
            writer.put(Field("referrer-policy", "no-referrer", token: .other))
        }
        stream.serverConnection { connection in
            connection.respond(stream, withPermission(call, stream, writer.written), ended: isHead)
            guard !isHead else { return }
            bytes.withUnsafeBytes { connection.send(stream, $0) }
            connection.finish(stream)
        }
        checkMemory(after: stream)
    }
}
