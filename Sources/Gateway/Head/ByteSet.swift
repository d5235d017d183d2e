/// A set of ASCII bytes as two words: membership costs a shift and no memory.
struct ByteSet {
    private let low: UInt64
    private let high: UInt64

    @inline(__always)
    private init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    /// Bytes 0x21 to 0x7E.
    @inline(__always)
    private static var visible: ByteSet { ByteSet(low: ~0 << 33, high: ~0 >> 1) }

    @inline(__always)
    private func without(_ byte: UInt8) -> ByteSet {
        byte < 64
            ? ByteSet(low: low & ~(1 << UInt64(byte)), high: high)
            : ByteSet(low: low, high: high & ~(1 << UInt64(byte - 64)))
    }

    /// Bytes of a path that need no second look.
    @inline(__always)
    static var plainInPath: ByteSet {
        visible.without(UInt8(ascii: "/")).without(UInt8(ascii: "?")).without(UInt8(ascii: "%"))
            .without(UInt8(ascii: "\\")).without(UInt8(ascii: "#")).without(UInt8(ascii: ";"))
    }

    /// What never needs an escape (RFC 3986, section 2.3).
    @inline(__always)
    static var unreserved: ByteSet {
        let digits: UInt64 = 0x3ff << 48
        let dashAndDot: UInt64 = 1 << 45 | 1 << 46
        let letters: UInt64 = 0x7ff_fffe | 0x7ff_fffe << 32
        let underscoreAndTilde: UInt64 = 1 << 31 | 1 << 62
        return ByteSet(low: digits | dashAndDot, high: letters | underscoreAndTilde)
    }

    @inline(__always)
    static var inQuery: ByteSet { visible.without(UInt8(ascii: "#")) }

    /// Lower-case letters, digits, `-`, `.`, `_`: what a host name usually is. Others go the slow way.
    @inline(__always)
    static var lowerCaseHost: ByteSet {
        let digits: UInt64 = 0x3ff << 48
        // Not `%`: a reg-name may be percent-encoded (RFC 3986, section 3.2.2), and would hide a host from its routes.
        let dashAndDot: UInt64 = 1 << 45 | 1 << 46
        let letters: UInt64 = 0x3ff_ffff << 33
        let underscore: UInt64 = 1 << 31
        return ByteSet(low: digits | dashAndDot, high: letters | underscore)
    }

    /// Every set here has the lower-case letters, and most bytes are some: they are asked first.
    @inline(__always)
    func contains(_ byte: UInt8) -> Bool {
        if byte &- 0x61 < 26 { return true }
        let word = byte < 64 ? low : high
        return byte < 128 && word >> UInt64(byte & 63) & 1 == 1
    }
}
