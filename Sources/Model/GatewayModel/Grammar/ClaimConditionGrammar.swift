internal import AccessControl
internal import Config
internal import JOSE
internal import Matching

extension Grammar where Value == [AccessRule] {
    /// `{ role: admin, realm.tier: [gold, silver] }`, or for claims whose names hold dots themselves a list of mappings, each with a
    /// path and what is asked of it.
    static var claimConditions: Grammar {
        let expected = "a mapping of claims to values, such as { role: admin }"
        let text = Grammar<String>.text("the claim's value, or \"*\" for any")
        let value = Grammar<ValueMatch>.valueMatch(text.expected) { !$0.isEmpty }
        return Grammar(expected: expected) { node, reader, expected in
            if let elements = node.elements {
                return Grammar.list(of: .claimCondition(text)).read(node, reader).flatMap { $0.count == elements.count ? $0 : nil }
            }
            guard let entries = node.entries, !entries.isEmpty else {
                reader.reportMismatch(node, expected: expected)
                return nil
            }
            let conditions = entries.compactMap { entry -> AccessRule? in
                guard let path = ClaimText.path(entry.key.value) else {
                    reader.report(
                        "found \(Quoted.text(entry.key.value)), expected a claim such as role or realm.role; "
                            + "for other names write a list: [{ path: [NAME], exact: VALUE }]",
                        at: entry.key.place)
                    return nil
                }
                if let inner = entry.value.entries?.first?.key, entry.value.entries?.allSatisfy({ !$0.isTest }) == true {
                    reader.report(
                        "found a mapping with \(Quoted.text(inner.value)), expected one with \(ValueMatch.Test.alternatives); "
                            + "of a claim inside another write \(entry.key.value).\(inner.value)",
                        at: entry.value.place)
                    return nil
                }
                return value.read(entry.value, reader).map { .claim(path: path.names, value: $0) }
            }
            return conditions.count == entries.count ? conditions : nil
        }
    }
}

extension Grammar where Value == AccessRule {
    fileprivate static func claimCondition(_ text: Grammar<String>) -> Grammar {
        .section(expected: "a mapping with path and \(ValueMatch.Test.alternatives)") { section in
            let path = section.required("path", .claimPath)
            if section.has("is") {
                section.report("found \"is\", expected \"exact\" in its place", about: "is")
                return nil
            }
            guard let test = ValueMatch.Test(in: section, exact: text, part: text) else {
                if !ValueMatch.Test.keys.contains(where: { section.has($0) }), !section.hasUnknownKeys {
                    section.report("found no value to compare with, expected \(ValueMatch.Test.alternatives)")
                }
                return nil
            }
            return path.map { .claim(path: $0.names, value: ValueMatch(test)) }
        }
    }
}

extension Node.Entry {
    /// Its key is a test of a value, or meant to be one.
    fileprivate var isTest: Bool {
        ValueMatch.Test.keys.contains(key.value) || Spelling.nearest(to: key.value, among: ValueMatch.Test.keys) != nil
    }
}
