internal import HTTPModel

/// Which headers may carry a claim.
package enum ClaimHeaderName {
    /// What was expected instead of `name`, given in lower case; `nil` where it may carry a claim.
    ///
    /// Others belong elsewhere: of HTTP itself (RFC 9110, section 7.6.1), of gRPC, or set by the gateway.
    static func problem(with name: String) -> String? {
        if name.hasPrefix(":") { return "a header: pseudo-headers are made by HTTP" }
        do throws(FieldMatch.Mistake) {
            _ = try FieldMatch.headerName(name)
        } catch {
            return error == .hasItsOwnKey ? "a header other than host" : error.expected
        }
        if hopByHop.contains(name) { return "a header that is not hop-by-hop" }
        if name.hasPrefix("grpc-") { return "a header that is not gRPC's own" }
        if name.hasPrefix("content-") { return "a header that does not describe the body" }
        if name == "authorization" { return "a header other than authorization; forward_token: true sends the token" }
        if ours.contains(name) || ours.contains(where: { readsLike($0, name) }) {
            return "a header that the gateway does not set itself"
        }
        if name.hasSuffix("-bin") { return "a header without -bin: gRPC takes such values for base64" }
        return nil
    }

    /// Servers cannot tell such names apart (`FieldNameSet`).
    package static func readsLike(_ left: String, _ right: String) -> Bool {
        left.utf8.map { FieldNameSet.folded($0) } == right.utf8.map { FieldNameSet.folded($0) }
    }

    static let hopByHop: Set<String> = [
        "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "te", "trailer",
        "proxy-authorization", "proxy-authenticate",
    ]
    static let ours: Set<String> = ["x-forwarded-for", "x-forwarded-proto", "x-request-id"]
}
