/// Decimal digits without a String.
package enum Decimal {
    /// Writes `value`, at most 20 bytes, and returns how many bytes were written.
    package static func write(_ value: UInt64, to target: UnsafeMutableRawPointer) -> Int {
        var digits = 1
        var rest = value
        while rest >= 10 { rest /= 10; digits += 1 }
        rest = value
        var index = digits
        while index > 0 {
            index -= 1
            target.storeBytes(of: UInt8(truncatingIfNeeded: 0x30 + rest % 10), toByteOffset: index, as: UInt8.self)
            rest /= 10
        }
        return digits
    }

    /// The value of ASCII digits and nothing else, however many; `nil` for anything else.
    package static func read(_ bytes: UnsafeRawBufferPointer) -> Untrusted<UInt64>? { Untrusted(decimal: bytes) }
}
