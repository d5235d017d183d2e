import RateLimit
import Testing

@testable import RateLimitService

struct RuleTreeTests {
    /// The number of requests of the rule for `entries`; `nil` for none.
    private func found(_ descriptors: [LimitDescriptor], _ entries: [(String, String)]) -> UInt32? {
        let tree = RuleTree(
            [domain("d", descriptors), domain("other", [rule("k", nil, limit(999))])],
            counters: CounterRegistry())
        let texts = entries.map { (Array($0.0.utf8), Array($0.1.utf8)) }
        var query: [LimitQuery.Entry] = []
        var buffers: [UnsafeMutableRawBufferPointer] = []
        defer { buffers.forEach { $0.deallocate() } }
        func keep(_ bytes: [UInt8]) -> UnsafeRawBufferPointer {
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, bytes.count), alignment: 1)
            buffer.copyBytes(from: bytes)
            buffers.append(buffer)
            return UnsafeRawBufferPointer(rebasing: buffer[..<bytes.count])
        }
        for (key, value) in texts { query.append(LimitQuery.Entry(key: keep(key), value: keep(value))) }
        let level = tree.level(ofDomain: tree.number(ofDomain: keep(Array("d".utf8))))
        let rule = tree.rule(from: level, query[...])
        return rule < 0 ? nil : tree.rules[rule].requests
    }

    private let tree = [
        rule("user", nil, limit(1)),
        rule("user", "anna", limit(2)),
        rule("user", "an*", limit(3)),
        rule("user", "*na", limit(4)),
        rule("plan", "free", nil, [rule("path", nil, limit(5)), rule("path", "/x/*", limit(6))]),
        rule("plan", nil, limit(7)),
        rule("deep", nil, limit(8), [rule("deeper", nil, nil, [rule("deepest", "", limit(9))])]),
    ]

    @Test(
        "exact before pattern as written before the key alone",
        arguments: [("anna", 2), ("anne", 3), ("lena", 4), ("bob", 1), ("", 1), ("an", 3)] as [(String, UInt32)])
    func order(value: String, requests: UInt32) {
        #expect(found(tree, [("user", value)]) == requests)
    }

    @Test("a rule applies only at exactly the descriptor's depth")
    func depth() {
        #expect(found(tree, [("plan", "free"), ("path", "/x/1")]) == 6)
        #expect(found(tree, [("plan", "free"), ("path", "/y")]) == 5)
        #expect(found(tree, [("deep", "1")]) == 8)
        #expect(found(tree, [("deep", "1"), ("deeper", "2")]) == nil)
        #expect(found(tree, [("user", "bob"), ("path", "/y")]) == nil)
        #expect(found(tree, [("path", "/y")]) == nil)
        #expect(found(tree, []) == nil)
    }

    @Test("there is no way back from a rule that was found and leads nowhere")
    func greedy() {
        // plan=free has no limit of its own, although plan has.
        #expect(found(tree, [("plan", "free")]) == nil)
        #expect(found(tree, [("plan", "pro")]) == 7)
        #expect(found(tree, [("plan", "pro"), ("path", "/y")]) == nil)
    }

    @Test("key and value are told apart wherever one ends and the other begins")
    func boundaries() {
        let tree = [rule("a_b", "c", limit(1)), rule("a", "b_c", limit(2)), rule("ab", nil, limit(3))]
        #expect(found(tree, [("a_b", "c")]) == 1)
        #expect(found(tree, [("a", "b_c")]) == 2)
        #expect(found(tree, [("a", "b")]) == nil)
        #expect(found(tree, [("ab", "c")]) == 3)
    }

    @Test("a level of many rules finds each of them")
    func many() {
        let tree = (0..<500).map { rule("k\($0 % 7)", "v\($0)", limit(UInt32($0))) }
        for number in 0..<500 { #expect(found(tree, [("k\(number % 7)", "v\(number)")]) == UInt32(number)) }
        #expect(found(tree, [("k0", "v1")]) == nil)
    }

    @Test(
        "an asterisk stands for any text, none included, and several may",
        arguments: [
            ("*", "", true), ("*", "x", true), ("a*", "a", true), ("a*", "ba", false), ("*a", "ba", true),
            ("a*a", "a", false), ("a*a", "aa", true), ("a*b*c", "aXbYc", true), ("a*b*c", "acb", false),
            ("*b*", "abc", true), ("*b*", "ac", false), ("**", "", true), ("a*bc*bc", "abcbc", true),
            ("a*bc*bc", "abc", false), ("*aab", "aaab", true), ("*ab*ab*", "abab", true), ("*ab*ab*", "aba", false),
        ])
    func patterns(pattern: String, text: String, fits: Bool) throws {
        let pattern = try #require(WildcardPattern(Array(pattern.utf8)))
        #expect(Array(text.utf8).withUnsafeBytes { pattern.matches($0) } == fits)
    }

    @Test("a value without an asterisk is no pattern")
    func noPattern() { #expect(WildcardPattern(Array("abc".utf8)) == nil) }
}
