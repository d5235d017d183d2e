internal import Config
internal import HTTPModel
internal import Matching
internal import Routing

extension RouteMatch {
    /// Reads `authority`, `service`, `path` or `prefix`, `http_method`, `headers` and `query`; `nil` where one of them is wrong.
    init?(in section: Section) {
        let authority = section.optional("authority", .matching(Authority.init))
        let service = section.optional("service", .matching(Target.init(service:), like: .notAService))
        let path = section.optional("path", .path)
        let prefix = section.optional("prefix", .matching(Target.init(prefix:), like: .notAPrefix))
        let httpMethods = section.optional("http_method", .httpMethods)
        let headers = section.optional("headers", .headers)
        let query = section.optional("query", .query)
        section.exclude("service", with: "path")
        section.exclude("service", with: "prefix")
        section.exclude("path", with: "prefix")
        // What was written and could not be read would make the route take more than it should.
        guard (authority != nil) == section.has("authority"), (service != nil) == section.has("service"),
            (path != nil) == section.has("path"), (prefix != nil) == section.has("prefix"),
            (httpMethods != nil) == section.has("http_method"), (headers != nil) == section.has("headers"),
            (query != nil) == section.has("query")
        else { return nil }
        self.init(
            authority: authority ?? .any, target: service ?? path ?? prefix ?? .any, httpMethods: httpMethods ?? [],
            headers: headers ?? [], query: query ?? [])
    }
}

extension Grammar {
    fileprivate static func matching(
        _ parse: @escaping (String) throws(RouteMatch.Mistake) -> Value, like: RouteMatch.Mistake = .notAnAuthority
    ) -> Grammar {
        Grammar(expected: like.expected) { (text: String) in
            do throws(RouteMatch.Mistake) {
                return .value(try parse(text))
            } catch {
                return .expected(error.expected)
            }
        }
    }
}

extension Grammar where Value == RouteMatch.Target {
    /// A text, or a mapping with a regular expression.
    fileprivate static var path: Grammar {
        let text = Grammar.matching(RouteMatch.Target.init(path:), like: .notAPath)
        let expression = Grammar.matching(RouteMatch.Target.init(pathRegex:), like: .regexMatchesNoPath)
        return Grammar(expected: "\(text.expected), or { regex: … }") { node, reader, expected in
            guard node.entries?.isEmpty == false else {
                return text.expecting(node.scalar == nil ? expected : text.expected).read(node, reader)
            }
            return reader.section(node, expected: expected) { $0.required("regex", expression) }
        }
    }
}

extension Grammar where Value == [String] {
    /// One or several methods, each once.
    fileprivate static var httpMethods: Grammar {
        let method = Grammar<String>(expected: "an HTTP method such as GET") { (text: String) in
            if text == "CONNECT" { return .expected("another method: CONNECT is always refused") }
            guard !text.isEmpty, text.utf8.allSatisfy(HTTPGrammar.isToken), text != "*" else { return .mismatch }
            guard text == text.uppercased() else { return .mismatch(hint: "; methods are case-sensitive: \(text.uppercased())") }
            return .value(text)
        }
        let located = Grammar<[Located<String>]>.list(of: .located(method)).expecting(
            "an HTTP method such as GET, or a list of them")
        return Grammar(expected: located.expected) { node, reader, expected in
            guard let methods = located.read(node, reader) else { return nil }
            var kept: [String] = []
            for method in methods {
                if kept.contains(method.value) {
                    reader.report("found \(Quoted.text(method.value)) twice, expected each method once", at: method.place)
                } else {
                    kept.append(method.value)
                }
            }
            return kept.count == node.elements?.count ?? 1 ? kept : nil
        }
    }
}

extension Grammar where Value == [FieldMatch] {
    /// Header names, each with what is asked of it. All of them.
    fileprivate static var headers: Grammar {
        let value = Grammar<ValueMatch>.valueMatch(
            "visible ASCII without spaces at its ends, or \"*\" for any value", isValue: HeaderCondition.isValue)
        let expected = "a mapping of header names to values, such as { x-version: \"2\" }; \"*\" for any value"
        return fields(expected, "header") { entry, reader in
            do throws(HeaderCondition.Mistake) {
                let name = try HeaderCondition.name(entry.key.value)
                return value.read(entry.value, reader).flatMap { try? FieldMatch(header: name, $0) }
            } catch {
                reader.report("found \(Quoted.text(entry.key.value)), expected \(error.expected)", at: entry.key.place)
                return nil
            }
        }
    }

    /// Names of query parameters, decoded, likewise.
    fileprivate static var query: Grammar {
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
