package import Bytes
internal import Glibc
package import HTTPModel
internal import Net

/// An authority in its two parts, as `:authority` and Host carry them (RFC 3986, section 3.2, without user information).
///
/// Routes are found by its normal form: lower case, without the dot that may end an absolute name, an IPv6 address as RFC 5952
/// writes it. A host that could be written in several ways and has no normal form here is refused: a percent-encoded name, an empty label.
package struct Authority {
    /// Host name without a dot at its end, IPv4 address, or IPv6 address with its brackets.
    var host: BorrowedBytes
    /// `nil` where none, or an empty one, is written.
    var port: UInt16?
    /// Whether `host` is in its normal form already.
    var isNormal: Bool

    /// `nil` for what no host can be: user information, an unclosed bracket, a port that is none, foreign bytes.
    package init?(_ text: BorrowedBytes) {
        var end = 0
        var hostCount = 0
        isNormal = true
        if text.count > 0, text[0] == UInt8(ascii: "[") {
            while end < text.count, text[end] != UInt8(ascii: "]") { end += 1 }
            let literal = BorrowedBytes(rebasing: text[1..<max(end, 1)])
            guard end < text.count, literal.contains(UInt8(ascii: ":")), let address = IPAddress(literal) else { return nil }
            isNormal = address.withText { $0.equals(literal) }
            end += 1
            hostCount = end
        } else {
            var labelIsEmpty = true
            while end < text.count, text[end] != UInt8(ascii: ":") {
                let byte = text[end]
                if !HTTPGrammar.isLowerCaseHost(byte) {
                    guard byte >= 0x41, byte <= 0x5a else { return nil }
                    isNormal = false
                }
                let isDot = byte == UInt8(ascii: ".")
                if isDot, labelIsEmpty { return nil }
                labelIsEmpty = isDot
                end += 1
            }
            hostCount = end > 0 && labelIsEmpty ? end - 1 : end
        }
        guard hostCount <= HeadFacts.authorityBytesMax else { return nil }
        host = BorrowedBytes(rebasing: text[..<hostCount])
        port = nil
        guard end < text.count else { return }
        guard end > 0, text[end] == UInt8(ascii: ":"), text.count - end <= 6 else { return nil }
        guard text.count - end > 1 else { return }
        guard let value = Untrusted<UInt16>(decimal: text[(end + 1)...])?.exactly(in: 0...65535) else { return nil }
        port = value
    }

    /// Whether this is no host, but a file's path in percent encoding.
    static func isSocketPath(_ text: BorrowedBytes) -> Bool {
        guard text.contains(UInt8(ascii: "%")) else { return false }
        return text.allSatisfy { HTTPGrammar.isRegName($0) }
    }

    /// `host` in its normal form, in the arena of `fields`.
    func normalForm(in fields: inout FieldBlock) -> BorrowedBytes {
        let copy = fields.reserve(max(host.count, IPAddress.textBytesMax + 2))
        if host.first == UInt8(ascii: "["), let address = IPAddress(BorrowedBytes(rebasing: host[1..<(host.count - 1)])) {
            copy.storeBytes(of: UInt8(ascii: "["), as: UInt8.self)
            let count = address.write(to: copy + 1)
            copy.storeBytes(of: UInt8(ascii: "]"), toByteOffset: count + 1, as: UInt8.self)
            return BorrowedBytes(start: copy, count: count + 2)
        }
        for index in 0..<host.count {
            copy.storeBytes(of: HTTPGrammar.lowercased(host[index]), toByteOffset: index, as: UInt8.self)
        }
        return BorrowedBytes(start: copy, count: host.count)
    }

    /// Whether both name the same host and port, where a port that is not written is the scheme's own.
    func isSame(as other: Authority, defaultPort: UInt16) -> Bool {
        guard (port ?? defaultPort) == (other.port ?? defaultPort), host.count == other.host.count else { return false }
        guard let left = host.baseAddress, let right = other.host.baseAddress else { return true }
        // Hosts are ASCII here, so the locale does not matter.
        return strncasecmp(left.assumingMemoryBound(to: CChar.self), right.assumingMemoryBound(to: CChar.self), host.count) == 0
    }
}
