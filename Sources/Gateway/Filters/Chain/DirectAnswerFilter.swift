internal import Bytes
internal import Calls
internal import GRPC
package import GatewayModel
internal import HTTPModel
internal import Routing
internal import Schemas
internal import Snapshots
internal import Transport

/// Answers in place of an upstream: a redirect, a fixed answer, a tenant's usage, the document of what can be called by HTTP, or the page
/// made of it.
///
/// All of them are answers of HTTP: a call in gRPC, gRPC-Web or Connect, which could not read them, is refused in its own protocol.
package enum DirectAnswerFilter {
    static func request(_ call: CallView, _ limits: LimitsFilter) -> FilterVerdict {
        guard let answer = call.route({ $0.answer }) else { return .proceed }
        guard call.caller == .http else { return call.refuse(.unsupportedContentType) }
        switch answer {
        case .document: return answerPage(call, isDocument: true)
        case .page: return answerPage(call, isDocument: false)
        case .usage: return limits.tellUsage(call)
        case .redirect(let redirect): return self.redirect(call, redirect)
        case .respond(let respond):
            self.respond(call, respond)
            return .replied
        }
    }

    private static var nothing: BorrowedBytes { BorrowedBytes.none }

    // MARK: Fixed answers

    package static func respond(_ call: CallView, _ respond: RespondConfiguration) {
        var reply = call.reply(status: respond.status, "direct_response")
        if !respond.contentType.isEmpty {
            respond.contentType.withUnsafeBytes { reply.put("content-type", $0, token: .contentType) }
        }
        // An answer with one of these has no body, and may say nothing of its length (RFC 9110, section 8.6).
        if respond.status != 204, respond.status != 304 { reply.putLength(respond.body.count) }
        reply.putRequestID()
        respond.body.withUnsafeBytes { reply.send(call.isHead ? nothing : $0) }
    }

    // MARK: Redirects

    private static func redirect(_ call: CallView, _ redirect: RedirectConfiguration) -> FilterVerdict {
        var location = ByteBuffer()
        guard append(redirect, of: call, to: &location) else { return call.refuse(.badPath) }
        var reply = call.reply(status: redirect.code, "direct_response")
        reply.put("location", location.readable, token: .other)
        reply.putLength(0)
        reply.putRequestID()
        reply.send(nothing)
        return .replied
    }

    /// What is not said is the request's. False where the request names no host, or a variable has no value.
    private static func append(_ redirect: RedirectConfiguration, of call: CallView, to location: inout ByteBuffer) -> Bool {
        let scheme = redirect.scheme.map(\.rawValue) ?? "\(call.scheme)"
        location.append(scheme)
        location.append("://")
        if let authority = redirect.authority {
            location.append(authority)
        } else {
            guard !call.facts.authority.isEmpty else { return false }
            // A port of the other scheme leads nowhere.
            let keepsPort = redirect.scheme.map { $0.rawValue == "\(call.scheme)" } ?? true
            let named = call.stream.fields.first(.authority) ?? call.stream.fields.first(.host)
            let whole = keepsPort ? named?.valueBytes ?? call.facts.authority : call.facts.authority
            Rewriting.appendURI(whole, to: &location)
        }
        switch redirect.path {
        case nil: Rewriting.appendURI(call.facts.path, to: &location)
        case .whole(let path):
            var text = ByteBuffer()
            guard CallText(call, keeping: .unreserved, isPath: true).append(path, to: &text) else { return false }
            // No value makes a segment of dots, which would lead out of the path around it.
            let dots = text.readable.split(separator: UInt8(ascii: "/")).contains {
                $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8)
            }
            guard !dots else { return false }
            location.append(text.readable)
        case .prefix(let prefix):
            var path = ByteBuffer()
            Rewriting.append(call.facts.path, below: call.route { $0.match.targets }, as: prefix, to: &path)
            Rewriting.appendURI(path.readable, to: &location)
        case .groups(let pieces):
            var path = ByteBuffer()
            guard call.route({ Rewriting.append(pieces, of: call.facts.path, $0.match.targets, to: &path) }) else { return false }
            Rewriting.appendURI(path.readable, to: &location)
        }
        guard !call.facts.query.isEmpty else { return true }
        location.append("?")
        Rewriting.appendURI(call.facts.query, to: &location)
        return true
    }

    // MARK: Pages

    private static func answerPage(_ call: CallView, isDocument: Bool) -> FilterVerdict {
        let isHead = call.isHead
        guard isHead || call.facts.method.equals("GET") else { return call.refuse(.methodNotAllowed(allow: "GET, HEAD")) }
        let pages = call.snapshot { $0.pages }
        guard let entry = pages?.entry(for: call.facts.authority, from: Int(call.facts.listener)) else {
            return call.refuse(.noRoute)
        }
        let bytes = isDocument ? entry.document : entry.page
        var reply = call.reply(status: 200, "openapi")
        reply.put(Field("content-type", isDocument ? "application/json" : "text/html; charset=utf-8", token: .contentType))
        reply.putLength(bytes.count)
        reply.put(Field("cache-control", "no-cache", token: .other))
        reply.put(Field("x-content-type-options", "nosniff", token: .other))
        reply.putRequestID()
        if !isDocument {
            TryPage.policy.withUnsafeBytes { reply.put("content-security-policy", $0, token: .other) }
            reply.put(Field("referrer-policy", "no-referrer", token: .other))
        }
        bytes.withUnsafeBytes { reply.send(isHead ? nothing : $0) }
        return .replied
    }
}
