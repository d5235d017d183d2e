package import Bytes
// Public, because what is inlined into other modules may name only what was imported so.
public import HTTPModel
internal import Glibc
package import Net

/// Where a request came from, and which part of its `x-forwarded-for` is trusted.
///
///     x-forwarded-for:  forged, 203.0.113.7, 10.0.0.9      socket peer: 10.0.0.1
///                               ─── client   ─ trusted                  ─ trusted
///
/// Read from the right: a trusted proxy vouches for the hop before it, and the first hop that is no trusted proxy is the client.
/// Entries left of it were written by the client and are dropped. An entry that is no address ends the walk at the last trusted hop.
@usableFromInline package struct ClientOrigin {
    /// `nil` only for a peer without an address (a Unix socket).
    package private(set) var address: IPAddress?
    /// Whether the peer is a trusted proxy, whose headers about the request are used.
    @usableFromInline package let isProxied: Bool

    /// Where the trusted part of `x-forwarded-for` begins: a field's index, and an offset into its value.
    private var trustedField = Int.max
    private var trustedOffset = 0

    /// The proxies one request may have passed; entries further left are ignored.
    package static var hopsMax: Int { 32 }

    /// Where no peer is trusted.
    package init(peer: IPAddress?) {
        address = peer
        isProxied = false
    }

    package init(peer: IPAddress?, fields: FieldBlock, trusted: CIDRSet) {
        address = peer
        guard let peer, !trusted.isEmpty, trusted.contains(peer) else {
            isProxied = false
            return
        }
        isProxied = true
        var hopsLeft = Self.hopsMax
        var index = fields.count - 1
        while index >= 0 {
            if fields[index].token == .xForwardedFor {
                guard walk(fields[index].valueBytes, at: index, trusted, &hopsLeft) else { return }
            }
            index -= 1
        }
    }

    /// Walks one field from its right; false where the walk has ended.
    private mutating func walk(
        _ value: BorrowedBytes, at field: Int, _ trusted: CIDRSet, _ hopsLeft: inout Int
    ) -> Bool {
        var end = value.count
        while end >= 0 {
            var start = end
            while start > 0, value[start - 1] != UInt8(ascii: ",") { start -= 1 }
            let nextEnd = start - 1
            while start < end, Self.isSpace(value[start]) { start += 1 }
            while end > start, Self.isSpace(value[end - 1]) { end -= 1 }
            // Empty list elements are skipped, as RFC 9110, section 5.6.1.2 has it.
            if start < end {
                guard hopsLeft > 0, let hop = Self.hop(BorrowedBytes(rebasing: value[start..<end])) else { return false }
                hopsLeft -= 1
                address = hop
                trustedField = field
                trustedOffset = start
                guard trusted.contains(hop) else { return false }
            }
            end = nextEnd
        }
        return true
    }

    /// An address alone or with a port: `1.2.3.4`, `1.2.3.4:5`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:5`.
    private static func hop(_ text: BorrowedBytes) -> IPAddress? {
        if let address = IPAddress(text) { return address }
        var end = text.count
        while end > 0, text[end - 1] >= 0x30, text[end - 1] <= 0x39 { end -= 1 }
        if end > 0, end < text.count, text.count - end <= 5, text[end - 1] == UInt8(ascii: ":") {
            end -= 1
        } else {
            end = text.count
        }
        guard end > 0 else { return nil }
        guard text[0] == UInt8(ascii: "[") else {
            // Without brackets a port can only follow IPv4: `2001:db8::1:5` was read above, as an address.
            guard let address = IPAddress(BorrowedBytes(rebasing: text[..<end])), address.isV4 else { return nil }
            return address
        }
        guard end > 2, text[end - 1] == UInt8(ascii: "]") else { return nil }
        let inner = BorrowedBytes(rebasing: text[1..<(end - 1)])
        return inner.contains(UInt8(ascii: ":")) ? IPAddress(inner) : nil
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}

extension ClientOrigin {
    /// The `x-forwarded-for` to send upstream: the trusted part of the caller's, then the peer.
    ///
    /// - Parameters:
    ///   - peerText: the peer's address as text, which a connection keeps; returned as it is where nothing goes before it.
    ///   - fields: the request's own, whose arena holds a joined value.
    package func forwardedFor(peerText: BorrowedBytes, fields: inout FieldBlock) -> BorrowedBytes {
        guard trustedField < fields.count else { return peerText }
        var byteCount = peerText.count
        for index in trustedField..<fields.count where fields[index].token == .xForwardedFor {
            byteCount += fields[index].valueCount + 2
        }
        byteCount -= trustedOffset
        let joined = fields.reserve(byteCount)
        var used = 0
        func put(_ bytes: BorrowedBytes) {
            if let source = bytes.baseAddress { memcpy(joined + used, source, bytes.count) }
            used += bytes.count
        }
        for index in trustedField..<fields.count where fields[index].token == .xForwardedFor {
            let value = fields[index].valueBytes
            put(index == trustedField ? BorrowedBytes(rebasing: value[trustedOffset...]) : value)
            joined.storeBytes(of: UInt8(ascii: ","), toByteOffset: used, as: UInt8.self)
            joined.storeBytes(of: UInt8(ascii: " "), toByteOffset: used + 1, as: UInt8.self)
            used += 2
        }
        put(peerText)
        return BorrowedBytes(start: joined, count: used)
    }

    /// The `x-forwarded-proto` to send upstream: a trusted proxy's, where it is http or https, else our own listener's.
    ///
    /// Of several it is https only if all are. Some proxies append theirs, others pass the field on as it is, so that no member's place tells
    /// who wrote it: the client may have written any but one.
    @inlinable @inline(__always)
    package func forwardedProto(fields: FieldBlock, isSecure: Bool) -> StaticString {
        isProxied ? proxiedProto(fields, isSecure) : isSecure ? "https" : "http"
    }

    @usableFromInline
    func proxiedProto(_ fields: FieldBlock, _ isSecure: Bool) -> StaticString {
        let own: StaticString = isSecure ? "https" : "http"
        var (secureCount, plainCount, otherCount) = (0, 0, 0)
        for index in 0..<fields.count where fields[index].token == .xForwardedProto {
            var members = ListMembers(fields[index].valueBytes)
            while let member = members.next() {
                // Schemes are in any case (RFC 3986, section 3.1).
                if HTTPGrammar.equalsIgnoringCase(member, "https") {
                    secureCount += 1
                } else if HTTPGrammar.equalsIgnoringCase(member, "http") {
                    plainCount += 1
                } else {
                    otherCount += 1
                }
            }
        }
        guard secureCount + plainCount > 0 else { return own }
        return plainCount + otherCount == 0 ? "https" : "http"
    }
}
