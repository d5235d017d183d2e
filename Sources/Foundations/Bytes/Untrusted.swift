/// A number that came from outside: from a peer, a file, a token, the system.
///
///     bytes ──reader──▶ Untrusted<Int64> ──exactly(in:)──▶ Int64?     a number that must be in range, or is an error
///                                        ──clamped(to:)──▶ Int64      a number of which more is as good as the most
///
/// It has no operators, and nothing of it traps: what an arithmetic operator would do with a number out of range is to end the
/// process, and with it every other call. A number that does not fit into `Value` is kept as the nearest that does and remembered
/// to be beyond it, so no range holds it. Readers make these of bytes (ARCHITECTURE.md, "Numbers from outside"); a caller that needs the
/// number says which range is meant.
///
/// `public` and `@inlinable`, because a generic that is `package` stays unspecialized in other modules: in this form it costs what
/// the bare integer and the comparison cost.
@frozen public struct Untrusted<Value: FixedWidthInteger & Sendable>: Hashable, Sendable {
    /// The number, or the end of `Value` that is nearest to it.
    @usableFromInline let nearest: Value
    /// The number lies beyond `nearest`.
    @usableFromInline let isBeyond: Bool

    @inlinable @inline(__always)
    init(nearest: Value, isBeyond: Bool) {
        self.nearest = nearest
        self.isBeyond = isBeyond
    }

    // MARK: Made of what a reader found

    /// An integer of any width and signedness, as it lay on the wire.
    @inlinable @inline(__always)
    public init(_ value: some BinaryInteger) {
        let nearest = Value(clamping: value)
        self.init(nearest: nearest, isBeyond: nearest != value)
    }

    /// The whole number at or below, as NumericDate's fraction is cut off (RFC 7519, section 2); `nil` for what is no number.
    /// Infinities are beyond.
    @inlinable
    public init?(flooring value: Double) {
        guard !value.isNaN else { return nil }
        let whole = value.rounded(.down)
        guard let exact = Value(exactly: whole) else {
            self.init(nearest: whole < 0 ? .min : .max, isBeyond: true)
            return
        }
        self.init(nearest: exact, isBeyond: false)
    }

    /// Decimal digits, as many as there are, and nothing else; `nil` for anything else, and for none.
    @inlinable
    public init?(decimal digits: some Collection<UInt8>) {
        guard !digits.isEmpty else { return nil }
        if digits.count <= Self.fittingDigits {
            var number: Value = 0
            for byte in digits {
                let digit = byte &- 0x30
                guard digit <= 9 else { return nil }
                number = number &* 10 &+ Value(truncatingIfNeeded: digit)
            }
            self.init(nearest: number, isBeyond: false)
            return
        }
        var number = Untrusted(nearest: 0, isBeyond: false)
        for byte in digits {
            let digit = byte &- 0x30
            guard digit <= 9 else { return nil }
            number = number.appending(digit: digit, radix: 10)
        }
        self = number
    }

    /// So many decimal digits fit, whatever they are: a digit is less than 10/3 bits, and one bit may be the sign.
    @inlinable @inline(__always)
    static var fittingDigits: Int { (Value.bitWidth - 1) * 3 / 10 }

    /// Decimal digits with or without a minus in front of them; `nil` for anything else.
    @inlinable
    public init?(signedDecimal text: some Collection<UInt8>) {
        guard text.first == UInt8(ascii: "-") else {
            self.init(decimal: text)
            return
        }
        guard let magnitude = Untrusted<UInt64>(decimal: text.dropFirst()) else { return nil }
        let zero = Untrusted(nearest: 0, isBeyond: false)
        guard !magnitude.isBeyond, let number = zero.subtracting(magnitude.nearest) else {
            self.init(nearest: .min, isBeyond: true)
            return
        }
        self = number
    }

