internal import Bytes

/// Field names in which `-`, `_` and `.` read alike: servers that hand fields to programs as variables cannot tell them apart
/// (RFC 3875, section 4.1.18), so a name has all its look-alikes with it.
///
/// Immutable memory, asked without allocating.
package final class FieldNameSet: Sendable {
    private let names: [[UInt8]]
    private let prefixes: [[UInt8]]
    /// The lengths that names have, as bits; the last stands for all that are longer.
    private let lengths: UInt64

    /// - Parameters:
    ///   - names: in lower case.
    ///   - prefixes: names that begin so are in it too.
    package init(names: [String], prefixes: [String] = []) {
        self.names = names.map { $0.utf8.map { Self.folded($0) } }
        self.prefixes = prefixes.map { $0.utf8.map { Self.folded($0) } }
        lengths = names.reduce(0) { $0 | Self.bit($1.utf8.count) }
    }

    /// The same with further names.
    package func adding(_ more: [String]) -> FieldNameSet {
        func text(_ list: [[UInt8]]) -> [String] { list.map { String(decoding: $0, as: UTF8.self) } }
        return FieldNameSet(names: text(names) + more, prefixes: text(prefixes))
    }

    package func contains(_ name: UnsafeRawBufferPointer) -> Bool {
        for prefix in prefixes where name.count > prefix.count {
            if Self.isSame(UnsafeRawBufferPointer(rebasing: name[..<prefix.count]), prefix) { return true }
        }
        guard lengths & Self.bit(name.count) != 0 else { return false }
        for known in names where known.count == name.count {
            if Self.isSame(name, known) { return true }
        }
        return false
    }

    private static func bit(_ count: Int) -> UInt64 { 1 << UInt64(min(count, 63)) }

    /// `_` and `.` as `-`.
    @inline(__always)
    package static func folded(_ byte: UInt8) -> UInt8 {
        byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".") ? UInt8(ascii: "-") : byte
    }

    /// Whether a name reads like one whose bytes are folded already, and that is as long.
    @inline(__always)
    package static func isSame(_ name: UnsafeRawBufferPointer, _ known: [UInt8]) -> Bool {
        known.withUnsafeBufferPointer { known in
            guard name.count == known.count else { return false }
            for index in 0..<known.count where folded(name[index]) != known[index] { return false }
            return true
        }
    }

    /// Whether a name is spelt with `_` or `.` in the place of a `-` of a name that the gateway itself reads or writes.
    package static func isLookAlike(_ name: UnsafeRawBufferPointer) -> Bool {
        // No name that has a token is longer.
        guard name.count <= 32, name.contains(where: { folded($0) != $0 }) else { return false }
        return withUnsafeTemporaryAllocation(byteCount: 32, alignment: 1) { copy in
            for index in 0..<name.count { copy[index] = folded(name[index]) }
            return FieldToken(UnsafeRawBufferPointer(rebasing: copy[..<name.count])) != .other
        }
    }
}

extension FieldNameSet {
    /// What proxies set about a request, and servers behind them believe: only a trusted peer may set it.
    package static let proxies = FieldNameSet(
        names: [
            // Where the request came from, and what it was addressed to.
            "forwarded", "forwarded-for", "x-forwarded", "x-forward-for", "x-real-ip", "client-ip", "x-client-ip",
            "x-cluster-client-ip",
            "x-remote-ip", "x-remote-addr", "x-originating-ip", "true-client-ip", "cf-connecting-ip", "cf-connecting-ipv6",
            "fastly-client-ip", "fly-client-ip", "x-appengine-user-ip", "x-azure-clientip", "x-azure-socketip",
            "x-vercel-forwarded-for",
            "x-host", "x-scheme", "x-url-scheme", "front-end-https",
            // Another path or method than the one that was routed.
            "x-rewrite-url", "x-rewrite-uri", "x-http-method-override", "x-http-method", "x-method-override",
            // The caller's identity, by certificate or login at a proxy.
            "x-client-cert", "client-cert", "client-cert-chain", "x-arr-clientcert", "remote-user", "x-remote-user",
            "x-authenticated-user", "x-authenticated-userid", "x-ms-client-principal", "x-amzn-oidc-identity",
            // Becomes HTTP_PROXY, which libraries obey.
            "proxy",
        ],
        prefixes: [
            "x-forwarded-", "x-original-", "x-envoy-", "x-ssl-client-", "ssl-client-", "x-auth-request-", "x-webauth-",
            "x-goog-authenticated-user-", "x-ms-client-principal-", "x-consumer-",
        ])
}
