internal import Bytes

/// Numbers from `minimum` to `maximum`, both of which belong to it; `nil` for no bound.
///
/// A value is a number where it is decimal digits, with a minus in front or without, and with a fraction or without. However many
/// digits there are, it is compared as what it says.
package struct NumberRange: Hashable, Sendable, BitwiseCopyable {
    package let minimum: Int64?
    package let maximum: Int64?

    /// What a bound may be: what a number in JSON can hold exactly (RFC 8259, section 6).
    package static let bounds: ClosedRange<Int64> = -(1 << 53)...(1 << 53)

    package init(minimum: Int64?, maximum: Int64?) {
        self.minimum = minimum
        self.maximum = maximum
    }

    /// The bound that a text says; `nil` where it says none.
    package static func bound(_ text: String) -> Int64? { Untrusted<Int64>(signedDecimal: text.utf8)?.exactly(in: bounds) }

    package func contains(_ text: UnsafeRawBufferPointer) -> Bool {
        let point = text.firstIndex(of: UInt8(ascii: ".")) ?? text.count
        guard let whole = Untrusted<Int64>(signedDecimal: text[..<point]) else { return false }
        var hasFraction = false
        if point < text.count {
            let fraction = text[(point + 1)...]
            guard !fraction.isEmpty, fraction.allSatisfy({ $0 &- 0x30 <= 9 }) else { return false }
            hasFraction = fraction.contains { $0 != 0x30 }
        }
        // One beyond Int64 is beyond every bound.
        let nearest = whole.clamped(to: .min ... .max)
        let isNegative = text.first == UInt8(ascii: "-")
        if let minimum, hasFraction && isNegative ? nearest <= minimum : nearest < minimum { return false }
        if let maximum, hasFraction && !isNegative ? nearest >= maximum : nearest > maximum { return false }
        return true
    }

    func contains(_ other: NumberRange) -> Bool {
        (minimum ?? .min) <= (other.minimum ?? .min) && (other.maximum ?? .max) <= (maximum ?? .max)
    }
}