    /// Hexadecimal digits of either case, as many as there are, and nothing else; `nil` for anything else, and for none.
    @inlinable
    public init?(hexadecimal digits: some Collection<UInt8>) {
        guard !digits.isEmpty else { return nil }
        var number = Untrusted(nearest: 0, isBeyond: false)
        for byte in digits {
            let decimal = byte &- 0x30
            let letter = (byte | 0x20) &- UInt8(ascii: "a")
            guard decimal <= 9 || letter <= 5 else { return nil }
            number = number.appending(digit: decimal <= 9 ? decimal : letter &+ 10, radix: 16)
        }
        self = number
    }

    /// One more digit behind those read so far, for readers that get them one by one.
    @inlinable @inline(__always)
    public func appending(digit: UInt8, radix: UInt8) -> Untrusted {
        scaled(by: Value(truncatingIfNeeded: radix)).addingSaturating(Value(truncatingIfNeeded: digit))
    }

    // MARK: Calculated with

    /// The sum; where it does not fit, beyond.
    @inlinable @inline(__always)
    public func addingSaturating(_ other: Value) -> Untrusted {
        guard !isBeyond else { return self }
        let (sum, overflow) = nearest.addingReportingOverflow(other)
        return overflow ? Untrusted(nearest: other < 0 ? .min : .max, isBeyond: true) : Untrusted(nearest: sum, isBeyond: false)
    }

    @inlinable @inline(__always)
    public func addingSaturating(_ other: Untrusted) -> Untrusted {
        guard !other.isBeyond else { return isBeyond ? self : other }
        return addingSaturating(other.nearest)
    }

    /// The sum; `nil` where it does not fit or the number was beyond already.
    @inlinable @inline(__always)
    public func adding(_ other: Value) -> Untrusted? {
        let sum = addingSaturating(other)
        return sum.isBeyond ? nil : sum
    }

    /// The difference with a magnitude of any width; `nil` where it does not fit or the number was beyond already.
    @inlinable @inline(__always)
    public func subtracting(_ other: some BinaryInteger) -> Untrusted? {
        guard !isBeyond else { return nil }
        if let exact = Value(exactly: other) {
            let (difference, overflow) = nearest.subtractingReportingOverflow(exact)
            return overflow ? nil : Untrusted(nearest: difference, isBeyond: false)
        }
        // The magnitude of a signed type's lowest number is one more than its highest.
        guard nearest == 0, Value.isSigned, other == Value.min.magnitude else { return nil }
        return Untrusted(nearest: .min, isBeyond: false)
    }

    /// The product, as for a unit of time; where it does not fit, beyond.
    @inlinable @inline(__always)
    public func scaled(by factor: Value) -> Untrusted {
        guard !isBeyond else { return self }
        let (product, overflow) = nearest.multipliedReportingOverflow(by: factor)
        guard overflow else { return Untrusted(nearest: product, isBeyond: false) }
        return Untrusted(nearest: (nearest < 0) != (factor < 0) ? .min : .max, isBeyond: true)
    }

    // MARK: Trusted within a range

    /// The number if the range holds it.
    @inlinable @inline(__always)
    public func exactly(in range: ClosedRange<Value>) -> Value? {
        !isBeyond && range.contains(nearest) ? nearest : nil
    }

    /// The number if another type holds it, such as Int for an index.
    @inlinable @inline(__always)
    public func exactly<Other: FixedWidthInteger>(as type: Other.Type) -> Other? {
        isBeyond ? nil : Other(exactly: nearest)
    }

    /// The number, or the range's nearer end.
    @inlinable @inline(__always)
    public func clamped(to range: ClosedRange<Value>) -> Value {
        min(max(nearest, range.lowerBound), range.upperBound)
    }

    /// The number as another type, or that type's nearer end.
    @inlinable @inline(__always)
    public func clamped<Other: FixedWidthInteger>(as type: Other.Type) -> Other { Other(clamping: nearest) }
}

extension Untrusted: CustomStringConvertible {
    /// For messages: the number, or beyond which one it lies.
    public var description: String { isBeyond ? "\(nearest <= 0 ? "below" : "above") \(nearest)" : "\(nearest)" }
}
