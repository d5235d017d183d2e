internal import Config
internal import Matching

extension Grammar where Value == ValueMatch {
    /// The one grammar of what is asked of a value: a text, `"*"`, a list of which any will do, or a mapping with one test.
    ///
    /// - Parameters:
    ///   - expected: what follows "expected" for a text that cannot be such a value.
    ///   - isValue: whether a text can.
    static func valueMatch(_ expected: String, isValue: @escaping (String) -> Bool) -> Grammar {
        let text = Grammar<String>(expected: expected) { (text: String) in isValue(text) ? .value(text) : .mismatch }
        let one = Grammar<ValueMatch.Test>.test(text)
        return Grammar(expected: one.expected) { node, reader, expected in
            guard let elements = node.elements else { return one.read(node, reader).map { ValueMatch($0) } }
            guard !elements.isEmpty else {
                reader.reportMismatch(node, expected: expected)
                return nil
            }
            let tests = elements.compactMap { one.read($0, reader) }
            return tests.count == elements.count ? ValueMatch(anyOf: tests) : nil
        }
    }
}

extension Grammar where Value == ValueMatch.Test {
    fileprivate static func test(_ text: Grammar<String>) -> Grammar {
        Grammar(expected: "a value, \"*\" for any, a list of them, or a mapping with \(alternatives)") { node, reader, expected in
            if node.entries?.isEmpty == false {
                return reader.section(node, expected: expected) { Self.read($0, text) }
            }
            guard let scalar = node.scalar, !scalar.isAbsent, scalar.isBroken || !scalar.text.isEmpty else {
                reader.reportMismatch(node, expected: expected)
                return nil
            }
            return text.read(node, reader).map { $0 == "*" ? .present : .exact($0) }
        }
    }

    private static var alternatives: String { "exact, prefix, suffix, regex or present" }

    private static func read(_ section: Section, _ text: Grammar<String>) -> ValueMatch.Test? {
        let filled = Grammar<String>(expected: text.expected) { node, reader, _ in
            if let scalar = node.scalar, !scalar.isBroken, scalar.text.isEmpty {
                reader.reportMismatch(node, expected: "a text; { present: true } for any value")
                return nil
            }
            return text.read(node, reader)
        }
        let written = ["exact", "prefix", "suffix", "regex", "present"].filter { section.has($0) }
        guard let key = written.first else { return nil }
        for other in written.dropFirst() { section.exclude(key, with: other) }
        guard written.count == 1 else { return nil }
        switch key {
        case "exact": return section.optional(key, text).map { .exact($0) }
        case "prefix": return section.optional(key, filled).map { .prefix($0) }
        case "suffix": return section.optional(key, filled).map { .suffix($0) }
        case "regex": return section.optional(key, .regularExpression).map { .regex($0) }
        default: return section.optional(key, .boolean).map { $0 ? .present : .absent }
        }
    }
}

extension Grammar where Value == RegularExpression {
    fileprivate static var regularExpression: Grammar {
        Grammar(expected: "a regular expression such as ^v[0-9]+$") { (text: String) in
            guard !text.isEmpty else { return .mismatch }
            do throws(RegularExpression.Mistake) {
                return .value(try RegularExpression(text))
            } catch {
                return .expected(error.expected)
            }
        }
    }
}
