internal import Config
internal import JOSE
internal import LimitRules
internal import RateLimit

extension Grammar where Value == ClaimPath {
    /// `tenant`, `realm.roles` (dots descend), or a list of names for those that hold dots or other signs themselves.
    static var claimPath: Grammar {
        let expected = "a claim such as tenant or realm.tenant, or a list of names such as [\"https://acme.dev/tenant\"]"
        return Grammar(expected: expected) { node, reader, expected in
            if node.elements != nil { return Grammar<[String]>.claimNames.read(node, reader).flatMap(ClaimPath.init(names:)) }
            return Grammar(expected: expected) { (text: String) in Reading(ClaimText.path(text)) }.read(node, reader)
        }
    }

    /// `claim realm.tenant`, or `{ claim: [name, …] }`.
    static var claimSource: Grammar {
        let expected = "claim P, such as claim tenant or claim realm.tenant"
        return Grammar(expected: expected) { node, reader, expected in
            if node.entries != nil { return reader.section(node) { $0.required("claim", .claimPath) } }
            let text = Grammar(expected: expected) { (text: String) in
                let words = text.split(separator: " ")
                return Reading(words.count == 2 && words[0] == "claim" ? ClaimText.path(String(words[1])) : nil)
            }
            return text.read(node, reader)
        }
    }
}

extension Grammar where Value == PlanSource {
    /// A claim, or `header H`, or `{ header: H, from: anyone }` where callers may name their plan themselves.
    static var planSource: Grammar {
        let expected = "claim P or header H, such as claim plan or header x-plan"
        return Grammar(expected: expected) { node, reader, expected in
            if node.entries != nil, !node.has("header") {
                return Grammar<ClaimPath>.claimSource.expecting(expected).read(node, reader).map { .claim($0) }
            }
            if node.entries != nil {
                return reader.section(node) { section in
                    let name = section.required("header", .planHeader)
                    let origin = section.optional("from", .choice) as HeaderOrigin?
                    return name.map { .header($0, isCallers: origin != nil) }
                }
            }
            let text = Grammar(expected: expected) { (text: String) in
                let words = text.split(separator: " ").map(String.init)
                guard words.count == 2 else { return .mismatch }
                switch words[0] {
                case "claim": return Reading(ClaimText.path(words[1]).map { .claim($0) })
                case "header": return Reading(HeaderText.name(words[1]).map { .header($0, isCallers: false) })
                default: return .mismatch
                }
            }
            return text.read(node, reader)
        }
    }
}

/// `from:` of a header that not only trusted peers may set.
private enum HeaderOrigin: String, CaseIterable { case anyone }

extension Grammar where Value == String {
    fileprivate static var planHeader: Grammar {
        Grammar(expected: "the name of a header such as x-plan") { (text: String) in Reading(HeaderText.name(text)) }
    }
}

private enum HeaderText {
    /// In lower case; `nil` where it cannot be a field's name.
    static func name(_ text: String) -> String? {
        guard case .header(let name)? = try? LimitKey(parsing: "header \(text)") else { return nil }
        return name
    }
}

enum ClaimText {
    /// The names between the dots; `nil` where there is more than letters, digits, `_` and `-` in them.
    static func path(_ text: String) -> ClaimPath? {
        let names = text.split(separator: ".", omittingEmptySubsequences: false)
        let areNames = names.allSatisfy { name in
            !name.isEmpty
                && name.utf8.allSatisfy { byte in
                    let lower = byte | 0x20
                    return (0x30...0x39).contains(byte) || (0x61...0x7a).contains(lower) || byte == 0x5f || byte == 0x2d
                }
        }
        return areNames ? ClaimPath(names: names.map(String.init)) : nil
    }
}
