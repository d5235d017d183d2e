/// Lower-case hexadecimal digits of fixed width, as trace context and request ids use them.
enum Hexadecimal {
    static func write(_ value: UInt64, digits: Int, to target: UnsafeMutableRawPointer) {
        var shift = UInt64(digits) * 4
        for index in 0..<digits {
            shift -= 4
            let digit = UInt8(truncatingIfNeeded: value >> shift & 15)
            target.storeBytes(of: digit < 10 ? 0x30 + digit : 0x57 + digit, toByteOffset: index, as: UInt8.self)
        }
    }

    /// All sixteen digits, eight at a time.
    static func write16(_ value: UInt64, to target: UnsafeMutableRawPointer) {
        target.storeBytes(of: eight(UInt32(truncatingIfNeeded: value >> 32)), as: UInt64.self)
        target.storeBytes(of: eight(UInt32(truncatingIfNeeded: value)), toByteOffset: 8, as: UInt64.self)
    }

    /// Spreads the nibbles over the bytes of a word, the highest first in memory, and makes each a digit.
    private static func eight(_ value: UInt32) -> UInt64 {
        var word = UInt64(value.byteSwapped)
        word = (word | word << 16) & 0x0000_FFFF_0000_FFFF
        word = (word | word << 8) & 0x00FF_00FF_00FF_00FF
        // Of each byte the high nibble comes first.
        word = (word >> 4 | word << 8) & 0x0F0F_0F0F_0F0F_0F0F
        let isLetter = (word &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return (word &+ 0x3030_3030_3030_3030 &+ isLetter &* 0x27).littleEndian
    }

    /// At most 16 digits; upper case is not accepted.
    static func read(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> UInt64? {
        var value: UInt64 = 0
        for index in range {
            let byte = bytes[index]
            switch byte {
            case 0x30...0x39: value = value << 4 | UInt64(byte - 0x30)
            case 0x61...0x66: value = value << 4 | UInt64(byte - 0x57)
            default: return nil
            }
        }
        return value
    }
}
