internal import HTTPModel
internal import Matching

/// What kind of question a route asks, without its answers: routes of one shape are told apart by one table look-up.
///
/// A configuration has few shapes, however many routes: one for each combination of the kinds of authority and target in
/// use, the depths of wildcards, and the sets of header names.
struct RouteShape: Hashable {
    /// It asks for one listener.
    var isOfListener = false
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
        /// The number of a package's names, of which a service below it has more.
        case services(names: Int)
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
    var listener = ""
    /// Empty for any.
    var authority: String
    /// Empty for any; a prefix with its last slash.
    var target: String
    /// The exact values, in the order of the shape's exact headers.
    var values: [String]

    fileprivate init(_ match: RouteMatch, _ authority: RouteMatch.Authority) {
        shape = .init(authority: .any, target: .any, headers: [])
        (self.authority, target) = ("", "")
        switch authority {
        case .any: break
        case .exact(let name): (self.authority, shape.authority) = (name, .exact)
        case .suffix(let name): (self.authority, shape.authority) = (name, .suffix(labels: Self.labelCount(name)))
        }
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

    /// Under which keys requests for a target are found. A regular expression is a condition of a route for any path.
    fileprivate func keys(for target: RouteMatch.Target) -> [RouteKey] {
        switch target {
        case .any, .regex: [self]
        case .service(let name): [with(.service, name)]
        case .services(let package): [with(.services(names: Self.labelCount(package)), package)]
        case .path(let path): [with(.path, path)]
        case .prefix(let path): [with(prefix: path)]
        case .subtree(let path): [with(.path, path), with(prefix: path + "/")]
        }
    }

    private func with(_ kind: RouteShape.Target, _ target: String) -> RouteKey {
        var key = self
        key.shape.target = kind
        key.target = target
        return key
    }

    private func with(prefix path: String) -> RouteKey { with(.prefix(depth: Self.segmentCount(path) - 1), path) }

    private static func comesBefore(_ left: FieldMatch, _ right: FieldMatch) -> Bool {
        (left.name, left.keyText) < (right.name, right.keyText)
    }

    /// Of a host, or the names of a package.
    static func labelCount(_ host: String) -> Int { host.utf8.reduce(1) { $1 == UInt8(ascii: ".") ? $0 + 1 : $0 } }

    /// `/v1/` has two segments, the last one empty.
    static func segmentCount(_ path: String) -> Int { path.utf8.reduce(0) { $1 == UInt8(ascii: "/") ? $0 + 1 : $0 } }
}

extension RouteMatch {
    /// One of the keys that a route is found under, and which of its authorities and targets that is of.
    struct Alternative {
        var key: RouteKey
        var authority: Int
        var target: Int
    }

    var alternatives: [Alternative] {
        (listeners.isEmpty ? [""] : listeners).flatMap { listener in
            authorities.enumerated().flatMap { place, authority in
                var key = RouteKey(self, authority)
                key.listener = listener
                key.shape.isOfListener = !listener.isEmpty
                return targets.enumerated().flatMap { target, wanted in
                    key.keys(for: wanted).map { Alternative(key: $0, authority: place, target: target) }
                }
            }
        }
    }
}

extension FieldMatch {
    fileprivate var keyText: String {
        if case .exact(let text) = keyValue { "=" + text } else { "" }
    }
}
