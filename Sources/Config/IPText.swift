internal import Glibc

/// IP addresses in digits. Their bytes are the business of the modules that use them; here they are text known to be right.
package enum IPText {
    /// The shortest form of `10.0.0.1` (no leading zeros), or of IPv6 as in RFC 4291, section 2.2, without brackets and
    /// without a zone; `nil` for anything else.
    package static func canonical(_ text: some StringProtocol) -> String? {
        let text = String(text)
        guard !text.utf8.contains(0) else { return nil }
        let family = isV6(text) ? AF_INET6 : AF_INET
        var bytes = [UInt8](repeating: 0, count: 16)
        var shortest = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_pton(family, text, &bytes) == 1, inet_ntop(family, bytes, &shortest, socklen_t(shortest.count)) != nil
        else { return nil }
        return String(decoding: shortest.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    package static func isV6(_ text: some StringProtocol) -> Bool { text.utf8.contains(UInt8(ascii: ":")) }
}
