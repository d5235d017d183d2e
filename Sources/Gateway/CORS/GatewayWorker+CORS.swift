internal import Bytes
internal import GRPC
internal import HTTPModel
internal import Transport

/// Browsers' questions, and what their answers say about who may read them.
extension GatewayWorker {
    /// Notes the origin of a page that may call this route; true where the request was only the question whether it may,
    /// which has been answered.
    func noteOrigin(_ exchange: ExchangePointer, _ stream: StreamPointer, _ facts: HeadFacts) -> Bool {
        guard let policy = exchange.pointee.route!._withUnsafeGuaranteedRef({ $0.cors }) else { return false }
        var origin: UnsafeRawBufferPointer?
        var isQuestion = false
        for index in 0..<stream.pointee.fields.count {
            let field = stream.pointee.fields.fields[index]
            guard field.token == .other else { continue }
            if field.nameBytes.equals("origin") { origin = field.valueBytes }
            if field.nameBytes.equals("access-control-request-method") { isQuestion = facts.method.equals("OPTIONS") }
        }
        if let origin, policy.allows(origin) { exchange.pointee.corsOrigin = origin }
        guard isQuestion, origin != nil else { return false }
        answerPreflight(exchange, stream, policy)
        return true
    }

    /// Who may not call gets the same answer without what would allow it.
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
            putPermission(exchange, policy, &writer)
        }
        ServerConnection.withServer(stream) { $0.respond(stream, writer.written, ended: true) }
    }

    /// An answer's fields with what lets a page read them, where one asked; a backend's own word on that is taken out.
    @inline(__always)
    func withPermission(
        _ exchange: ExchangePointer, _ stream: StreamPointer, _ fields: UnsafeBufferPointer<Field>
    ) -> UnsafeBufferPointer<Field> {
        exchange.pointee.corsOrigin == nil ? fields : addPermission(exchange, stream, fields.count)
    }

    private func addPermission(
        _ exchange: ExchangePointer, _ stream: StreamPointer, _ count: Int
    ) -> UnsafeBufferPointer<Field> {
        guard let policy = exchange.pointee.route!._withUnsafeGuaranteedRef({ $0.cors }) else {
            return UnsafeBufferPointer(rebasing: context.fieldScratch[..<count])
        }
        // The fields lie in the scratch already: those that stay move up.
        var writer = FieldWriter(for: stream, scratch: context.fieldScratch)
        for index in 0..<count {
            let field = context.fieldScratch[index]
            if field.token == .other, field.nameBytes.starts(with: "access-control-".utf8) { continue }
            writer.put(field)
        }
        putPermission(exchange, policy, &writer)
        policy.exposed.withUnsafeBytes { writer.put("access-control-expose-headers", $0, token: .other) }
        return writer.written
    }

    private func putPermission(_ exchange: ExchangePointer, _ policy: CORSPolicy, _ writer: inout FieldWriter) {
        guard let origin = exchange.pointee.corsOrigin else { return }
        writer.put("access-control-allow-origin", origin, token: .other)
        writer.put(Field("vary", "origin", token: .other))
        if policy.allowsCredentials { writer.put(Field("access-control-allow-credentials", "true", token: .other)) }
    }
}
