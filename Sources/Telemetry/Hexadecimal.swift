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
