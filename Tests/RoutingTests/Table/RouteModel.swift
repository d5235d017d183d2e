import BytesTesting
import HTTPModel
import Matching
import Random

@testable import Routing

/// Routing as DESIGN.md words it, without any index: what `RouteTable` is compared with.
enum RouteModel {
    struct Request {
        /// One of `listeners`, or none of them.
        var listener = ""
        var authority: String
        var path: String
        var method = "POST"
        /// Without `?`.
        var query = ""
        var headers: [(String, String)] = []
    }

    static let listeners = ["l", "m"]

    static func first(_ routes: [RouteMatch], _ request: Request) -> Int? {
        routes.firstIndex { fits($0, request) }
    }

    static func fits(_ route: RouteMatch, _ request: Request) -> Bool {
        guard route.listeners.isEmpty || route.listeners.contains(request.listener) else { return false }
        guard route.authorities.contains(where: { fits($0, request) }), route.targets.contains(where: { fits($0, request) })
        else { return false }
        guard route.httpMethods.isEmpty || route.httpMethods.contains(request.method) else { return false }
        let parameters = request.query.split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
            return (parts[0], parts.count > 1 ? parts[1] : "")
        }
        return route.headers.allSatisfy { condition in
            let values = request.headers.filter { $0.0 == condition.name }.map(\.1)
            return condition.value.tests.contains { fits($0, values, any: false) }
        }
            && route.query.allSatisfy { condition in
                let values = parameters.filter { $0.0 == condition.name }.map(\.1)
                return condition.value.tests.contains { fits($0, values, any: true) }
            }
    }

    private static func fits(_ authority: RouteMatch.Authority, _ request: Request) -> Bool {
        switch authority {
        case .any: true
        case .exact(let name): request.authority == name
        case .suffix(let name): request.authority.hasSuffix("." + name) && request.authority.count > name.count + 1
        }
    }

    private static func fits(_ target: RouteMatch.Target, _ request: Request) -> Bool {
        let parts = request.path.split(separator: "/", omittingEmptySubsequences: false)
        let isRPC = parts.count == 3 && !parts[1].isEmpty && !parts[2].isEmpty
        return switch target {
        case .any: true
        case .path(let path): request.path == path
        case .prefix(let path): request.path.hasPrefix(path)
        case .subtree(let path): request.path == path || request.path.hasPrefix(path + "/")
        case .regex(let expression): expression.matches(request.path)
        case .service(let service): isRPC && parts[1] == service
        case .services(let package): isRPC && parts[1].hasPrefix(package + ".")
        }
    }

    /// - Parameter any: of several values one is enough; else there may be only one.
    private static func fits(_ test: ValueMatch.Test, _ values: [String], any: Bool) -> Bool {
        func fits(_ body: (String) -> Bool) -> Bool { any ? values.contains(where: body) : values.count == 1 && body(values[0]) }
        return switch test {
        case .present: !values.isEmpty
        case .absent: values.isEmpty
        case .exact(let text): fits { $0 == text }
        case .prefix(let text): fits { $0.hasPrefix(text) }
        case .suffix(let text): fits { $0.hasSuffix(text) }
        case .regex(let expression): fits { expression.matches($0) }
        case .range(let range): fits { Int64($0).map { (range.minimum ?? .min)...(range.maximum ?? .max) ~= $0 } ?? false }
        // Files are not among the tests that are made here.
        case .file: false
        }
    }

    private static let expressions = ["/v1/[a-z]", "/.*", "/p\\.S/[MN]", "^/v[12](/.*)?$"].map { try! RegularExpression($0) }

    private static func randomValue(_ generator: inout RandomGenerator) -> ValueMatch {
        let tests: [ValueMatch.Test] = [
            .present, .present, .exact("1"), .exact("1"), .exact("2"), .exact("2"), .absent, .prefix("1"), .suffix("2"),
            .regex(try! RegularExpression("[12]*")), .range(NumberRange(minimum: 2, maximum: nil)),
        ]
        let count = Int.random(in: 0..<5, using: &generator) == 0 ? 2 : 1
        return ValueMatch(anyOf: (0..<count).map { _ in tests.randomElement(using: &generator)! })
    }

    /// A route out of a world so small that routes and requests meet often.
    static func randomRoute(_ generator: inout RandomGenerator) -> RouteMatch {
        let authorities: [RouteMatch.Authority] = [
            .any, .any, .exact("a.dev"), .exact("b.a.dev"), .exact("c.b.a.dev"), .suffix("dev"), .suffix("a.dev"),
            .suffix("b.a.dev"),
        ]
        let targets: [RouteMatch.Target] = [
            .any, .service("p.S"), .service("p.T"), .service("v1"), .services(below: "p"), .services(below: "p.q"), .path("/"),
            .path("/v1"), .path("/v1/"), .path("/v1/a"),
            .path("/v1/a/b"),
            .path("/p.S/M"), .prefix("/"), .prefix("/v1/"), .prefix("/v1/a/"), .prefix("/p.S/"), .prefix("/v1/a/b/"),
            .subtree("/v1"), .subtree("/v1/a"), .subtree("/p.S"), .regex(expressions.randomElement(using: &generator)!),
            .regex(expressions.randomElement(using: &generator)!),
        ]
        var headers: [FieldMatch] = []
        for name in ["x-a", "x-b"] where Int.random(in: 0..<4, using: &generator) == 0 {
            headers.append(try! FieldMatch(header: name, randomValue(&generator)))
        }
        var query: [FieldMatch] = []
        for name in ["a", "b"] where Int.random(in: 0..<6, using: &generator) == 0 {
            query.append(FieldMatch(parameter: name, randomValue(&generator)))
        }
        let methods: [[String]] = [[], [], [], ["POST"], ["GET", "HEAD"], ["GET", "POST"]]
        let count = Int.random(in: 0..<4, using: &generator) == 0 ? 2 : 1
        let asked = Int.random(in: 0..<5, using: &generator) == 0
        return RouteMatch(
            listeners: asked ? [["l"], ["m"], ["m", "l"]].randomElement(using: &generator)! : [],
            authorities: (0..<count).map { _ in authorities.randomElement(using: &generator)! },
            targets: (0..<Int.random(in: 1...count, using: &generator)).map { _ in targets.randomElement(using: &generator)! },
            httpMethods: methods.randomElement(using: &generator)!, headers: headers.shuffled(using: &generator), query: query)
    }

    static func randomRequest(_ generator: inout RandomGenerator) -> Request {
        var headers: [(String, String)] = []
        for _ in 0..<Int.random(in: 0...3, using: &generator) {
            headers.append(
                (["x-a", "x-b", "x-c"].randomElement(using: &generator)!, ["1", "2", ""].randomElement(using: &generator)!))
        }
        return Request(
            listener: ["l", "m", "n"].randomElement(using: &generator)!,
            authority: ["a.dev", "b.a.dev", "c.b.a.dev", "d.c.b.a.dev", "dev", "x.dev", "xa.dev", "other"].randomElement(
                using: &generator)!,
            path: [
                "/", "/v1", "/v1/", "/v1/a", "/v1/a/", "/v1/a/b", "/v1/a/b/c", "/v2", "/v1a", "/p.S/M", "/p.S/N", "/p.S/", "/p.S",
                "/p.T/M", "/p.S/M/N", "/p.q.S/M", "/p.q/M", "/pq.S/M", "/p.q.r.S/N", "/p./M",
                "/v1/a/bb", "/v1/b/a/c/d/e",
            ].randomElement(using: &generator)!,
            method: ["POST", "POST", "GET", "HEAD", "PUT"].randomElement(using: &generator)!,
            query: ["", "", "a=1", "a=2&a=1", "b", "a=12&b=2", "c=1"].randomElement(using: &generator)!, headers: headers)
    }
}
