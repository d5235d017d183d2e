internal import Bytes
internal import GRPC
internal import HTTPModel
internal import Reactor
internal import Routing
internal import Schemas

/// Answers in place of an upstream: with the document of what can be called by HTTP, or the page made of it.
enum DirectAnswerFilter {
    static func request(_ call: CallView) -> FilterVerdict {
        guard let page = call.route.page else { return .proceed }
        guard call.caller == .http else { return call.refuse(.unsupportedContentType) }
        let isHead = call.facts.method.equals("HEAD")
        guard isHead || call.facts.method.equals("GET") else { return call.refuse(.methodNotAllowed(allow: "GET, HEAD")) }
        let pages = call.snapshot { $0.pages }
        guard let entry = pages?.entry(for: call.facts.authority) else { return call.refuse(.noRoute) }
        call.call.outcome.detail = "openapi"
        let bytes = page == .document ? entry.document : entry.page
        var reply = call.reply(status: 200)
        reply.put(Field("content-type", page == .document ? "application/json" : "text/html; charset=utf-8", token: .contentType))
        reply.putLength(bytes.count)
        reply.put(Field("cache-control", "no-cache", token: .other))
        reply.put(Field("x-content-type-options", "nosniff", token: .other))
        reply.putRequestID()
        if page == .page {
            TryPage.policy.withUnsafeBytes { reply.put("content-security-policy", $0) }
            reply.put(Field("referrer-policy", "no-referrer", token: .other))
        }
        bytes.withUnsafeBytes { reply.send(isHead ? UnsafeRawBufferPointer(start: nil, count: 0) : $0) }
        return .replied
    }
}
