extension JSONValue {
    /// The exact value of a number that is an integer within 64 bits; `nil` for all else.
    ///
    /// `1.0` and `1e3` are integers too, where a Double holds them exactly (below 2⁵³).
    package var int64: Int64? {
        guard kind == .number else { return nil }
        if let plain = withText(plainInteger) { return plain }
        guard let double, double.magnitude <= 0x1p53 else { return nil }
        return Int64(exactly: double)
    }

    /// The nearest Double of a number; `nil` where it is beyond the largest one, and for all that is no number.
    package var double: Double? {
        guard let numberText, let value = Double(numberText), value.isFinite else { return nil }
        return value
    }

    /// Digits with or without a minus, within 64 bits.
    private func plainInteger(_ text: UnsafeRawBufferPointer) -> Int64? {
        let negative = text.first == UInt8(ascii: "-")
        var value: Int64 = 0
        for byte in negative ? text.dropFirst() : text[...] {
            let digit = byte &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
            // Built on the negative side for negatives: its range is larger by one.
            let (next, carried) =
                negative
                ? tenfold.subtractingReportingOverflow(Int64(digit)) : tenfold.addingReportingOverflow(Int64(digit))
            if overflow || carried { return nil }
            value = next
        }
        return value
    }
}
