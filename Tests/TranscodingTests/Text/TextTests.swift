import Bytes
import Testing

@testable import Transcoding

@Suite("Numbers, times and base64 as text")
struct TextTests {
    static func number(_ text: String) -> NumberText? {
        // The number points into this memory for as long as the test runs.
        let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: text.utf8.count + 1)
        for (index, byte) in text.utf8.enumerated() { copy[index] = byte }
        return NumberText(whole: copy, text.utf8.count)
    }

    static func written(_ body: (inout Output) -> Void) -> String {
        var output = Output()
        body(&output)
        return String(decoding: output.bytes, as: UTF8.self)
    }

    @Test(
        "numbers are exact integers or the nearest Double",
        arguments: [
            ("0", 0, 0), ("-0", 0, -0.0), ("9223372036854775807", Int64.max, 0x1p63), ("-9223372036854775808", Int64.min, -0x1p63),
            ("1.0", 1, 1), ("1e3", 1000, 1000), ("1200e-2", 12, 12), ("0.5", nil, 0.5), ("1e19", nil, 1e19),
            ("123456789012345678901e-2", nil, 1.23456789012345678901e18),
            ("0.1", nil, 0.1), ("1e-400", nil, 0), ("2.2250738585072014e-308", nil, 0x1p-1022),
            ("9007199254740993", 9_007_199_254_740_993, 9_007_199_254_740_992),
            ("100000000000000000000e-18", 100, 100),
        ] as [(String, Int64?, Double)])
    func numbers(text: String, integer: Int64?, double: Double) throws {
        let number = try #require(Self.number(text))
        #expect(number.int64?.exactly(as: Int64.self) == integer && number.double == double)
    }

    @Test("what is no number is refused", arguments: ["", "-", "+1", "01", "1.", ".5", "1e", "1e+", "0x10", "1 ", "NaN", "--1"])
    func noNumbers(text: String) { #expect(Self.number(text) == nil) }

    @Test(
        "numbers are written shortest",
        arguments: [
            (0, "0"), (-0.0, "-0.0"), (1, "1"), (-42, "-42"), (0.1, "0.1"), (1e15, "1000000000000000"), (1e16, "1e+16"),
            (999_999_999_999_999, "999999999999999"), (5e-324, "5e-324"), (.infinity, "\"Infinity\""),
        ] as [(Double, String)])
    func doubles(value: Double, text: String) { #expect(Self.written { DigitText.write(value, to: &$0) } == text) }

    @Test("integers are written whole", arguments: [0, 9, 10, 99, 100, 12_345, UInt64.max])
    func integers(value: UInt64) { #expect(Self.written { DigitText.write(value, to: &$0) } == "\(value)") }

    @Test(
        "times are read and written over their whole range",
        arguments: [
            ("0001-01-01T00:00:00Z", -62_135_596_800, 0), ("1970-01-01T00:00:00Z", 0, 0),
            ("2000-02-29T23:59:59.123456789Z", 951_868_799, 123_456_789),
            ("9999-12-31T23:59:59.999Z", 253_402_300_799, 999_000_000), ("1969-12-31T23:59:59.500Z", -1, 500_000_000),
        ] as [(String, Int64, Int32)])
    func timestamps(text: String, seconds: Int64, nanoseconds: Int32) {
        let parts = TimeText.Parts(seconds: seconds, nanoseconds: nanoseconds)
        #expect(Array(text.utf8).withUnsafeBufferPointer { TimeText.timestamp($0.baseAddress!, $0.count) } == parts)
        #expect(Self.written { _ = TimeText.write(timestamp: (Untrusted(seconds), Untrusted(nanoseconds)), to: &$0) } == text)
    }

    @Test(
        "durations are read and written with one sign",
        arguments: [
            ("0s", 0, 0), ("1.500s", 1, 500_000_000), ("-0.000001s", 0, -1000), ("-315576000000s", -315_576_000_000, 0),
        ] as [(String, Int64, Int32)])
    func durations(text: String, seconds: Int64, nanoseconds: Int32) {
        let parts = TimeText.Parts(seconds: seconds, nanoseconds: nanoseconds)
        #expect(Array(text.utf8).withUnsafeBufferPointer { TimeText.duration($0.baseAddress!, $0.count) } == parts)
        #expect(Self.written { _ = TimeText.write(duration: (Untrusted(seconds), Untrusted(nanoseconds)), to: &$0) } == text)
    }

    @Test(
        "base64 is read in both alphabets, padded or not",
        arguments: [
            ("", []), ("AQ", [1]), ("AQ==", [1]), ("AQI=", [1, 2]), ("AQID", [1, 2, 3]), ("-_8", [0xFB, 0xFF]),
            ("+/8=", [0xFB, 0xFF]), ("A", nil), ("A===", nil), ("AQ=", nil), ("A=Q=", nil),
        ] as [(String, [UInt8]?)])
    func base64(text: String, bytes: [UInt8]?) {
        var output = Output()
        let isRead = Array((text + " ").utf8).withUnsafeBufferPointer {
            Base64Text.decode($0.baseAddress!, text.utf8.count, into: &output)
        }
        #expect((isRead ? Array(output.bytes) : nil) == bytes)
    }
}
