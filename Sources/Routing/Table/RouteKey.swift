internal import HTTPModel

/// What kind of question a route asks, without its answers: routes of one shape are told apart by one table look-up.
///
/// A configuration has few shapes, however many routes: one for each combination of the kinds of authority and target in
/// use, the depths of wildcards, and the sets of header names.
struct RouteShape: Hashable {
    var authority: Authority
    var target: Target
    /// In the order of their names.
    var headers: [Header]

    enum Authority: Hashable {
        case any, exact
        case suffix(labels: Int)
    }

    enum Target: Hashable {
        case any, service, path
        /// The number of whole segments before the wildcard.
        case prefix(depth: Int)
    }

    struct Header: Hashable {
        var name: String
        var isExact: Bool
    }
}

/// A route's match as shape and answers: of two routes with one key, only the first can ever be taken.
struct RouteKey: Hashable {
    var shape: RouteShape
    /// Empty for any.
    var authority: String
    /// Empty for any; a prefix with its last slash.
    var target: String
    /// The exact values, in the order of the shape's exact headers.
    var values: [String]

    init(_ match: RouteMatch) {
        switch match.authority {
        case .any: (authority, shape) = ("", .init(authority: .any, target: .any, headers: []))
        case .exact(let name): (authority, shape) = (name, .init(authority: .exact, target: .any, headers: []))
        case .suffix(let name):
            authority = name
            shape = .init(authority: .suffix(labels: Self.labelCount(name)), target: .any, headers: [])
        }
        switch match.target {
        case .any: (target, shape.target) = ("", .any)
        case .service(let name): (target, shape.target) = (name, .service)
        case .path(let path): (target, shape.target) = (path, .path)
        case .prefix(let path): (target, shape.target) = (path, .prefix(depth: Self.segmentCount(path) - 1))
        }
        values = []
        for condition in Set(match.headers).sorted(by: Self.comesBefore) {
            switch condition.value {
            case .present: shape.headers.append(.init(name: condition.name, isExact: false))
            case .exact(let value):
                shape.headers.append(.init(name: condition.name, isExact: true))
                values.append(value)
            }
        }
    }

    private static func comesBefore(_ left: HeaderCondition, _ right: HeaderCondition) -> Bool {
        (left.name, left.valueText) < (right.name, right.valueText)
    }

    static func labelCount(_ host: String) -> Int { host.utf8.reduce(1) { $1 == UInt8(ascii: ".") ? $0 + 1 : $0 } }

    /// `/v1/` has two segments, the last one empty.
    static func segmentCount(_ path: String) -> Int { path.utf8.reduce(0) { $1 == UInt8(ascii: "/") ? $0 + 1 : $0 } }
}

extension HeaderCondition {
    fileprivate var valueText: String {
        switch value {
        case .present: ""
        case .exact(let text): "=" + text
        }
    }
}
