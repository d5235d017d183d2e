import Testing

@testable import Matching

@Suite struct ValueMatchTests {
    static func matches(_ match: ValueMatch, _ value: String) -> Bool {
        let matcher = ValueMatcher(match)
        return withExtendedLifetime(matcher) {
            Array(value.utf8).withUnsafeBytes { matcher.tests.matches($0) }
        }
    }

    static func range(_ minimum: Int64?, _ maximum: Int64?) -> ValueMatch {
        ValueMatch(.range(NumberRange(minimum: minimum, maximum: maximum)))
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
            (
                range(3, nil), ["3", "4", "03", "3.5", "99999999999999999999999", "3.0"],
                ["2", "2.999", "-4", "", "3e1", "a", "3.", "+4", ".5"]
            ),
            (
                range(nil, 3), ["3", "-9", "2.9", "3.0", "-99999999999999999999999"],
                ["4", "3.1", "99999999999999999999999", "-", ""]
            ),
            (range(-1, 0), ["-1", "-0.5", "0", "-0", "0.0"], ["-1.5", "-2", "0.5", "1", "0x0", " 0"]),
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

    @Test("a file lists values, one a line; spaces at the ends of lines, empty lines and comments say nothing")
    func lists() throws {
        let list = try #require(ValueList(Array("# revoked\n b \r\n\na\n#c\nlonger than a\n\t\nd # no comment".utf8)))
        #expect(list.count == 4)
        let matcher = ValueMatcher(ValueMatch(anyOf: [.file("l"), .exact("x")]), files: ["l": list])
        func matches(_ value: String) -> Bool { Array(value.utf8).withUnsafeBytes { matcher.tests.matches($0) } }
        for value in ["a", "b", "longer than a", "d # no comment", "x"] { #expect(matches(value), "\(value)") }
        for value in ["", " b", "b ", "c", "#c", "longer", "longer than ab", "# revoked", "d"] {
            #expect(!matches(value), "\(value)")
        }
    }

    @Test("of a file that is not there no value is listed, and a list has a limit")
    func listLimits() {
        #expect(!Self.matches(ValueMatch(.file("l")), ""))
        #expect(ValueList([UInt8](repeating: 0x61, count: ValueList.bytesMax))?.count == 1)
        #expect(ValueList([UInt8](repeating: 0x61, count: ValueList.bytesMax + 1)) == nil)
        #expect(ValueList([])?.count == 0)
    }

    @Test("ten thousand values are found, and what lies between them is not")
    func longLists() throws {
        let list = try #require(ValueList(Array((0..<10_000).map { "v\($0 * 2)\n" }.shuffled().joined().utf8)))
        let matcher = ValueMatcher(ValueMatch(.file("l")), files: ["l": list])
        for index in 0..<20_000 {
            #expect(Array("v\(index)".utf8).withUnsafeBytes { matcher.tests.matches($0) } == (index % 2 == 0), "\(index)")
        }
    }

    @Test("a range covers narrower ones, and texts that are numbers in it")
    func rangeCovers() {
        #expect(Self.range(1, nil).covers(Self.range(1, 5)) && Self.range(nil, nil).covers(Self.range(1, 5)))
        #expect(!Self.range(1, 5).covers(Self.range(1, nil)) && !Self.range(2, nil).covers(Self.range(1, 5)))
        #expect(Self.range(1, 5).covers(.exact("3")) && !Self.range(1, 5).covers(.exact("6")))
        #expect(ValueMatch(.file("a")).covers(ValueMatch(.file("a"))) && !ValueMatch(.file("a")).covers(ValueMatch(.file("b"))))
        #expect(ValueMatch.present.covers(Self.range(1, 5)) && ValueMatch.present.covers(ValueMatch(.file("a"))))
    }
}
