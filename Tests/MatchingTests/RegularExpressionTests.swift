import Random
import Testing

@testable import Matching

@Suite struct RegularExpressionTests {
    @Test(
        "an expression takes a text whole",
        arguments: [
            ("^/u/([^/]+)$", "/u/7", true), ("^/u/([^/]+)$", "/u/7/8", false), ("/u/[0-9]+", "/u/7", true),
            ("/u/[0-9]+", "/u/7x", false), ("/u/[0-9]+", "x/u/7", false), ("a|ab", "ab", true), ("(?i)abc", "ABC", true),
            ("", "", true), ("", "a", false), (".", "é", true), ("^a", "ab", false),
        ])
    func whole(text: String, value: String, expected: Bool) throws {
        #expect(try RegularExpression(text).matches(value) == expected)
    }

    @Test(
        "what does not compile is told in RE2's words",
        arguments: [
            ("(a", "missing ): (a"), ("a**", "bad repetition operator: **"), ("(?=a)", "invalid perl operator: (?="),
            (#"(a)\1"#, #"invalid escape sequence: \1"#), ("[z-a]", "invalid character class range: z-a"),
            ("a{1001}", "invalid repetition size: {1001}"),
            ("((a{100}){100}){100}", "invalid repetition size: {100}"),
        ])
    func mistakes(text: String, why: String) {
        #expect(throws: RegularExpression.Mistake.malformed(why)) { try RegularExpression(text) }
    }

    @Test("the text of an expression, and the memory it may need, have a limit")
    func limits() throws {
        #expect(try RegularExpression(String(repeating: "a", count: 4096)).matches(String(repeating: "a", count: 4096)))
        #expect(throws: RegularExpression.Mistake.tooLong) { try RegularExpression(String(repeating: "a", count: 4097)) }
        #expect(throws: RegularExpression.Mistake.self) { try RegularExpression(#"(\pL{500}|\pN{500}){2}"#) }
    }

    @Test(
        "expressions that make others backtrack for ever take time linear in the text",
        arguments: ["(a+)+$", "(a|aa)+", "(a|a?)+", "(.*a){20}", "([a-zA-Z]+)*"])
    func linearTime(text: String) throws {
        let expression = try RegularExpression(text)
        let value = String(repeating: "a", count: 60 * 1024) + "!"
        let began = ContinuousClock.now
        for _ in 0..<10 { #expect(!expression.matches(value)) }
        // Milliseconds; backtracking would not end within the life of the machine.
        #expect(ContinuousClock.now - began < .seconds(10))
    }

    @Test(
        "it is known what all that match begin with, and whether a path can",
        arguments: [
            ("^/u/([^/]+)$", "/u/", true), ("/u/.*", "/u/", true), (".*/u", "", true), ("u/.*", "u/", false),
            ("(/a|/b)/c", "/", true), ("[a-z]+", "", false), ("", "", false), ("(?i)/abc", "/", true), ("/?a", "", true),
            ("^$", "", false), ("[^/].*", "", true),
        ])
    func ranges(text: String, prefix: String, isPath: Bool) throws {
        let expression = try RegularExpression(text)
        #expect(expression.commonPrefix == prefix)
        #expect(expression.mayMatch(beginningWith: "/") == isPath)
    }

    @Test("whatever matches begins as is said, and was held possible", arguments: 0..<20)
    func rangesAgainstMatches(round: UInt64) {
        var generator = RandomGenerator(seed: round)
        let pieces = [
            "a", "b", "/", "(a|b)", "a*", "b+", "/?", "(?i)a", "[ab/]", ".", "^", "$", "(a|)", #"\b"#, "(/ab|/a)", "a{2}", "|",
            "(?s).*",
        ]
        let letters = ["a", "b", "/", "A", "é", "è", "\n"]
        for _ in 0..<200 {
            let text = (0..<Int.random(in: 1...6, using: &generator)).map { _ in pieces.randomElement(using: &generator)! }.joined()
            guard let expression = try? RegularExpression(text) else { continue }
            for _ in 0..<50 {
                let count = Int.random(in: 0...5, using: &generator)
                let value = (0..<count).map { _ in letters.randomElement(using: &generator)! }.joined()
                guard expression.matches(value) else { continue }
                #expect(value.utf8.starts(with: expression.commonPrefix.utf8), "\(text) and \(value)")
                #expect(value.first.map { expression.mayMatch(beginningWith: String($0)) } != false, "\(text) and \(value)")
            }
        }
    }

    @Test("expressions of one text are equal")
    func equality() throws {
        #expect(try RegularExpression("a+") == RegularExpression("a+"))
        #expect(try RegularExpression("a+") != RegularExpression("a"))
        #expect(try Set([RegularExpression("a"), RegularExpression("a"), RegularExpression("b")]).count == 2)
    }

    @Test("ten thousand expressions are made and freed")
    func lifetimes() throws {
        for index in 0..<10_000 { #expect(try RegularExpression("/\(index)/[a-z]+").matches("/\(index)/x")) }
    }

    @Test(
        "how many groups it has, named ones too and others not",
        arguments: [("a", 0), ("(a)(b)", 2), ("(?:a)(?P<n>b)", 1), ("((a)|(b))*", 3), ("[(]\\(", 0)])
    func groups(text: String, count: Int) throws {
        #expect(try RegularExpression(text).groupCount == count)
    }
}
