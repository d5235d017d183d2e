internal import HTTPModel
internal import Matching

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

/// A route's match as shape and answers: of two routes with one key and no conditions besides, only the first can ever be taken.
struct RouteKey: Hashable {
    var shape: RouteShape
    /// Empty for any.
    var authority: String
    /// Empty for any; a prefix with its last slash.
    var target: String
    /// The exact values, in the order of the shape's exact headers.
    var values: [String]

    /// Under which keys a route is found. A regular expression is a condition of a route for any path.
    static func keys(of match: RouteMatch) -> [RouteKey] {
        switch match.target {
        case .any, .regex: [RouteKey(match, .any, "")]
        case .service(let name): [RouteKey(match, .service, name)]
        case .path(let path): [RouteKey(match, .path, path)]
        case .prefix(let path): [RouteKey(match, prefix: path)]
        case .subtree(let path): [RouteKey(match, .path, path), RouteKey(match, prefix: path + "/")]
        }
    }

    private init(_ match: RouteMatch, prefix path: String) {
        self.init(match, .prefix(depth: Self.segmentCount(path) - 1), path)
    }

    private init(_ match: RouteMatch, _ kind: RouteShape.Target, _ target: String) {
        switch match.authority {
        case .any: (authority, shape) = ("", .init(authority: .any, target: kind, headers: []))
        case .exact(let name): (authority, shape) = (name, .init(authority: .exact, target: kind, headers: []))
        case .suffix(let name):
            authority = name
            shape = .init(authority: .suffix(labels: Self.labelCount(name)), target: kind, headers: [])
        }
        self.target = target
        values = []
        for header in Set(match.headers).sorted(by: Self.comesBefore) {
            switch header.keyValue {
            case .present: shape.headers.append(.init(name: header.name, isExact: false))
            case .exact(let value):
                shape.headers.append(.init(name: header.name, isExact: true))
                values.append(value)
            case nil: continue
            }
        }
    }

    private static func comesBefore(_ left: FieldMatch, _ right: FieldMatch) -> Bool {
        (left.name, left.keyText) < (right.name, right.keyText)
    }

    static func labelCount(_ host: String) -> Int { host.utf8.reduce(1) { $1 == UInt8(ascii: ".") ? $0 + 1 : $0 } }

    /// `/v1/` has two segments, the last one empty.
    static func segmentCount(_ path: String) -> Int { path.utf8.reduce(0) { $1 == UInt8(ascii: "/") ? $0 + 1 : $0 } }
}

extension FieldMatch {
    fileprivate var keyText: String {
        if case .exact(let text) = keyValue { "=" + text } else { "" }
    }
}
