import Testing

@testable import JSON

@Suite struct JSONNumbersTests {
    @Test(
        "integers are exact to the ends of 64 bits",
        arguments: [
            ("0", 0), ("-0", 0), ("9223372036854775807", Int64.max), ("-9223372036854775808", Int64.min), ("1.0", 1), ("1e3", 1000),
            ("9007199254740993", 9_007_199_254_740_993),
        ])
    func integers(text: String, value: Int64) throws {
        #expect(try JSONValue.parse(text).int64 == value)
    }

    @Test(
        "what is no integer within 64 bits has no integer value",
        arguments: [
            "9223372036854775808", "-9223372036854775809", "1.5", "1e300", "1e400", "\"1\"", "true", "null", "[1]",
        ])
    func notIntegers(text: String) throws { #expect(try JSONValue.parse(text).int64 == nil) }

    @Test("doubles are the nearest, and nothing beyond the largest")
    func doubles() throws {
        #expect(try JSONValue.parse("0.1").double == 0.1)
        #expect(try JSONValue.parse("1700000000.25").double == 1_700_000_000.25)
        #expect(try JSONValue.parse("-1E-2").double == -0.01)
        #expect(try JSONValue.parse("1e400").double == nil)
        #expect(try JSONValue.parse("\"1\"").double == nil)
    }

    @Test("a number keeps the text it was written with", arguments: ["1.50", "1E5", "100000000000000000000000", "-0"])
    func rawText(text: String) throws { #expect(try JSONValue.parse(text).numberText == text) }
}
