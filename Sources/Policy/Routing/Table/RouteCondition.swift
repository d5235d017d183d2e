internal import HTTPModel
internal import Matching

/// What a route requires beyond its key in the table: checked one by one, once the key has been found.
struct RouteCondition: Hashable {
    enum Source: UInt8, Hashable, BitwiseCopyable { case method, header, query, path }

    var source: Source
    /// Of a header or parameter; of a path what all that match begin with, by which most are told apart without an expression.
    var name = ""
    var value: ValueMatch

    /// Whether whatever `match` takes by one of its targets meets this.
    func isImplied(by match: RouteMatch, _ target: RouteMatch.Target) -> Bool {
        switch source {
        case .method:
            return !match.httpMethods.isEmpty && match.httpMethods.allSatisfy { value.covers(.exact($0)) }
        case .header: return match.headers.contains { $0.name == name && value.covers($0.value) }
        case .query: return match.query.contains { $0.name == name && value.covers($0.value) }
        case .path:
            if case .regex(let expression)? = value.tests.first, value.tests.count == 1,
                let prefix = expression.sufficientPrefix, target.beginning.utf8.starts(with: prefix.utf8)
            {
                return true
            }
            switch target {
            case .path(let path): return path.utf8.starts(with: name.utf8) && value.covers(.exact(path))
            case .regex(let expression): return value.tests.contains(.regex(expression))
            case .any, .service, .services, .prefix, .subtree: return false
            }
        }
    }
}

extension RouteMatch {
    /// What is required beyond the keys of a target, the cheapest first.
    func conditions(for target: Target) -> [RouteCondition] {
        var conditions: [RouteCondition] = []
        if !httpMethods.isEmpty {
            conditions.append(RouteCondition(source: .method, value: ValueMatch(anyOf: httpMethods.map { .exact($0) })))
        }
        for header in headers where header.keyValue == nil {
            conditions.append(RouteCondition(source: .header, name: header.name, value: header.value))
        }
        for parameter in query { conditions.append(RouteCondition(source: .query, name: parameter.name, value: parameter.value)) }
        if case .regex(let expression) = target {
            conditions.append(
                RouteCondition(source: .path, name: expression.commonPrefix, value: ValueMatch(.regex(expression))))
        }
        return conditions
    }
}

extension RouteMatch.Target {
    /// What every path that it takes begins with.
    fileprivate var beginning: String {
        switch self {
        case .any: "/"
        case .service(let name): "/\(name)/"
        case .services(let package): "/\(package)."
        case .path(let path), .prefix(let path), .subtree(let path): path
        case .regex(let expression): expression.commonPrefix
        }
    }
}

extension FieldMatch {
    enum KeyValue: Hashable {
        case present
        case exact(String)
    }

    /// What of a header can stand in a key; `nil` for what has to be looked at.
    var keyValue: KeyValue? {
        guard value.tests.count == 1 else { return nil }
        switch value.tests[0] {
        case .present: return .present
        case .exact(let text): return .exact(text)
        case .absent, .prefix, .suffix, .regex, .range, .file: return nil
        }
    }
}
