/// Numbers as JSON writes them.
enum DigitText {
    static func write(_ value: UInt64, to output: inout Output) {
        output.reserve(20)
        if value < 10 {
            output.at[0] = 0x30 + UInt8(truncatingIfNeeded: value)
            output.advance(to: output.at + 1)
            return
        }
        let count = digitCount(value)
        var target = output.at + count
        var rest = value
        let pairs = pairs.utf8Start
        while rest >= 100 {
            let place = Int(rest % 100) * 2
            rest /= 100
            target -= 2
            target[0] = pairs[place]
            target[1] = pairs[place + 1]
        }
        if rest >= 10 {
            target[-2] = pairs[Int(rest) * 2]
            target[-1] = pairs[Int(rest) * 2 + 1]
        } else {
            target[-1] = 0x30 + UInt8(truncatingIfNeeded: rest)
        }
        output.advance(to: output.at + count)
    }

    static func write(_ value: Int64, to output: inout Output) {
        if value < 0 { output.byte(UInt8(ascii: "-")) }
        write(value.magnitude, to: &output)
    }

    private static func digitCount(_ value: UInt64) -> Int {
        var count = 1
        var limit: UInt64 = 10
        while value >= limit {
            count += 1
            let (next, over) = limit.multipliedReportingOverflow(by: 10)
            if over { break }
            limit = next
        }
        return count
    }

    /// The shortest digits that read back as the same number; `"NaN"` and the infinities in quotes.
    static func write(_ value: Double, to output: inout Output) {
        guard value.isFinite else { return writeSpecial(value.isNaN, value < 0, to: &output) }
        if let whole = whole(value) { return write(whole, to: &output) }
        write(value.description, to: &output)
    }

    static func write(_ value: Float, to output: inout Output) {
        guard value.isFinite else { return writeSpecial(value.isNaN, value < 0, to: &output) }
        if value.magnitude < 0x1p24, let whole = whole(Double(value)) { return write(whole, to: &output) }
        write(value.description, to: &output)
    }

    /// Whole numbers need no point, but for the negative zero.
    private static func whole(_ value: Double) -> Int64? {
        guard value.magnitude < 0x1p53, let whole = Int64(exactly: value), whole != 0 || value.sign == .plus else { return nil }
        return whole
    }

    private static func write(_ text: String, to output: inout Output) {
        var text = text
        text.withUTF8 { output.append(UnsafeRawBufferPointer($0)) }
    }

    private static func writeSpecial(_ isNaN: Bool, _ isNegative: Bool, to output: inout Output) {
        output.append(isNaN ? "\"NaN\"" : isNegative ? "\"-Infinity\"" : "\"Infinity\"")
    }

    private static let pairs: StaticString =
        """
        0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849\
        5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899
        """
}
