internal import Bytes
internal import Glibc

/// An authority in its two parts, as `:authority` and Host carry them (RFC 3986, section 3.2, without user information).
struct Authority {
    /// Host name, IPv4 address, or IPv6 address with its brackets.
    var host: UnsafeRawBufferPointer
    /// `nil` where none, or an empty one, is written.
    var port: UInt16?
    /// Whether `host` is lower-case already.
    var isLowerCase: Bool

    /// `nil` for what no host can be: user information, an unclosed bracket, a port that is none, foreign bytes.
    init?(_ text: UnsafeRawBufferPointer) {
        var end = 0
        isLowerCase = true
        if text.count > 0, text[0] == UInt8(ascii: "[") {
            while end < text.count, text[end] != UInt8(ascii: "]") { end += 1 }
            let literal = UnsafeRawBufferPointer(rebasing: text[1..<max(end, 1)])
            guard end < text.count, literal.contains(UInt8(ascii: ":")), IPAddress(literal) != nil else { return nil }
            for index in 1..<end where text[index] >= 0x41 && text[index] <= 0x5a { isLowerCase = false }
            end += 1
        } else {
            while end < text.count, text[end] != UInt8(ascii: ":") {
                let byte = text[end]
                if !ByteSet.lowerCaseHost.contains(byte) {
                    guard byte >= 0x41, byte <= 0x5a else { return nil }
                    isLowerCase = false
                }
                end += 1
            }
        }
        guard end <= HeadFacts.authorityBytesMax else { return nil }
        host = UnsafeRawBufferPointer(rebasing: text[..<end])
        port = nil
        guard end < text.count else { return }
        guard end > 0, text[end] == UInt8(ascii: ":"), text.count - end <= 6 else { return nil }
        guard text.count - end > 1 else { return }
        guard let value = Untrusted<UInt16>(decimal: text[(end + 1)...])?.exactly(in: 0...65535) else { return nil }
        port = value
    }

    /// Whether both name the same host and port, where a port that is not written is the scheme's own.
    func isSame(as other: Authority, defaultPort: UInt16) -> Bool {
        guard (port ?? defaultPort) == (other.port ?? defaultPort), host.count == other.host.count else { return false }
        guard let left = host.baseAddress, let right = other.host.baseAddress else { return true }
        // Hosts are ASCII here, so the locale has nothing to say.
        return strncasecmp(left.assumingMemoryBound(to: CChar.self), right.assumingMemoryBound(to: CChar.self), host.count) == 0
    }
}
