import Random

@testable import Routing
import BytesTesting
import HTTPModel

/// Routing as DESIGN.md words it, without any index: what `RouteTable` is compared with.
enum RouteModel {
    struct Request {
        var authority: String
        var path: String
        var headers: [(String, String)] = []
    }

    static func first(_ routes: [RouteMatch], _ request: Request) -> Int? {
        routes.firstIndex { fits($0, request) }
    }

    static func fits(_ route: RouteMatch, _ request: Request) -> Bool {
        switch route.authority {
        case .any: break
        case .exact(let name): guard request.authority == name else { return false }
        case .suffix(let name):
            guard request.authority.hasSuffix("." + name), request.authority.count > name.count + 1 else { return false }
        }
        switch route.target {
        case .any: break
        case .path(let path): guard request.path == path else { return false }
        case .prefix(let path): guard request.path.hasPrefix(path) else { return false }
        case .service(let service):
            let parts = request.path.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 3, parts[1] == service, !parts[2].isEmpty else { return false }
        }
        return route.headers.allSatisfy { condition in
            let values = request.headers.filter { $0.0 == condition.name }.map(\.1)
            return switch condition.value {
            case .present: !values.isEmpty
            case .exact(let text): values == [text]
            }
        }
    }

    /// A route out of a world so small that routes and requests meet often.
    static func randomRoute(_ generator: inout RandomGenerator) -> RouteMatch {
        let authorities: [RouteMatch.Authority] = [
            .any, .any, .exact("a.dev"), .exact("b.a.dev"), .exact("c.b.a.dev"), .suffix("dev"), .suffix("a.dev"),
            .suffix("b.a.dev"),
        ]
        let targets: [RouteMatch.Target] = [
            .any, .service("p.S"), .service("p.T"), .service("v1"), .path("/"), .path("/v1"), .path("/v1/"), .path("/v1/a"),
            .path("/v1/a/b"),
            .path("/p.S/M"), .prefix("/"), .prefix("/v1/"), .prefix("/v1/a/"), .prefix("/p.S/"), .prefix("/v1/a/b/"),
        ]
        var headers: [HeaderCondition] = []
        for name in ["x-a", "x-b"] where Int.random(in: 0..<4, using: &generator) == 0 {
            headers.append(try! HeaderCondition(name: name, ["*", "1", "2"].randomElement(using: &generator)!))
        }
        return RouteMatch(
            authority: authorities.randomElement(using: &generator)!, target: targets.randomElement(using: &generator)!,
            headers: headers.shuffled(using: &generator))
    }

    static func randomRequest(_ generator: inout RandomGenerator) -> Request {
        var headers: [(String, String)] = []
        for _ in 0..<Int.random(in: 0...3, using: &generator) {
            headers.append(
                (["x-a", "x-b", "x-c"].randomElement(using: &generator)!, ["1", "2", ""].randomElement(using: &generator)!))
        }
        return Request(
            authority: ["a.dev", "b.a.dev", "c.b.a.dev", "d.c.b.a.dev", "dev", "x.dev", "xa.dev", "other"].randomElement(
                using: &generator)!,
            path: [
                "/", "/v1", "/v1/", "/v1/a", "/v1/a/", "/v1/a/b", "/v1/a/b/c", "/v2", "/v1a", "/p.S/M", "/p.S/N", "/p.S/", "/p.S",
                "/p.T/M", "/p.S/M/N",
                "/v1/a/bb", "/v1/b/a/c/d/e",
            ].randomElement(using: &generator)!,
            headers: headers)
    }
}
