internal import Config
internal import HTTPModel
internal import Matching

extension Grammar where Value == [FieldMatch] {
    /// Header names, each with what is asked of it. All of them.
    static var headerMatches: Grammar {
        let value = Grammar<ValueMatch>.valueMatch(
            "visible ASCII without spaces at its ends, or \"*\" for any value", isValue: FieldMatch.isHeaderValue)
        let expected = "a mapping of header names to values, such as { x-version: \"2\" }; \"*\" for any value"
        return fields(expected, "header") { entry, reader in
            do throws(FieldMatch.Mistake) {
                let name = try FieldMatch.headerName(entry.key.value)
                return value.read(entry.value, reader).flatMap { try? FieldMatch(header: name, $0) }
            } catch {
                reader.report("found \(Quoted.text(entry.key.value)), expected \(error.expected)", at: entry.key.place)
                return nil
            }
        }
    }

    /// Names of query parameters, decoded, likewise.
    static var parameterMatches: Grammar {
        let value = Grammar<ValueMatch>.valueMatch("a value, or \"*\" for any", isValue: { _ in true })
        let expected = "a mapping of query parameters to values, such as { debug: \"1\" }; \"*\" for any value"
        return fields(expected, "parameter") { entry, reader in
            guard !entry.key.value.isEmpty else {
                reader.report("found an empty name, expected a parameter's", at: entry.key.place)
                return nil
            }
            return value.read(entry.value, reader).map { FieldMatch(parameter: entry.key.value, $0) }
        }
    }

    private static func fields(
        _ expected: String, _ what: String, _ read: @escaping (Node.Entry, Reader) -> FieldMatch?
    ) -> Grammar {
        Grammar(expected: expected) { node, reader, expected in
            guard let entries = node.entries, !entries.isEmpty else {
                reader.reportMismatch(node, expected: expected)
                return nil
            }
            var matches: [FieldMatch] = []
            for entry in entries {
                guard let match = read(entry, reader) else { continue }
                if matches.contains(where: { $0.name == match.name }) {
                    reader.report("found \(Quoted.text(match.name)) twice, expected each \(what) once", at: entry.key.place)
                } else {
                    matches.append(match)
                }
            }
            return matches.count == entries.count ? matches : nil
        }
    }
}
