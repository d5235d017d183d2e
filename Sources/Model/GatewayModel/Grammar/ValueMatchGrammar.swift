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
        return valueMatch(exact: text, part: text, bare: text.map { $0 == "*" ? .present : .exact($0) })
    }

    /// - Parameters:
    ///   - exact: of a mapping.
    ///   - part: what stands behind `prefix` and `suffix`, which is not empty.
    ///   - bare: what stands alone.
    static func valueMatch(exact: Grammar<String>, part: Grammar<String>, bare: Grammar<ValueMatch.Test>) -> Grammar {
        let one = Grammar<ValueMatch.Test>.test(exact, part, bare)
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
    fileprivate static func test(_ exact: Grammar<String>, _ part: Grammar<String>, _ bare: Grammar<ValueMatch.Test>) -> Grammar {
        let expected = "a value, \"*\" for any, a list of them, or a mapping with \(ValueMatch.Test.alternatives)"
        return Grammar(expected: expected) { node, reader, expected in
            if node.entries?.isEmpty == false {
                return reader.section(node, expected: expected) { ValueMatch.Test(in: $0, exact: exact, part: part) }
            }
            guard let scalar = node.scalar, !scalar.isAbsent, scalar.isBroken || !scalar.text.isEmpty else {
                reader.reportMismatch(node, expected: expected)
                return nil
            }
            return bare.read(node, reader)
        }
    }
}

extension ValueMatch.Test {
    static var alternatives: String { Quoted.alternatives(keys) }

    static let keys = ["exact", "prefix", "suffix", "regex", "present", "file", "minimum", "maximum"]

    /// Reads the test of a mapping; `nil` where there is none, or none that is right.
    init?(in section: Section, exact: Grammar<String>, part: Grammar<String>) {
        let written = Self.keys.filter { section.has($0) }
        guard let key = written.first else { return nil }
        let mayFollow = key == "minimum" ? ["maximum"] : []
        let excess = written.dropFirst().filter { !mayFollow.contains($0) }
        for other in excess { section.exclude(key, with: other) }
        guard excess.isEmpty, let test = Self.read(section, key, exact: exact, part: part) else { return nil }
        self = test
    }

    private static func read(
        _ section: Section, _ key: String, exact: Grammar<String>, part: Grammar<String>
    ) -> ValueMatch.Test? {
        let filled = Grammar<String>(expected: part.expected) { node, reader, _ in
            if let scalar = node.scalar, !scalar.isBroken, scalar.text.isEmpty {
                reader.reportMismatch(node, expected: "a text; { present: true } for any value")
                return nil
            }
            return part.read(node, reader)
        }
        switch key {
        case "exact": return section.optional(key, exact).map { .exact($0) }
        case "prefix": return section.optional(key, filled).map { .prefix($0) }
        case "suffix": return section.optional(key, filled).map { .suffix($0) }
        case "regex": return section.optional(key, .regularExpression).map { .regex($0) }
        case "file": return section.optional(key, .path("a file with a value on each line")).map { .file($0) }
        case "minimum", "maximum": return range(section)
        default: return section.optional(key, .boolean).map { $0 ? .present : .absent }
        }
    }

    private static func range(_ section: Section) -> ValueMatch.Test? {
        let minimum = section.optional("minimum", .bound)
        let maximum = section.optional("maximum", .bound)
        guard (minimum != nil) == section.has("minimum"), (maximum != nil) == section.has("maximum") else { return nil }
        if let minimum, let maximum, minimum > maximum {
            section.report("found \(maximum), expected at least the minimum of \(minimum)", about: "maximum")
            return nil
        }
        return .range(NumberRange(minimum: minimum, maximum: maximum))
    }
}

extension Grammar where Value == Int64 {
    fileprivate static var bound: Grammar {
        Grammar(expected: "a whole number of at most 2^53, such as 18 or -1") { (text: String) in Reading(NumberRange.bound(text)) }
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
