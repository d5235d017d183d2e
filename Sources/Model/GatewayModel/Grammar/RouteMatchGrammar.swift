internal import Config
internal import HTTPModel
internal import Matching
internal import Routing

extension RouteMatch {
    /// Reads `listeners`, `authority`, `service`, `path` or `prefix`, `http_method`, `headers` and `query`; `nil` where one of them is wrong.
    init?(in section: Section) {
        let listeners = section.optional("listeners", .several(.text("the name of a listener"), RouteCoverage.redundant))
        let authorities = section.optional("authority", .several(.matching(Authority.init), RouteCoverage.redundant))
        let services = section.optional(
            "service", .several(.matching(Target.init(service:), like: .notAService), RouteCoverage.redundant))
        let paths = section.optional("path", .several(.path, RouteCoverage.redundant))
        let prefixes = section.optional(
            "prefix", .several(.matching(Target.init(prefix:), like: .notAPrefix), RouteCoverage.redundant))
        let httpMethods = section.optional("http_method", .httpMethods)
        let headers = section.optional("headers", .headerMatches)
        let query = section.optional("query", .parameterMatches)
        section.exclude("service", with: "path")
        section.exclude("service", with: "prefix")
        section.exclude("path", with: "prefix")
        // What was written and could not be read would make the route take more than it should.
        guard (listeners != nil) == section.has("listeners"), (authorities != nil) == section.has("authority"),
            (services != nil) == section.has("service"),
            (paths != nil) == section.has("path"), (prefixes != nil) == section.has("prefix"),
            (httpMethods != nil) == section.has("http_method"), (headers != nil) == section.has("headers"),
            (query != nil) == section.has("query")
        else { return nil }
        self.init(
            listeners: listeners ?? [], authorities: authorities ?? [], targets: services ?? paths ?? prefixes ?? [],
            httpMethods: httpMethods ?? [],
            headers: headers ?? [], query: query ?? [])
        if max(self.listeners.count, 1) * self.authorities.count * self.targets.count > Self.keysMax {
            section.report(
                "found more than \(Self.keysMax) combinations of listeners, authorities and services, paths or prefixes, "
                    + "expected several routes")
            return nil
        }
    }

    /// Each is an entry of the table.
    private static var keysMax: Int { 4096 }
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

extension Grammar {
    /// One value, or a list of several, of which none is of no use; `nil` where one of them is wrong.
    fileprivate static func several<Element>(
        _ element: Grammar<Element>, _ redundant: @escaping ([Element]) -> [(element: Int, coveredBy: Int)]
    ) -> Grammar where Value == [Element] {
        let countMax = 512
        return Grammar(expected: "\(element.expected), or a list of these") { node, reader, expected in
            guard let nodes = node.elements else { return element.expecting(expected).read(node, reader).map { [$0] } }
            guard (1...countMax).contains(nodes.count) else {
                let most = "at least one, and at most \(countMax)"
                if nodes.isEmpty {
                    reader.reportMismatch(node, expected: most)
                } else {
                    reader.report("found \(nodes.count), expected \(most)", at: node.place)
                }
                return nil
            }
            let values = nodes.compactMap { element.read($0, reader) }
            guard values.count == nodes.count else { return nil }
            let mistakes = redundant(values)
            for (place, coveredBy) in mistakes {
                let what = nodes[place].text, other = nodes[coveredBy].text
                reader.report(
                    what == other
                        ? "found \(Quoted.text(what)) twice, expected it once"
                        : "found \(Quoted.text(what)) beside \(Quoted.text(other)), which takes all of it, expected only one of them",
                    at: nodes[place].place)
            }
            return mistakes.isEmpty ? values : nil
        }
    }
}

extension Node {
    /// Of a scalar, or of the one in a mapping.
    fileprivate var text: String { scalar?.text ?? entries?.first?.value.scalar?.text ?? "" }
}

extension Grammar where Value == RouteMatch.Target {
    /// A text, or a mapping with a regular expression.
    fileprivate static var path: Grammar {
        let text = Grammar.matching(RouteMatch.Target.init(path:), like: .notAPath)
        let expression = Grammar.matching(RouteMatch.Target.init(pathRegex:), like: .regexMatchesNoPath)
        return Grammar(expected: "\(text.expected), or { regex: … }") { node, reader, expected in
            guard node.entries?.isEmpty == false else {
                let target = text.expecting(node.scalar == nil ? expected : text.expected).read(node, reader)
                if target != nil, let colon = node.scalar?.text.firstRange(of: "/:"), let written = node.scalar?.text {
                    let segment = written[written.index(after: colon.lowerBound)...].prefix { $0 != "/" }
                    reader.report(
                        "takes \(segment) alone, as it is written; for any segment write { regex: … } with [^/]+ in its place",
                        at: node.place, severity: .warning)
                }
                return target
            }
            if let entry = node.entries?.first(where: { $0.key.value == "prefix" }) {
                reader.report("found prefix in path, expected it on the route itself, in place of path", at: entry.key.place)
                return nil
            }
            if let entry = node.entries?.first(where: { $0.key.value == "exact" }) {
                let value = entry.value.scalar?.text ?? "/v1/orders"
                reader.report("found exact in path, expected path: \(value)", at: entry.key.place)
                return nil
            }
            if let entry = node.entries?.first(where: { $0.key.value == "regex" }), entry.value.elements != nil {
                reader.report(
                    "found a list, expected one regular expression; several are a list of paths: path: [{ regex: … }, { regex: … }]",
                    at: entry.value.place)
                return nil
            }
            let target = reader.section(node, expected: expected) { $0.required("regex", expression) }
            if let written = node.entries?.first?.value, let alone = written.scalar?.text.pathTakenAlone, target != nil {
                reader.report(
                    "takes \(Quoted.text(alone)) alone, because an expression is always of the whole path; for all below it too "
                        + "write prefix: \(alone)",
                    at: written.place, severity: .warning)
            }
            return target
        }
    }
}

extension String {
    /// The one path that an expression takes which begins with `^` and has no `$`, as if it were of a path's beginning.
    fileprivate var pathTakenAlone: String? {
        guard hasPrefix("^/"), count > 2, !dropFirst().contains(where: { "\\.+*?()|[]{}^$".contains($0) }) else { return nil }
        return String(dropFirst())
    }
}
