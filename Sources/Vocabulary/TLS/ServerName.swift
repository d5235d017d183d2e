internal import COpenSSL

/// The name or address that a server's certificate must bear.
package enum ServerName: Hashable, Sendable, CustomStringConvertible {
    /// Lower-case, without a dot at its end.
    case dns(String)
    /// IPv4 or IPv6, without brackets; not sent as SNI (RFC 6066, section 3).
    case address(String)

    /// `nil` for what is neither: labels of 1 to 63 letters, digits, `-` and `_`, 253 bytes in all.
    package init?(_ text: String) {
        // Only digits, letters of hexadecimal, dots and colons reach OpenSSL's reader.
        if text.utf8.allSatisfy({ $0 == 0x2e || $0 == 0x3a || Self.isHexadecimal($0) }), let octets = a2i_IPADDRESS(text) {
            ASN1_STRING_free(octets)
            self = .address(text.lowercased())
            return
        }
        ErrorQueue.clear()
        let name = (text.hasSuffix(".") ? String(text.dropLast()) : text).lowercased()
        let labels = name.utf8.split(separator: 0x2e, omittingEmptySubsequences: false)
        let fits = name.utf8.count <= 253 && labels.allSatisfy { (1...63).contains($0.count) && $0.allSatisfy(Self.isNameByte) }
        // A last label of digits alone is a mistyped address.
        guard fits, let last = labels.last, !last.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        self = .dns(name)
    }

    package var description: String {
        switch self {
        case .dns(let text), .address(let text): text
        }
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte | 0x20)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte | 0x20) || byte == 0x2d || byte == 0x5f
    }
}
