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
        let headers = section.optional("headers", .headerMatches)
        let query = section.optional("query", .parameterMatches)
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
