internal import Config
internal import JOSE
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
