internal import Bytes
internal import HTTPModel
internal import Net
internal import Routing
internal import Snapshots
internal import Transport

/// Tells the upstream of the request as it arrived, where the caller's listener says so (`forwarded`).
///
/// Of an untrusted peer such fields were removed before. What a trusted proxy says of host and port stands in place of ours where it is
/// one well-formed value; our prefix and our element of `forwarded` stand behind its own. The client's address is always ours: a proxy
/// that writes `x-forwarded-for` may pass on a client's own `x-real-ip`. A field that the route sets or removes is not added.
struct ForwardedFields {
    let origin: ClientOrigin
    /// `nil` for a Unix socket.
    let peer: IPAddress?
    let proto: StaticString
    /// The path as it arrived, without its query.
    let path: BorrowedBytes
    /// What is sent in its place; `nil` where nothing is rewritten.
    let rewrittenTarget: BorrowedBytes?
    let rules: Borrowed<HeaderRules>?

    /// Those fields, in the arena of the caller's head.
    ///
    /// - Parameter headCount: how many fields of `head` are not trailers. Those that ours replace are removed.
    func fields(_ headers: ForwardedHeaders, of head: inout FieldBlock, headCount: Int) -> FieldList {
        let all = head.reserveFields(5)
        var count = 0
        func add(_ name: StaticString, _ value: BorrowedBytes) {
            let field = Field(name, value: value, token: .other)
            if rules.map({ rules in rules { $0.drops(field) } }) == true { return }
            all.initializeElement(at: count, to: field)
            count += 1
        }
        let authority = (head.first(.authority) ?? head.first(.host))?.valueBytes
        if headers.contains(.host), !keeps("x-forwarded-host", of: &head, headCount, Self.isAuthority), let authority {
            add("x-forwarded-host", authority)
        }
        if headers.contains(.port), !keeps("x-forwarded-port", of: &head, headCount, AuthorityGrammar.isPortNumber) {
            add("x-forwarded-port", port(of: authority))
        }
        if headers.contains(.prefix), let prefix {
            add("x-forwarded-prefix", appended("x-forwarded-prefix", prefix, to: &head, headCount))
        }
        if headers.contains(.realIP) {
            _ = keeps("x-real-ip", of: &head, headCount) { _ in false }
            if let address = origin.address {
                var text = address.description
                add("x-real-ip", text.withUTF8 { head.keep(BorrowedBytes($0)) })
            }
        }
        if headers.contains(.rfc7239) {
            let text = element(authority)
            add("forwarded", appended("forwarded", text.readable, to: &head, headCount))
        }
        return FieldList(rebasing: all[..<count])
    }

    /// Whether the peer's own field stands: one that is well-formed. Others are removed.
    private func keeps(
        _ name: StaticString, of head: inout FieldBlock, _ headCount: Int, _ isWellFormed: (BorrowedBytes) -> Bool
    ) -> Bool {
        guard origin.isProxied else { return false }
        let own = (0..<headCount).filter { head[$0].nameBytes.equals(name) }
        if own.count == 1, isWellFormed(head[own[0]].valueBytes) { return true }
        // Others know fields by their place.
        for index in own { head.suppress(at: index) }
        return false
    }

    /// Ours behind what the peer has said, in one line, since some servers read the first alone, in the arena of the caller's head. Its own lines are removed.
    private func appended(
        _ name: StaticString, _ value: BorrowedBytes, to head: inout FieldBlock, _ headCount: Int
    ) -> BorrowedBytes {
        let own = origin.isProxied ? (0..<headCount).filter { head[$0].nameBytes.equals(name) } : []
        if own.isEmpty { return head.keep(value) }
        var joined = ByteBuffer(capacity: 128)
        for index in own where head[index].valueCount > 0 {
            joined.append(head[index].valueBytes)
            joined.append(", ")
        }
        joined.append(value)
        for index in own { head.suppress(at: index) }
        return head.keep(joined.readable)
    }

    private static func isAuthority(_ value: BorrowedBytes) -> Bool {
        !value.isEmpty && value.first != UInt8(ascii: ":") && Authority(value) != nil
    }

    private func port(of authority: BorrowedBytes?) -> BorrowedBytes {
        if let authority {
            let port = authority[AuthorityGrammar.hostCount(authority)...].dropFirst()
            if !port.isEmpty { return BorrowedBytes(rebasing: port) }
        }
        return BorrowedBytes(proto.utf8CodeUnitCount == 5 ? "443" : "80")
    }

    /// What is left of the caller's path where the upstream's is its end, both without a slash at theirs.
    private var prefix: BorrowedBytes? {
        guard let target = rewrittenTarget else { return nil }
        let sent = Self.withoutSlash(BorrowedBytes(rebasing: target[..<(target.firstIndex(of: UInt8(ascii: "?")) ?? target.count)]))
        let came = Self.withoutSlash(path)
        let count = came.count - sent.count
        guard count > 0, BorrowedBytes(rebasing: came[count...]).equals(sent) else { return nil }
        return BorrowedBytes(rebasing: came[..<count])
    }

    private static func withoutSlash(_ path: BorrowedBytes) -> BorrowedBytes {
        path.last == UInt8(ascii: "/") ? BorrowedBytes(rebasing: path[..<(path.count - 1)]) : path
    }

    /// `for=…;host="…";proto=…` (RFC 7239, section 4): the peer and what it asked for.
    private func element(_ authority: BorrowedBytes?) -> ByteBuffer {
        var text = ByteBuffer()
        if let peer {
            // IPv6 addresses stand in brackets, and so in quotes (section 6).
            text.append(peer.isV4 ? "for=" : "for=\"[")
            text.append(peer.description)
            if !peer.isV4 { text.append("]\"") }
        } else {
            text.append("for=unknown")
        }
        if let authority, !authority.contains(UInt8(ascii: "\"")), !authority.contains(UInt8(ascii: "\\")) {
            text.append(";host=\"")
            text.append(authority)
            text.append("\"")
        }
        text.append(";proto=")
        text.append(proto)
        return text
    }
}
