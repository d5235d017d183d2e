internal import Bytes
internal import GRPC
internal import HTTPModel
internal import Routing
internal import Schemas
internal import Snapshots

/// Answers preflights, and tells browsers which pages may read an answer (Fetch, "HTTP-CORS protocol"). What an upstream says of it
/// goes no further: on a route with `cors` the gateway alone decides.
///
/// Asked as soon as the route is known, so that every later refusal can be read by the page that caused it.
enum CORSFilter {
    static func request(_ call: CallView) -> FilterVerdict {
        guard let policy = call.route.cors else { return .proceed }
        let request = CORSRequest(call.stream.fields, method: call.facts.method)
        call.setCORS(policy, origin: request.origin(for: policy))
        guard request.preflightMethod != nil else { return .proceed }
        answerPreflight(call, policy)
        return .replied
    }

    /// A preflight of another origin gets the same answer without what would allow it.
    private static func answerPreflight(_ call: CallView, _ policy: CORSPolicy) {
        var reply = call.reply(status: 204, "cors_preflight")
        if call.pages?.origin != nil {
            policy.methods.withUnsafeBytes { reply.put("access-control-allow-methods", $0, token: .other) }
            policy.headers.withUnsafeBytes { reply.put("access-control-allow-headers", $0, token: .other) }
            policy.maxAge.withUnsafeBytes { reply.put("access-control-max-age", $0, token: .other) }
        }
        reply.send(BorrowedBytes.none)
    }

    // MARK: Answers

    /// What an upstream says about pages.
    static func drops(_ field: Field) -> Bool { field.token == .other && field.nameBytes.starts(with: "access-control-".utf8) }

    static func answer(_ call: CallView, _ answer: inout FieldWriter) {
        guard let (policy, origin) = call.pages else { return }
        // The answer differs by Origin, so caches are told even where none, or a foreign one, was sent (Fetch, section 3.2.5).
        answer.put(Field("vary", "origin", token: .other))
        guard let origin else { return }
        answer.put("access-control-allow-origin", origin, token: .other)
        if policy.allowsCredentials { answer.put(Field("access-control-allow-credentials", "true", token: .other)) }
        policy { $0.exposed.withUnsafeBytes { answer.put("access-control-expose-headers", $0, token: .other) } }
    }
}
