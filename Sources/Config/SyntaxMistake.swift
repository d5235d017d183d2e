internal import Yams

/// Says in our words where and why YAML stopped.
enum SyntaxMistake {
    static func issue(for error: any Error, in text: String, file: String) -> Issue {
        guard let error = error as? YamlError else {
            return Issue(at: Place(file: file, line: 1, column: 1), "not YAML: \(error)")
        }
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let lines = [mark.line, context?.mark.line].compactMap { $0 }
            let words = [problem, context.map { "\($0.text), begun at \($0.mark.line):\($0.mark.column)" }]
                .compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: " ")
            return Issue(
                at: Place(file: file, line: mark.line, column: mark.column),
                "not YAML: \(words)\(quotingHint(lines: lines, in: text))")
        case .duplicatedKeysInMapping(let keys, let context):
            return Issue(
                at: Place(file: file, line: context.mark.line, column: context.mark.column),
                "the key \(Quoted.text(keys.first ?? "")) is given twice, here and further down")
        case .reader(let problem, let offset, _, let yaml):
            let place = offset.map { position(of: $0, in: yaml) } ?? (1, 1)
            return Issue(at: Place(file: file, line: place.0, column: place.1), "not YAML: \(problem)")
        default:
            return Issue(at: Place(file: file, line: 1, column: 1), "not YAML: \(error)")
        }
    }

    /// Most syntax errors here are text that begins like a YAML list, alias or tag; says which text to quote.
    private static func quotingHint(lines numbers: [Int], in text: String) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        for number in numbers where number >= 1 && number <= lines.count {
            if let word = wordToQuote(in: String(lines[number - 1])) { return "; quote it: \"\(word)\"" }
        }
        return ""
    }

    /// A bare `[v6]:port`, or a bare word that begins with a character YAML keeps for itself.
    static func wordToQuote(in line: String) -> String? {
        if let bracketed = bareBracketedAddress(in: line) { return bracketed }
        for word in line.split(whereSeparator: { " ,{}\t\r".contains($0) }) {
            let bare = word.drop { $0 == "[" }.prefix { $0 != "]" }
            if let first = bare.first, "*&!%@`".contains(first) { return String(bare) }
        }
        return nil
    }

    private static func bareBracketedAddress(in line: String) -> String? {
        var search = line[...]
        while let open = search.firstIndex(of: "[") {
            let rest = search[search.index(after: open)...]
            let inside = rest.prefix { $0.isHexDigit || $0 == ":" || $0 == "." }
            let behind = rest[inside.endIndex...]
            if inside.contains(":"), behind.hasPrefix("]:"), line[..<open].last.map({ !"\"'".contains($0) }) ?? true {
                let port = behind.dropFirst(2).prefix { $0.isNumber }
                return "[\(inside)]:\(port)"
            }
            search = rest
        }
        return nil
    }

    private static func position(of offset: Int, in text: String) -> (line: Int, column: Int) {
        let before = text.prefix(offset)
        let line = before.count { $0 == "\n" } + 1
        let column = before.split(separator: "\n", omittingEmptySubsequences: false).last?.unicodeScalars.count ?? 0
        return (line, column + 1)
    }
}
