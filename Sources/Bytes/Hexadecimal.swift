/// Lower-case hexadecimal digits without a String.
package enum Hexadecimal {
    /// Writes sixteen digits.
    package static func write(_ value: UInt64, to target: UnsafeMutableRawPointer) {
        var rest = value
        var index = 15
        while index >= 0 {
            let digit = UInt8(truncatingIfNeeded: rest & 15)
            target.storeBytes(of: digit < 10 ? 0x30 + digit : 0x57 + digit, toByteOffset: index, as: UInt8.self)
            rest >>= 4
            index -= 1
        }
    }
}
