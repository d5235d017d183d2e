/// Eight bytes at a time over text.
enum UTF8Text {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let tops: UInt64 = 0x8080_8080_8080_8080

    /// How many bytes at the beginning are plain: ASCII that stands for itself in a JSON string.
    @inline(__always)
    static func plainPrefix(_ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> Int {
        var at = start
        while end - at >= 8 {
            let word = UInt64(littleEndian: UnsafeRawPointer(at).loadUnaligned(as: UInt64.self))
            let quote = word ^ (ones &* 0x22)
            let backslash = word ^ (ones &* 0x5C)
            // A top bit where a byte is zero, below 0x20 or above 0x7F. Borrows run upwards: the lowest is true.
            let special =
                ((quote &- ones) & ~quote | (backslash &- ones) & ~backslash | (word &- ones &* 0x20) & ~word | word) & tops
            if special != 0 { return at - start + special.trailingZeroBitCount >> 3 }
            at += 8
        }
        while at < end, at[0] >= 0x20, at[0] < 0x80, at[0] != 0x22, at[0] != 0x5C { at += 1 }
        return at - start
    }

    /// How many bytes the scalar at the beginning takes; 0 where it is not well-formed (Unicode Standard, Table 3-7).
    @inline(__always)
    static func scalarLength(_ at: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> Int {
        let first = at[0]
        let left = end - at
        if first < 0x80 { return 1 }
        if first < 0xE0 { return first >= 0xC2 && left >= 2 && at[1] & 0xC0 == 0x80 ? 2 : 0 }
        if first < 0xF0 {
            guard left >= 3, at[1] & 0xC0 == 0x80, at[2] & 0xC0 == 0x80 else { return 0 }
            if first == 0xE0, at[1] < 0xA0 { return 0 }
            if first == 0xED, at[1] > 0x9F { return 0 }
            return 3
        }
        guard first <= 0xF4, left >= 4, at[1] & 0xC0 == 0x80, at[2] & 0xC0 == 0x80, at[3] & 0xC0 == 0x80 else { return 0 }
        if first == 0xF0, at[1] < 0x90 { return 0 }
        if first == 0xF4, at[1] > 0x8F { return 0 }
        return 4
    }

    static func isValid(_ text: UnsafeRawBufferPointer) -> Bool {
        guard let start = text.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return true }
        let end = start + text.count
        var at = start
        while at < end {
            if end - at >= 8, UnsafeRawPointer(at).loadUnaligned(as: UInt64.self) & tops == 0 { at += 8; continue }
            let length = scalarLength(at, end)
            if length == 0 { return false }
            at += length
        }
        return true
    }
}
