import Testing

@testable import Matching

@Suite struct ValueMatchTests {
    static func matches(_ match: ValueMatch, _ value: String) -> Bool {
        let matcher = ValueMatcher(match)
        return withExtendedLifetime(matcher) {
            Array(value.utf8).withUnsafeBytes { matcher.tests.matches($0) }
        }
    }

    static func regex(_ text: String) -> ValueMatch { ValueMatch(.regex(try! RegularExpression(text))) }

    @Test(
        "each test takes the values it says",
        arguments: [
            (ValueMatch.present, ["", "a"], []),
            (.exact("2"), ["2"], ["", "22", "3"]),
            (.exact(""), [""], ["a"]),
            (ValueMatch(.prefix("v1.")), ["v1.", "v1.2"], ["v1", "", "xv1."]),
            (ValueMatch(.suffix(".dev")), [".dev", "a.dev"], ["dev", "", "a.devx"]),
            (regex("[0-9]+"), ["1", "12"], ["", "1x", "x1"]),
            (ValueMatch(.absent), [], ["", "a"]),
            (ValueMatch(anyOf: [.exact("a"), .prefix("b")]), ["a", "b", "bc"], ["", "c", "ab"]),
            (.exact("é"), ["é"], ["e\u{301}"]),
        ] as [(ValueMatch, [String], [String])])
    func values(match: ValueMatch, taken: [String], refused: [String]) {
        for value in taken { #expect(Self.matches(match, value), "\(value)") }
        for value in refused { #expect(!Self.matches(match, value), "\(value)") }
    }

    @Test("whether no value, or several, are enough")
    func noValueAndSeveral() {
        func enough(_ match: ValueMatch) -> [Bool] {
            let matcher = ValueMatcher(match)
            return withExtendedLifetime(matcher) { [matcher.tests.takesNone, matcher.tests.takesAny] }
        }
        #expect(enough(.present) == [false, true])
        #expect(enough(ValueMatch(.absent)) == [true, false])
        #expect(enough(ValueMatch(anyOf: [.absent, .exact("a")])) == [true, false])
        #expect(enough(.exact("a")) == [false, false])
    }

    @Test("of a list each test stays once, and none beside one that any value meets")
    func canonical() {
        #expect(ValueMatch(anyOf: [.exact("a"), .exact("a")]) == .exact("a"))
        #expect(ValueMatch(anyOf: [.exact("a"), .present]) == .present)
        #expect(ValueMatch(anyOf: [.absent, .present]).tests == [.absent, .present])
    }

    @Test(
        "a wider match covers a narrower one",
        arguments: [
            (.present, .exact("a")), (.present, .present), (.present, regex("a")), (ValueMatch(.prefix("a")), .exact("ab")),
            (ValueMatch(.prefix("a")), ValueMatch(.prefix("ab"))), (ValueMatch(.suffix("b")), .exact("ab")),
            (ValueMatch(.suffix("b")), ValueMatch(.suffix("ab"))), (regex("a+"), .exact("aa")), (regex("a+"), regex("a+")),
            (ValueMatch(anyOf: [.exact("a"), .exact("b")]), .exact("b")),
            (ValueMatch(anyOf: [.exact("a"), .prefix("b")]), ValueMatch(anyOf: [.exact("bc"), .exact("a")])),
            (ValueMatch(.prefix("v1")), regex("v1[0-9]")), (ValueMatch(.absent), ValueMatch(.absent)),
        ] as [(ValueMatch, ValueMatch)])
    func covers(wide: ValueMatch, narrow: ValueMatch) { #expect(wide.covers(narrow)) }

    @Test(
        "and no other",
        arguments: [
            (.exact("a"), .present), (.exact("a"), .exact("b")), (.present, ValueMatch(.absent)),
            (ValueMatch(.prefix("ab")), ValueMatch(.prefix("a"))), (ValueMatch(.suffix("ab")), .exact("b")),
            (regex("a+"), regex("a")), (regex("a+"), .exact("b")), (ValueMatch(.prefix("a")), ValueMatch(.suffix("a"))),
            (.exact("a"), ValueMatch(anyOf: [.exact("a"), .exact("b")])), (ValueMatch(.absent), .present),
        ] as [(ValueMatch, ValueMatch)])
    func doesNotCover(wide: ValueMatch, narrow: ValueMatch) { #expect(!wide.covers(narrow)) }
}
