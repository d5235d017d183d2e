internal import Config
internal import HTTPModel

extension Grammar where Value == NameList {
    /// A list of names, each whole or the beginning of names, as `x-*`.
    ///
    /// - Parameters:
    ///   - areHeaders: they are compared in lower case.
    ///   - problem: what was expected instead of a name, without its `*`; `nil` where it can be one.
    static func names(areHeaders: Bool = true, problem: @escaping (String) -> String?) -> Grammar {
        let example = areHeaders ? "accept or x-*" : "page or utm_*"
        let name = Grammar<String>(expected: "a name such as \(example)") { (text: String) in
            let stem = text.last == "*" ? String(text.dropLast()) : text
            if stem.isEmpty, !text.isEmpty {
                return .expected("names, or beginnings of names such as \(example): * alone would be all")
            }
            if stem.contains("*") { return .expected("a * at the end of a name only") }
            return problem(stem).map { .expected($0) } ?? .value(areHeaders ? text.lowercased() : text)
        }
        let names = Grammar<[Located<String>]>.list(of: .located(name), isEmptyAllowed: true)
        return Grammar(expected: names.expected) { node, reader, expected in
            guard let located = names.read(node, reader) else { return nil }
            guard located.count <= NameList.countMax else {
                reader.reportMismatch(node, expected: "at most \(NameList.countMax) names")
                return nil
            }
            var list = NameList()
            for (place, name) in located.enumerated() {
                if let other = located.enumerated().first(where: { $0.offset != place && $0.element.value.takes(name.value) }),
                    other.element.value != name.value || other.offset < place
                {
                    reader.report(
                        other.element.value == name.value
                            ? "found \(Quoted.text(name.value)) twice, expected it once"
                            : "found \(Quoted.text(name.value)) beside \(Quoted.text(other.element.value)), which takes all of it, "
                                + "expected only one of them",
                        at: name.place)
                }
                if name.value.last == "*" {
                    list.prefixes.append(Array(name.value.utf8.dropLast()))
                } else {
                    list.names.append(Array(name.value.utf8))
                }
            }
            return list
        }
    }
}

extension String {
    /// Every name that the other stands for is one of this one's.
    fileprivate func takes(_ other: String) -> Bool {
        guard last == "*" else { return self == other }
        return other.hasPrefix(dropLast())
    }
}

extension Grammar where Value == QueryChanges {
    /// `request_query` of a route.
    static var queryChanges: Grammar {
        .section(expected: "a mapping with only or remove") { section in
            let only = section.optional("only", .names(areHeaders: false, problem: parameterProblem))
            let remove = section.optional("remove", .names(areHeaders: false, problem: parameterProblem))
            section.requireOne(of: ["only", "remove"])
            return QueryChanges(only: only, remove: remove ?? NameList())
        }
    }

    private static func parameterProblem(_ name: String) -> String? {
        if name.isEmpty { return "the name of a parameter" }
        if name.contains(where: { "&=?#".contains($0) }) { return "the name of a parameter alone, such as page" }
        guard let percent = name.firstIndex(of: "%"), name[percent...].dropFirst().prefix(2).count(where: \.isHexDigit) == 2 else {
            return nil
        }
        return "the name as it reads, without percent-encoding: escapes of requests are decoded"
    }
}
