internal import Yams

/// Says in our words where and why YAML stopped.
enum SyntaxMistake {
    static func issue(for error: any Error, in text: String, file: String) -> Issue {
        guard let error = error as? YamlError else {
            return Issue(at: Place(file: file, line: 1, column: 1), "not YAML: \(error)")
        }
        if let plain = plainWords(for: error, in: text) {
            return Issue(at: Place(file: file, line: plain.mark.line, column: plain.mark.column), plain.message)
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

    /// What the library says so that only those who know it understand.
    private static func plainWords(for error: YamlError, in text: String) -> (mark: Mark, message: String)? {
        switch error {
        case .parser(_, let problem, let mark, _) where problem.hasPrefix("Maximum nesting level reached"):
            return (mark, "found more than \(Document.depthMax) levels of nesting")
        case .parser(_, "did not find expected <document start>", let mark, _):
            return (
                mark,
                "not YAML: found text after the end of the configuration, expected no more, or the indentation of its first line"
            )
        case .composer(_, "but found another document", let mark, _):
            return (mark, "found a second document, expected one")
        case .composer(_, "found undefined alias", let mark, _):
            return (mark, undefinedAlias(at: mark, in: text))
        default: return nil
        }
    }

    /// An anchor is known only behind what it names, so one that stands before names what the alias is in.
    private static func undefinedAlias(at mark: Mark, in text: String) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard mark.line <= lines.count else { return "found an alias to nothing" }
        let line = lines[mark.line - 1].unicodeScalars
        let alias = line.dropFirst(mark.column - 1).prefix { !" ,[]{}\t\r".unicodeScalars.contains($0) }
        let name = String(alias.dropFirst())
        var before = lines[..<(mark.line - 1)].map(String.init)
        before.append(String(line.prefix(mark.column - 1)))
        let words = before.flatMap { $0.split { " ,[]{}\t\r".contains($0) } }
        return words.contains("&\(name)")
            ? "found \(Quoted.text(String(alias))) inside of what &\(name) names, expected it elsewhere: nothing can hold itself"
            : "found \(Quoted.text(String(alias))), but nothing before it is named &\(name); if it is meant as text, quote it"
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
