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
    func applyCORS(_ exchange: ExchangePointer, _ stream: StreamPointer, _ policy: CORSPolicy) -> Bool {
        let request = CORSRequest(stream.pointee.fields, method: exchange.pointee.facts!.method)
        record(policy, request, exchange)
        guard request.preflightMethod != nil else { return false }
        answerPreflight(exchange, stream, policy)
        return true
    }

    private func record(_ policy: CORSPolicy, _ request: CORSRequest, _ exchange: ExchangePointer) {
        exchange.pointee.cors = .passUnretained(policy)
        if let origin = request.origin, policy.allows(origin) { exchange.pointee.corsOrigin = origin }
    }

    /// A preflight of another origin gets the same answer without what would allow it.
    private func answerPreflight(_ exchange: ExchangePointer, _ stream: StreamPointer, _ policy: CORSPolicy) {
        exchange.pointee.phase = .over
        exchange.pointee.outcome.httpStatus = 204
        exchange.pointee.outcome.detail = "cors_preflight"
        var writer = FieldWriter(for: stream, scratch: context.fieldScratch)
        writer.put(Field(":status", "204", token: .status))
        if exchange.pointee.corsOrigin != nil {
            policy.methods.withUnsafeBytes { writer.put("access-control-allow-methods", $0, token: .other) }
            policy.headers.withUnsafeBytes { writer.put("access-control-allow-headers", $0, token: .other) }
            policy.maxAge.withUnsafeBytes { writer.put("access-control-max-age", $0, token: .other) }
        }
        putPermission(exchange, policy, &writer)
        stream.serverConnection { $0.respond(stream, writer.written, ended: true) }
    }

    /// An answer's fields with what lets a page read them, on a route that says so.
    @inline(__always)
    func withPermission(
        _ exchange: ExchangePointer, _ stream: StreamPointer, _ fields: UnsafeBufferPointer<Field>
    ) -> UnsafeBufferPointer<Field> {
        guard let policy = exchange.pointee.cors else { return fields }
        return policy._withUnsafeGuaranteedRef { addPermission(exchange, stream, fields.count, $0) }
    }

    private func addPermission(
        _ exchange: ExchangePointer, _ stream: StreamPointer, _ count: Int, _ policy: CORSPolicy
    ) -> UnsafeBufferPointer<Field> {
        // The fields lie in the scratch already.
        var writer = FieldWriter(for: stream, scratch: context.fieldScratch, holding: count)
        putPermission(exchange, policy, &writer)
        if exchange.pointee.corsOrigin != nil {
            policy.exposed.withUnsafeBytes { writer.put("access-control-expose-headers", $0, token: .other) }
        }
        return writer.written
    }

    /// The answer differs by Origin, so caches are told even where none, or a foreign one, was sent (Fetch, section 3.2.5).
    private func putPermission(_ exchange: ExchangePointer, _ policy: CORSPolicy, _ writer: inout FieldWriter) {
        writer.put(Field("vary", "origin", token: .other))
        guard let origin = exchange.pointee.corsOrigin else { return }
        writer.put("access-control-allow-origin", origin, token: .other)
        if policy.allowsCredentials { writer.put(Field("access-control-allow-credentials", "true", token: .other)) }
    }
}

/// Refusals of requests that were not routed.
extension GatewayWorker {
    /// Notes what the route that the request would have taken says about pages: a page may read why its request was refused,
    /// also where the head itself was the reason. As far as the head can be read.
    func recordCORS(ofRefused exchange: ExchangePointer, _ stream: StreamPointer) {
        let snapshot = exchange.pointee.snapshot!._withUnsafeGuaranteedRef { $0.reference }
        snapshot._withUnsafeGuaranteedRef { snapshot in
            guard snapshot.hasCORS,
                let facts = exchange.pointee.facts ?? HeadFacts(refused: &stream.pointee.fields),
                let route = exchange.pointee.route ?? routeOfRefused(facts, stream, snapshot),
                let policy = route._withUnsafeGuaranteedRef({ $0.cors })
            else { return }
            record(policy, CORSRequest(stream.pointee.fields, method: facts.method), exchange)
        }
    }

    /// By the path alone, whatever the method.
    private func routeOfRefused(_ facts: HeadFacts, _ stream: StreamPointer, _ snapshot: Snapshot) -> Unmanaged<Route>? {
        let fields = stream.pointee.fields
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
