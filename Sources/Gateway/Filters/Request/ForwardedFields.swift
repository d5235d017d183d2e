internal import Bytes
internal import Calls
internal import HTTPModel
internal import Net
internal import Routing
internal import Snapshots
internal import Transport

/// Tells the upstream of the request as it arrived, where the caller's listener says so (`forwarded`).
///
/// Of an untrusted peer such fields were removed before. What a trusted proxy says of host, port and client stands in place of ours;
/// our prefix and our element of `forwarded` stand behind its own. A field that the route sets or removes is not added.
struct ForwardedFields {
    package let call: Record<Call>
    let origin: ClientOrigin
    /// The peer's address, which `x-forwarded-for` ends with.
    let peerText: BorrowedBytes
    let proto: StaticString

    /// Those fields behind the ones that filters have added, in the arena of the caller's stream.
    func fields(_ headers: ForwardedHeaders, behind added: FieldList?) -> FieldList {
        let stream = call.downstream
        let addedCount = added?.count ?? 0
        let all = stream.fields.reserveFields(addedCount + 5)
        var count = 0
        for field in added ?? FieldList(start: nil, count: 0) {
            all.initializeElement(at: count, to: field)
            count += 1
        }
        func add(_ name: StaticString, _ value: BorrowedBytes, isList: Bool = false) {
            let field = Field(name, value: value, token: .other)
            if !isList, origin.isProxied, isNamed(field) { return }
            if call.policy.requestHeaders.map({ rules in rules { $0.drops(field) } }) == true { return }
            all.initializeElement(at: count, to: field)
            count += 1
        }
        let authority = (stream.fields.first(.authority) ?? stream.fields.first(.host))?.valueBytes
        if headers.contains(.host), let authority { add("x-forwarded-host", authority) }
        if headers.contains(.port) { add("x-forwarded-port", port(of: authority)) }
        if headers.contains(.prefix), let prefix { add("x-forwarded-prefix", prefix, isList: true) }
        if headers.contains(.realIP) { add("x-real-ip", client) }
        if headers.contains(.rfc7239) { add("forwarded", element(authority), isList: true) }
        return FieldList(rebasing: all[..<count])
    }

    private func isNamed(_ field: Field) -> Bool {
        let stream = call.downstream
        for index in 0..<stream.trailersStart where stream.fields.fields[index].nameBytes.equals(field.nameBytes) { return true }
        return false
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
        guard call.policy.rewrite != nil else { return nil }
        let target = call.facts.target
        let sent = Self.withoutSlash(BorrowedBytes(rebasing: target[..<(target.firstIndex(of: UInt8(ascii: "?")) ?? target.count)]))
        let came = Self.withoutSlash(call.facts.path)
        let count = came.count - sent.count
        guard count > 0, BorrowedBytes(rebasing: came[count...]).equals(sent) else { return nil }
        return BorrowedBytes(rebasing: came[..<count])
    }

    private static func withoutSlash(_ path: BorrowedBytes) -> BorrowedBytes {
        path.last == UInt8(ascii: "/") ? BorrowedBytes(rebasing: path[..<(path.count - 1)]) : path
    }

    private var client: BorrowedBytes {
        guard let address = origin.address else { return peerText }
        var text = address.description
        return text.withUTF8 { call.downstream.fields.keep(BorrowedBytes($0)) }
    }

    /// `for=…;host="…";proto=…` (RFC 7239, section 4): the peer and what it asked for.
    private func element(_ authority: BorrowedBytes?) -> BorrowedBytes {
        var text = ByteBuffer()
        // IPv6 addresses stand in brackets, and so in quotes (section 6).
        let isV6 = peerText.contains(UInt8(ascii: ":"))
        text.append(isV6 ? "for=\"[" : "for=")
        text.append(peerText)
        if isV6 { text.append("]\"") }
        if let authority, !authority.contains(UInt8(ascii: "\"")), !authority.contains(UInt8(ascii: "\\")) {
            text.append(";host=\"")
            text.append(authority)
            text.append("\"")
        }
        text.append(";proto=")
        text.append(proto)
        return call.downstream.fields.keep(text.readable)
    }
}
