internal import Bytes
internal import Glibc

/// A number as JSON writes it, taken apart: `mantissa` × 10^`exponent`.
struct NumberText {
    /// Longer ones are refused: no number needs that many digits, and reading one is not linear.
    private static let bytesMax = 1100

    var isNegative = false
    /// The first nineteen significant digits or fewer.
    var mantissa: UInt64 = 0
    var exponent = 0
    /// No digit but zeros was left out of `mantissa`.
    var isExact = true
    var start: UnsafePointer<UInt8>
    var count = 0

    /// Reads the number at `at` and moves behind it.
    init(_ at: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) throws(Problem) {
        start = at
        if at < end, at[0] == UInt8(ascii: "-") { isNegative = true; at += 1 }
        guard at < end else { throw .endsTooEarly }
        let digits = at
        while at < end, at[0] &- 0x30 <= 9 { take(at[0], isFraction: false); at += 1 }
        if at == digits { throw .badNumber }
        if digits[0] == 0x30, at - digits > 1 { throw .badNumber }
        if at < end, at[0] == UInt8(ascii: ".") {
            at += 1
            let fraction = at
            while at < end, at[0] &- 0x30 <= 9 { take(at[0], isFraction: true); at += 1 }
            if at == fraction { throw .badNumber }
        }
        if at < end, at[0] | 0x20 == UInt8(ascii: "e") { try takeExponent(&at, end) }
        count = at - start
        if count > Self.bytesMax { throw .numberTooLong }
    }

    /// The whole of a text that is a number; `nil` where it is something else.
    init?(whole text: UnsafePointer<UInt8>, _ count: Int) {
        var at = text
        guard let number = try? NumberText(&at, text + count), at == text + count else { return nil }
        self = number
    }

    @inline(__always)
    private mutating func take(_ byte: UInt8, isFraction: Bool) {
        let digit = UInt64(truncatingIfNeeded: byte &- 0x30)
        if mantissa < 1_000_000_000_000_000_000 {
            mantissa = mantissa &* 10 &+ digit
            if isFraction { exponent -= 1 }
        } else {
            takeMore(digit, isFraction: isFraction)
        }
    }

    /// A twentieth digit may still fit.
    private mutating func takeMore(_ digit: UInt64, isFraction: Bool) {
        let (tenfold, over) = mantissa.multipliedReportingOverflow(by: 10)
        let (sum, carried) = tenfold.addingReportingOverflow(digit)
        if isExact, !over, !carried, exponentIsUntouched(isFraction) {
            mantissa = sum
            if isFraction { exponent -= 1 }
        } else {
            if digit != 0 { isExact = false }
            if !isFraction { exponent += 1 }
        }
    }

    /// A digit that was left out makes every later one be left out too.
    private func exponentIsUntouched(_ isFraction: Bool) -> Bool { isFraction || exponent == 0 }

    private mutating func takeExponent(
        _ at: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>
    ) throws(Problem) {
        at += 1
        var isMinus = false
        if at < end, at[0] == UInt8(ascii: "+") || at[0] == UInt8(ascii: "-") {
            isMinus = at[0] == UInt8(ascii: "-")
            at += 1
        }
        let digits = at
        var value = Untrusted<Int>(0)
        while at < end, at[0] &- 0x30 <= 9 {
            value = value.appending(digit: at[0] &- 0x30, radix: 10)
            at += 1
        }
        if at == digits { throw at == end ? .endsTooEarly : .badNumber }
        // No number of fewer than `bytesMax` digits is brought back into range by more.
        let shift = value.clamped(to: 0...1_000_000)
        exponent = Untrusted(exponent).addingSaturating(isMinus ? -shift : shift).clamped(to: -2_000_000...2_000_000)
    }

    // MARK: as numbers

    /// The magnitude where the number is an integer within 64 bits.
    private var integerMagnitude: UInt64? {
        if mantissa == 0 { return isExact ? 0 : nil }
        if exponent == 0 { return isExact ? mantissa : nil }
        guard isExact, exponent.magnitude <= 1200 else { return nil }
        var value = mantissa
        if exponent > 0 {
            guard exponent < 20 else { return nil }
            for _ in 0..<exponent {
                let (next, over) = value.multipliedReportingOverflow(by: 10)
                if over { return nil }
                value = next
            }
        } else {
            for _ in 0..<(-exponent) {
                let (quotient, rest) = value.quotientAndRemainder(dividingBy: 10)
                if rest != 0 { return nil }
                value = quotient
            }
        }
        return value
    }

    /// An integer within 64 bits; `nil` for any other number.
    var int64: Untrusted<Int64>? {
        guard let magnitude = integerMagnitude else { return nil }
        let zero = Untrusted<Int64>(0)
        return isNegative ? zero.subtracting(magnitude) : Int64(exactly: magnitude).map { Untrusted($0) }
    }

    /// The same without a sign.
    var uint64: Untrusted<UInt64>? {
        guard let magnitude = integerMagnitude else { return nil }
        return isNegative && magnitude != 0 ? nil : Untrusted(magnitude)
    }

    /// The nearest Double; `nil` beyond the largest.
    var double: Double? {
        if isExact, mantissa <= 1 << 53, exponent >= -22, exponent <= 22 {
            // Both numbers are exact, so the one operation rounds right.
            let value = exponent < 0 ? Double(mantissa) / Self.power(-exponent) : Double(mantissa) * Self.power(exponent)
            return isNegative ? -value : value
        }
        let value = withTerminated { strtod($0, nil) }
        return value.isFinite ? value : nil
    }

    /// The nearest Float; `nil` beyond the largest.
    var float: Float? {
        if isExact, mantissa <= 1 << 24, exponent >= -10, exponent <= 10 {
            let power = Float(Self.power(abs(exponent)))
            let value = exponent < 0 ? Float(mantissa) / power : Float(mantissa) * power
            return isNegative ? -value : value
        }
        let value = withTerminated { strtof($0, nil) }
        return value.isFinite ? value : nil
    }

    private static func power(_ exponent: Int) -> Double {
        var result = 1.0
        for _ in 0..<exponent { result *= 10 }
        return result
    }

    /// The C library reads to a zero byte, and more forms than JSON has: it gets a copy of what was checked.
    private func withTerminated<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: count + 1) { copy in
            memcpy(copy.baseAddress!, start, count)
            copy[count] = 0
            return body(copy.baseAddress!)
        }
    }
}
