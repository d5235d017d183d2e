internal import Bytes
internal import GRPC
internal import HTTPModel
internal import Routing
internal import Schemas
internal import Transport

/// Preflights, and what answers say about which pages may read them.
extension GatewayWorker {
    /// Notes what the route says about pages of other origins; true where the request was a preflight, which has been answered.
    ///
    /// Asked as soon as the route is known, so that every later refusal can be read by the page that caused it.
    func applyCORS(_ call: Record<Call>, _ stream: StreamPointer, _ policy: CORSPolicy) -> Bool {
        let request = CORSRequest(stream.fields, method: call.facts!.method)
        record(policy, request, call)
        guard request.preflightMethod != nil else { return false }
        answerPreflight(call, stream, policy)
        return true
    }

    private func record(_ policy: CORSPolicy, _ request: CORSRequest, _ call: Record<Call>) {
        call.cors = Borrowed(policy)
        if let origin = request.origin, policy.allows(origin) { call.corsOrigin = origin }
    }

    /// A preflight of another origin gets the same answer without what would allow it.
    private func answerPreflight(_ call: Record<Call>, _ stream: StreamPointer, _ policy: CORSPolicy) {
        call.phase = .over
        call.outcome.httpStatus = 204
        call.outcome.detail = "cors_preflight"
        var writer = FieldWriter(for: stream, scratch: context.fieldScratch)
        writer.put(Field(":status", "204", token: .status))
        if call.corsOrigin != nil {
            policy.methods.withUnsafeBytes { writer.put("access-control-allow-methods", $0, token: .other) }
            policy.headers.withUnsafeBytes { writer.put("access-control-allow-headers", $0, token: .other) }
            policy.maxAge.withUnsafeBytes { writer.put("access-control-max-age", $0, token: .other) }
        }
        putPermission(call, policy, &writer)
        stream.serverConnection { $0.respond(stream, writer.written, ended: true) }
    }

    /// An answer's fields with what lets a page read them, on a route that says so.
    @inline(__always)
    func withPermission(
        _ call: Record<Call>, _ stream: StreamPointer, _ fields: UnsafeBufferPointer<Field>
    ) -> UnsafeBufferPointer<Field> {
        guard let policy = call.cors else { return fields }
        return policy { addPermission(call, stream, fields.count, $0) }
    }

    private func addPermission(
        _ call: Record<Call>, _ stream: StreamPointer, _ count: Int, _ policy: CORSPolicy
    ) -> UnsafeBufferPointer<Field> {
        // The fields lie in the scratch already.
        var writer = FieldWriter(for: stream, scratch: context.fieldScratch, holding: count)
        putPermission(call, policy, &writer)
        if call.corsOrigin != nil {
            policy.exposed.withUnsafeBytes { writer.put("access-control-expose-headers", $0, token: .other) }
        }
        return writer.written
    }

    /// The answer differs by Origin, so caches are told even where none, or a foreign one, was sent (Fetch, section 3.2.5).
    private func putPermission(_ call: Record<Call>, _ policy: CORSPolicy, _ writer: inout FieldWriter) {
        writer.put(Field("vary", "origin", token: .other))
        guard let origin = call.corsOrigin else { return }
        writer.put("access-control-allow-origin", origin, token: .other)
        if policy.allowsCredentials { writer.put(Field("access-control-allow-credentials", "true", token: .other)) }
    }
}

/// Refusals of requests that were not routed.
extension GatewayWorker {
    /// Notes what the route that the request would have taken says about pages: a page may read why its request was refused,
    /// also where the head itself was the reason. As far as the head can be read.
    func recordCORS(ofRefused call: Record<Call>, _ stream: StreamPointer) {
        let snapshot = call.snapshot!.reference
        snapshot { snapshot in
            guard snapshot.hasCORS,
                let facts = call.facts ?? HeadFacts(refused: &stream.fields),
                let route = call.route ?? routeOfRefused(facts, stream, snapshot),
                let policy = route.cors
            else { return }
            record(policy, CORSRequest(stream.fields, method: facts.method), call)
        }
    }

    /// By the path alone, whatever the method.
    private func routeOfRefused(_ facts: HeadFacts, _ stream: StreamPointer, _ snapshot: Snapshot) -> Borrowed<Route>? {
        let fields = stream.fields
        let direct =
            snapshot.table.route(for: facts, fields: fields) ?? snapshot.table.refusedByMethod(facts, fields: fields)?.first
        var first = direct
        _ = snapshot.directory.methods(facts) { plan, method in
            let route = Self.route(of: method, plan, facts, direct, stream, snapshot)
            if route >= 0 { first = min(first ?? route, route) }
            return false
        }
        return first.map { snapshot.routeReferences[$0] }
    }
}
