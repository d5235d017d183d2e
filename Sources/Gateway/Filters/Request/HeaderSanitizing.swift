internal import AccessControl
package import Bytes
internal import HTTPModel
internal import Routing
internal import Snapshots
internal import Transport

/// Header sanitizing: fields that a caller may not set are removed from a head before anything is decided by it, and from trailers.
///
/// - what a proxy sets about a request, unless the peer is a trusted one (`FieldNameSet`, and a listener's `trusted_headers`);
/// - whatever claims are forwarded in, from everyone;
/// - the look-alikes of both, of names that the gateway itself reads or writes, such as `x_request_id`, and of those that `allow` and `deny`
///   ask about, from everyone: a trusted proxy that cleans its own name does not know of them.
package enum HeaderSanitizing {
    /// A field that is removed is replaced by one that no upstream gets, because others know fields by their place.
    package static func sanitizeHead(_ call: Record<Call>) {
        let stream = call.downstream
        let trusts = call.origin?.isProxied ?? false
        for index in 0..<stream.fields.count {
            let field = stream.fields.fields[index]
            switch field.token {
            case .other:
                guard isForbidden(field.nameBytes, call, stream, trusts) else { continue }
            case .xForwardedFor, .xForwardedProto, .xRequestID:
                guard !trusts else { continue }
            default: continue
            }
            stream.fields.suppress(at: index)
        }
    }

    /// Removes also what has a meaning in a head, which has none in trailers (RFC 9110, section 6.5.1).
    package static func sanitizeTrailers(_ call: Record<Call>) {
        let stream = call.downstream
        let trusts = call.origin?.isProxied ?? false
        stream.fields.removeAll(from: stream.trailersStart) {
            $0.token != .other || isForbidden($0.nameBytes, call, stream, trusts)
        }
    }

    /// Whether the field would be removed from the head of a caller who is not trusted, or be of the connection (RFC 9110, section 7.6.1).
    static func isOurs(_ name: BorrowedBytes, _ call: Record<Call>) -> Bool {
        switch FieldToken(name) {
        case .other: isForbidden(name, call, call.downstream, false)
        case .xForwardedFor, .xForwardedProto, .xRequestID, .te, .connection, .transferEncoding, .upgrade, .keepAlive, .host,
            .proxyAuthorization, .proxyAuthenticate:
            true
        default: false
        }
    }

    private static func isForbidden(
        _ name: BorrowedBytes, _ call: Record<Call>, _ stream: StreamPointer, _ trusts: Bool
    ) -> Bool {
        if let claims = call.claims, claims({ $0.overwrites(name) }) { return true }
        let names = stream.serverConnection { $0.trustedHeaders }
        if names({ $0.contains(name) }) {
            return !trusts || name.contains { FieldNameSet.folded($0) != $0 }
        }
        guard name.contains(where: { FieldNameSet.folded($0) != $0 }) else { return false }
        return FieldNameSet.isLookAlike(name) || call.snapshot { $0.reference { $0.rulesReference { $0.hasLookAlike(of: name) } } }
    }
}
