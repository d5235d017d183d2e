internal import Bytes

/// `uri-host [ ":" port ]` (RFC 3986, section 3.2), as Host and `:authority` carry it.
package enum AuthorityGrammar {
    /// Whether `bytes` names a host: not empty, no user information, an IPv6 address in brackets, a port of at most five
    /// digits and 65535.
    package static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let first = bytes.first else { return false }
        let hostEnd: Int
        if first == UInt8(ascii: "[") {
            guard let close = bytes.firstIndex(of: UInt8(ascii: "]")), close > 1 else { return false }
            for index in 1..<close {
                let byte = bytes[index]
                guard PercentCoding.hexDigit(byte) != nil || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".") else {
                    return false
                }
            }
            hostEnd = close + 1
        } else {
            hostEnd = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.count
            guard hostEnd > 0 else { return false }
            for index in 0..<hostEnd where !HTTPGrammar.isRegName(bytes[index]) { return false }
        }
        if hostEnd == bytes.count { return true }
        guard bytes[hostEnd] == UInt8(ascii: ":") else { return false }
        return isPort(bytes, from: hostEnd + 1)
    }

    /// How many bytes stand before the colon of a port; all where there is none. Digits alone stand behind that colon, and so it is none of those
    /// within an IPv6 address.
    package static func hostCount(_ authority: UnsafeRawBufferPointer) -> Int {
        guard let colon = authority.lastIndex(of: UInt8(ascii: ":")),
            authority[(colon + 1)...].allSatisfy({ (0x30...0x39).contains($0) }),
            authority.first != UInt8(ascii: "[") || authority[..<colon].last == UInt8(ascii: "]")
        else { return authority.count }
        return colon
    }

    /// Whether `bytes` is one port, from 1 to 65535.
    package static func isPortNumber(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count <= 5 && Untrusted<UInt32>(decimal: bytes[...])?.exactly(in: 1...65535) != nil
    }

    /// `*DIGIT`: an empty port is the scheme's own.
    private static func isPort(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Bool {
        guard bytes.count - start <= 5 else { return false }
        return start == bytes.count || Untrusted<UInt32>(decimal: bytes[start...])?.exactly(in: 0...65535) != nil
    }
}
