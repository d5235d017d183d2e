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
        note(policy, request, call.call)
        guard request.preflightMethod != nil else { return .proceed }
        answerPreflight(call, policy)
        return .replied
    }

    private static func note(_ policy: CORSPolicy, _ request: CORSRequest, _ call: Record<Call>) {
        call.cors = Borrowed(policy)
        call.answerFilters.insert(.cors)
        if let origin = request.origin, policy.allows(origin) { call.corsOrigin = origin }
    }

    /// A preflight of another origin gets the same answer without what would allow it.
    private static func answerPreflight(_ call: CallView, _ policy: CORSPolicy) {
        var reply = call.reply(status: 204, "cors_preflight")
        if call.call.corsOrigin != nil {
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
        guard let policy = call.call.cors else { return }
        // The answer differs by Origin, so caches are told even where none, or a foreign one, was sent (Fetch, section 3.2.5).
        answer.put(Field("vary", "origin", token: .other))
        guard let origin = call.call.corsOrigin else { return }
        answer.put("access-control-allow-origin", origin, token: .other)
        if policy.allowsCredentials { answer.put(Field("access-control-allow-credentials", "true", token: .other)) }
        policy { $0.exposed.withUnsafeBytes { answer.put("access-control-expose-headers", $0, token: .other) } }
    }

    // MARK: Refusals of requests that were not routed

    /// Notes what the route that the request would have taken says about pages: a page may read why its request was refused,
    /// also where the head itself was the reason. As far as the head can be read.
    static func note(refused call: Record<Call>, _ worker: GatewayWorker) {
        let stream = call.downstream
        let snapshot = call.snapshot.reference
        snapshot { snapshot in
            guard snapshot.hasCORS,
                let facts = call.facts.isRead ? call.facts : HeadFacts(refused: &stream.fields),
                let route = call.isRouted ? call.route : worker.routeOfRefused(facts, stream, snapshot),
                let policy = route.cors
            else { return }
            note(policy, CORSRequest(stream.fields, method: facts.method), call)
        }
    }
}
