import Testing

@testable import Bytes

@Suite("Numbers from outside")
struct UntrustedTests {
    private let forty = "9999999999999999999999999999999999999999"

    @Test("integers of any width and sign are themselves where they fit, and in no range where they do not")
    func wireIntegers() {
        #expect(Untrusted<Int64>(UInt64.max).exactly(in: .min ... .max) == nil)
        #expect(Untrusted<Int64>(UInt64.max).clamped(to: 0...7) == 7)
        #expect(Untrusted<UInt64>(Int64.min).exactly(in: 0 ... .max) == nil)
        #expect(Untrusted<UInt64>(Int64.min).clamped(to: 3...7) == 3)
        #expect(Untrusted<UInt32>(1 << 32).exactly(in: 0 ... .max) == nil)
        #expect(Untrusted<UInt32>((1 << 32) - 1).exactly(in: 0 ... .max) == .max)
        #expect(Untrusted<Int64>(Int32.min).exactly(in: .min ... .max) == -2_147_483_648)
        #expect(Untrusted<UInt64>(UInt64.max).exactly(as: Int.self) == nil)
        #expect(Untrusted<UInt64>(UInt64.max).clamped(as: Int32.self) == .max)
    }

    @Test("a range holds its ends and no more")
    func ranges() {
        let range: ClosedRange<Int64> = -5...5
        for value: Int64 in [-5, 0, 5] {
            #expect(Untrusted<Int64>(value).exactly(in: range) == value)
            #expect(Untrusted<Int64>(value).clamped(to: range) == value)
        }
        #expect(Untrusted<Int64>(6).exactly(in: range) == nil && Untrusted<Int64>(6).clamped(to: range) == 5)
        #expect(Untrusted<Int64>(-6).exactly(in: range) == nil && Untrusted<Int64>(-6).clamped(to: range) == -5)
    }

    @Test("digits may be as many as they like")
    func digits() {
        #expect(Untrusted<UInt64>(decimal: "18446744073709551615".utf8)?.exactly(in: 0 ... .max) == .max)
        for text in ["18446744073709551616", forty] {
            #expect(Untrusted<UInt64>(decimal: text.utf8)?.exactly(in: 0 ... .max) == nil)
            #expect(Untrusted<UInt64>(decimal: text.utf8)?.clamped(to: 0...9) == 9)
        }
        #expect(Untrusted<UInt64>(decimal: ("0000000000000000000000000" + "7").utf8)?.exactly(in: 7...7) == 7)
        #expect(Untrusted<UInt8>(decimal: "255".utf8)?.exactly(in: 0...255) == 255)
        #expect(Untrusted<UInt8>(decimal: "256".utf8)?.exactly(in: 0...255) == nil)
        for text in ["", "-1", "+1", " 1", "1 ", "1e3", "0x1", "1_000", "١"] {
            #expect(Untrusted<Int64>(decimal: text.utf8) == nil)
        }
    }

    @Test("a minus in front is read down to the lowest number")
    func signedDigits() {
        #expect(Untrusted<Int64>(signedDecimal: "-9223372036854775808".utf8)?.exactly(in: .min ... .max) == .min)
        #expect(Untrusted<Int64>(signedDecimal: "-9223372036854775809".utf8)?.exactly(in: .min ... .max) == nil)
        #expect(Untrusted<Int64>(signedDecimal: ("-" + forty).utf8)?.clamped(to: -3...3) == -3)
        #expect(Untrusted<Int64>(signedDecimal: "9223372036854775807".utf8)?.exactly(in: .min ... .max) == .max)
        #expect(Untrusted<Int64>(signedDecimal: "9223372036854775808".utf8)?.clamped(to: -3...3) == 3)
        #expect(Untrusted<UInt64>(signedDecimal: "-0".utf8)?.exactly(in: 0...0) == 0)
        #expect(Untrusted<UInt64>(signedDecimal: "-1".utf8)?.exactly(in: 0 ... .max) == nil)
        for text in ["-", "--1", "", "- 1"] { #expect(Untrusted<Int64>(signedDecimal: text.utf8) == nil) }
    }

    @Test("hexadecimal digits have either case")
    func hexadecimal() {
        #expect(Untrusted<UInt64>(hexadecimal: "fFfFffffFFFFffff".utf8)?.exactly(in: 0 ... .max) == .max)
        #expect(Untrusted<UInt64>(hexadecimal: "10000000000000000".utf8)?.exactly(in: 0 ... .max) == nil)
        for text in ["", "g", "0x1", "@", "`", "/", ":", "-1"] { #expect(Untrusted<UInt64>(hexadecimal: text.utf8) == nil) }
    }

    @Test("a floating-point number is cut down to a whole one, or is beyond")
    func doubles() {
        #expect(Untrusted<Int64>(flooring: 1.9)?.exactly(in: 0...9) == 1)
        #expect(Untrusted<Int64>(flooring: -1.1)?.exactly(in: -9...9) == -2)
        #expect(Untrusted<Int64>(flooring: .nan) == nil)
        for value in [1e308, .infinity, 0x1p63] {
            #expect(Untrusted<Int64>(flooring: value)?.exactly(in: .min ... .max) == nil)
            #expect(Untrusted<Int64>(flooring: value)?.clamped(to: 0...9) == 9)
        }
        for value in [-1e308, -.infinity] { #expect(Untrusted<Int64>(flooring: value)?.clamped(to: 0...9) == 0) }
        #expect(Untrusted<Int64>(flooring: -0x1p63)?.exactly(in: .min ... .max) == .min)
        #expect(Untrusted<UInt64>(flooring: -0.5)?.exactly(in: 0 ... .max) == nil)
    }

    @Test("messages tell the number, or beyond which it lies")
    func descriptions() {
        #expect("\(Untrusted<Int64>(-7))" == "-7")
        #expect("\(Untrusted<UInt8>(256))" == "above 255" && "\(Untrusted<UInt8>(-1))" == "below 0")
        #expect("\(Untrusted<Int8>(-129))" == "below -128")
    }

    @Test("sums and products that do not fit fail, or are beyond")
    func arithmetic() {
        let largest = Untrusted<Int64>(Int64.max)
        #expect(largest.adding(0) == largest && largest.adding(1) == nil)
        #expect(largest.addingSaturating(1).exactly(in: .min ... .max) == nil)
        #expect(largest.addingSaturating(1).addingSaturating(-1).exactly(in: .min ... .max) == nil, "once beyond, it stays so")
        #expect(largest.addingSaturating(Untrusted<Int64>(UInt64.max)).clamped(to: 0...5) == 5)
        #expect(Untrusted<Int64>(Int64.min).addingSaturating(-1).clamped(to: -5...5) == -5)
        #expect(Untrusted<Int64>(3).subtracting(5)?.exactly(in: -9...9) == -2)
        #expect(Untrusted<UInt64>(3).subtracting(5 as UInt64) == nil)
        #expect(Untrusted<UInt64>(18_446_744_074).scaled(by: 1_000_000_000).exactly(in: 0 ... .max) == nil)
        #expect(Untrusted<UInt64>(18_446_744_073).scaled(by: 1_000_000_000).exactly(in: 0 ... .max) == 18_446_744_073_000_000_000)
        #expect(Untrusted<Int64>(Int64.min).scaled(by: -1).clamped(to: -5...5) == 5)
        #expect(Untrusted<Int64>(Int64.min).scaled(by: 2).clamped(to: -5...5) == -5)
    }
}
