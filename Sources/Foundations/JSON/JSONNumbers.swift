package import Bytes

extension JSONValue {
    /// A number's whole part, rounded down, however large it is written; `nil` for all that is no number.
    package var floor: Untrusted<Int64>? {
        guard kind == .number else { return nil }
        if let plain = withText({ Untrusted<Int64>(signedDecimal: $0) }) { return plain }
        // Beyond the largest Double it is an infinity, which is beyond here too.
        return numberText.flatMap { Double($0) }.flatMap { Untrusted(flooring: $0) }
    }

    /// The exact value of a number that is an integer within 64 bits; `nil` for all else.
    ///
    /// `1.0` and `1e3` are integers too, where a Double holds them exactly (below 2⁵³).
    package var int64: Int64? {
        guard kind == .number else { return nil }
        if let plain = withText({ Untrusted<Int64>(signedDecimal: $0) }) { return plain.exactly(in: .min ... .max) }
        guard let double, double.magnitude <= 0x1p53 else { return nil }
        return double.rounded(.down) == double ? Untrusted(flooring: double)?.exactly(in: .min ... .max) : nil
    }

    /// The nearest Double of a number; `nil` where it is beyond the largest one, and for all that is no number.
    package var double: Double? {
        guard let numberText, let value = Double(numberText), value.isFinite else { return nil }
        return value
    }
}
