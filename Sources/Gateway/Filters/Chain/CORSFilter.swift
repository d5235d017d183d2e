internal import Bytes
internal import Calls
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
        answerPreflight(call, policy, request)
        return .replied
    }

    /// A preflight of another origin gets the same answer without what would allow it.
    private static func answerPreflight(_ call: CallView, _ policy: CORSPolicy, _ request: CORSRequest) {
        var reply = call.reply(status: 204, "cors_preflight")
        if call.pages?.origin != nil {
            policy.methods.withUnsafeBytes { reply.put("access-control-allow-methods", $0, token: .other) }
            if policy.allowsAnyHeader, let asked = request.preflightHeaders, asked.count <= askedBytesMax {
                withAllowed(asked, call) { reply.put("access-control-allow-headers", $0, token: .other) }
            } else {
                policy.headers.withUnsafeBytes { reply.put("access-control-allow-headers", $0, token: .other) }
            }
            policy.maxAge.withUnsafeBytes { reply.put("access-control-max-age", $0, token: .other) }
            if policy.allowsPrivateNetwork, request.asksForPrivateNetwork {
                reply.put("access-control-allow-private-network", BorrowedBytes("true"), token: .other)
            }
        }
        reply.send(BorrowedBytes.none)
    }

    /// Of longer lists no name is repeated.
    private static let askedBytesMax = 4096

    /// The names of a list, but for those that only the gateway or a trusted peer may send.
    private static func withAllowed(_ asked: BorrowedBytes, _ call: CallView, _ body: (BorrowedBytes) -> Void) {
        // A comma and a space for each comma at most.
        withUnsafeTemporaryAllocation(byteCount: 2 * asked.count + 2, alignment: 1) { list in
            var count = 0
            var members = ListMembers(asked)
            while let member = members.next() {
                let name = BorrowedBytes(rebasing: member.prefix { $0 != 0x20 })
                guard name.allSatisfy(HTTPGrammar.isToken), !call.isOurs(name) else { continue }
                for byte in count == 0 ? BorrowedBytes.none : BorrowedBytes(", ") { list[count] = byte; count += 1 }
                for byte in name { list[count] = byte; count += 1 }
            }
            body(BorrowedBytes(rebasing: list[..<count]))
        }
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
