import Testing

@testable import Config

@Suite struct ScalarGrammarTests {
    @Test(
        "durations",
        arguments: [
            ("250ms", Duration.milliseconds(250)), ("5s", .seconds(5)), ("1m", .seconds(60)), ("1h", .seconds(3600)),
            ("1d", .seconds(86400)), ("1h30m", .seconds(5400)), ("1m500ms", .milliseconds(60_500)), ("0s", .zero),
            ("1_000s", .seconds(1000)), ("36500d", .seconds(36_500 * 86_400)),
        ])
    func duration(text: String, expected: Duration) {
        #expect(reading(text, as: .duration).value == expected)
    }

    @Test(
        "what is no duration",
        arguments: [
            "5", "s", "5 s", "1.5s", "-1s", "5parsecs", "1m1h", "1s1s", "5us", "5S", "+5s", "36501d",
            "99999999999999999999s", "9223372036854775807d", "1__0s", "_1s", "1_s",
        ])
    func noDuration(text: String) {
        #expect(reading(text, as: .duration).message == "found \"\(text)\", expected a duration such as 250ms or 5s")
    }

    @Test("a duration keeps to its bounds and says them")
    func durationBounds() {
        let grammar = Grammar.duration(.seconds(1) ... .seconds(90))
        #expect(reading("1s", as: grammar).value == .seconds(1) && reading("1m30s", as: grammar).value == .seconds(90))
        #expect(
            reading("999ms", as: grammar).message.hasSuffix("expected a duration such as 250ms or 5s, at least 1s, at most 1m30s"))
        #expect(reading("91s", as: grammar).value == nil)
    }

    @Test("none is a value of its own where it is allowed")
    func none() {
        #expect(reading("none", as: .word("none", or: .byteSize())).value == .some(nil))
        #expect(reading("1KiB", as: .word("none", or: .byteSize())).value == .some(1024))
        #expect(
            reading("off", as: .word("none", or: .byteSize())).message
                == "found \"off\", expected a size such as 60KiB or 1MiB, or none")
        #expect(reading("none", as: .duration).value == nil)
    }

    @Test(
        "byte sizes",
        arguments: [
            ("512B", 512), ("60KiB", 61440), ("1MiB", 1 << 20), ("2GiB", 2 << 30), ("0B", 0), ("1_024KiB", 1 << 20),
            ("8589934591GiB", 8_589_934_591 << 30),
        ])
    func byteSize(text: String, expected: Int) {
        #expect(reading(text, as: .byteSize()).value == expected)
    }

    @Test("what is no byte size", arguments: ["60", "60KB", "60kib", "60 KiB", "1.5MiB", "-1B", "B", "KiB", "8589934592GiB"])
    func noByteSize(text: String) {
        #expect(reading(text, as: .byteSize()).value == nil)
    }

    @Test("counts")
    func counts() {
        #expect(reading("5_000_000", as: .count()).value == 5_000_000)
        #expect(reading("9223372036854775807", as: .count()).value == .max)
        for wrong in ["9223372036854775808", "_1", "1_", "1__0", "-1", "+1", "1.0", "0x10", "1e3", "١"] {
            #expect(reading(wrong, as: .count()).value == nil, "\(wrong)")
        }
        #expect(reading("0", as: .count(1...65535)).message == "found \"0\", expected a whole number from 1 to 65535")
        #expect(reading("0", as: .count(1...Int.max)).message == "found \"0\", expected a whole number, at least 1")
    }

    @Test("only true and false are booleans", arguments: ["yes", "on", "True", "TRUE", "1", "off"])
    func booleans(text: String) {
        #expect(reading("true", as: .boolean).value == true && reading("false", as: .boolean).value == false)
        #expect(reading(text, as: .boolean).message == "found \"\(text)\", expected true or false")
    }

    @Test("percentages")
    func percent() {
        #expect(reading("20%", as: .percent).value == 20 && reading("100%", as: .percent).value == 100)
        for wrong in ["101%", "20", "-1%", "2.5%", "'%'"] { #expect(reading(wrong, as: .percent).value == nil) }
    }

    private enum Balancing: String, CaseIterable { case round_robin, least_request }

    @Test("a word of a closed set, and the one probably meant")
    func choice() {
        let grammar = Grammar<Balancing>.choice
        #expect(reading("least_request", as: grammar).value == .least_request)
        #expect(
            reading("least_requests", as: grammar).message
                == "found \"least_requests\", expected round_robin or least_request; did you mean \"least_request\"?")
    }

    @Test("names")
    func names() {
        #expect(reading("orders-v1.a_b", as: .name).value == "orders-v1.a_b")
        for wrong in ["a b", "a/b", "\"\"", "ä"] { #expect(reading(wrong, as: .name).value == nil) }
    }

    @Test("a secret comes from the environment or a file; written out it gets a warning and is never shown")
    func secrets() {
        func secret(_ text: String) -> (Secret?, String) {
            let (value, report) = reading(
                "key: \(text)", environment: ["PASSWORD": "hunter2", "EMPTY": ""],
                files: ["secret.txt": "hunter3\n", "empty": "\n"]
            ) { $0.required("key", .secret) }
            return (value, report)
        }
        #expect(secret("${PASSWORD}").0?.text == "hunter2" && secret("${PASSWORD}").1.isEmpty)
        #expect(secret("file:secret.txt").0?.text == "hunter3" && secret("file:secret.txt").1.isEmpty)
        #expect(secret("hunter4").0?.text == "hunter4")
        #expect(
            secret("hunter4").1
                == "test.yaml:1:6: key: warning: the secret is written out in this file; better ${NAME} for an environment variable, or file:PATH\n"
        )
        #expect(secret("file:gone").1 == "test.yaml:1:6: key: cannot read \"gone\": no such file\n")
        #expect(secret("${EMPTY}").1.contains("found an empty secret"))
        #expect(secret("file:empty").1.contains("found an empty secret"))
        #expect("\(Secret("x")) \(String(reflecting: Secret("x")))" == "*** ***")
    }
}
