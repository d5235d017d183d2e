import BytesTesting
import HTTPModel
import Matching
import Random
import Testing

@testable import Routing

@Suite struct RouteCoverageTests {
    typealias Collision = RouteCoverage.Collision

    @Test(
        "a route that an earlier one wholly covers is reported with it",
        arguments: [
            (RouteMatch(), RouteMatch(target: .service("a.A"))),
            (RouteMatch(), RouteMatch()),
            (RouteMatch(target: .service("a.A")), RouteMatch(authority: .exact("a.dev"), target: .service("a.A"))),
            (RouteMatch(target: .service("a.A")), RouteMatch(target: .path("/a.A/Get"))),
            (RouteMatch(target: .services(below: "a")), RouteMatch(target: .path("/a.b.A/Get"))),
            (RouteMatch(target: .services(below: "a")), RouteMatch(target: .service("a.b.A"))),
            (RouteMatch(target: .services(below: "a")), RouteMatch(target: .services(below: "a.b"))),
            (RouteMatch(target: .services(below: "a")), RouteMatch(target: .services(below: "a"))),
            (RouteMatch(target: .prefix("/")), RouteMatch(target: .services(below: "a"))),
            (
                RouteMatch(authorities: [.exact("a.dev"), .suffix("b.dev")], targets: [.path("/a"), .subtree("/b")]),
                RouteMatch(authorities: [.exact("x.b.dev"), .exact("a.dev")], targets: [.path("/b/c"), .path("/a")])
            ),
            (RouteMatch(target: .prefix("/")), RouteMatch(target: .service("a.A"))),
            (RouteMatch(target: .prefix("/a.A/")), RouteMatch(target: .service("a.A"))),
            (RouteMatch(target: .prefix("/v1/")), RouteMatch(target: .prefix("/v1/a/"))),
            (RouteMatch(target: .prefix("/v1/")), RouteMatch(target: .path("/v1/a/b"))),
            (RouteMatch(target: .prefix("/v1/")), RouteMatch(target: .path("/v1/"))),
            (RouteMatch(authority: .suffix("acme.dev")), RouteMatch(authority: .exact("api.acme.dev"))),
            (RouteMatch(authority: .suffix("acme.dev")), RouteMatch(authority: .suffix("api.acme.dev"))),
            (RouteMatch(headers: [header("a", "*")]), RouteMatch(headers: [header("b", "1"), header("a", "2")])),
            (RouteMatch(headers: [header("a", "2")]), RouteMatch(headers: [header("a", "2"), header("b", "*")])),
        ])
    func covered(first: RouteMatch, second: RouteMatch) {
        #expect(RouteCoverage.findings(in: [first, second]) == [Collision(route: 1, coveredBy: 0)])
    }

    @Test(
        "a route that can still be taken is not reported",
        arguments: [
            (RouteMatch(target: .service("a.A")), RouteMatch()),
            (RouteMatch(target: .service("a.A")), RouteMatch(target: .prefix("/a.A/"))),
            (RouteMatch(target: .services(below: "a")), RouteMatch(target: .prefix("/a.b.A/"))),
            (RouteMatch(target: .services(below: "a")), RouteMatch(target: .service("a"))),
            (RouteMatch(target: .services(below: "a")), RouteMatch(target: .service("ab.A"))),
            (RouteMatch(target: .services(below: "a.b")), RouteMatch(target: .services(below: "a"))),
            (RouteMatch(target: .prefix("/a.b/")), RouteMatch(target: .services(below: "a"))),
            (RouteMatch(target: .service("a.A")), RouteMatch(target: .path("/a.A/Get/More"))),
            (RouteMatch(target: .path("/a.A/Get")), RouteMatch(target: .service("a.A"))),
            (RouteMatch(target: .prefix("/v1/")), RouteMatch(target: .path("/v1"))),
            (RouteMatch(target: .prefix("/v1/a/")), RouteMatch(target: .prefix("/v1/"))),
            (RouteMatch(authority: .suffix("acme.dev")), RouteMatch(authority: .exact("acme.dev"))),
            (RouteMatch(authority: .suffix("acme.dev")), RouteMatch(authority: .suffix("dev"))),
            (RouteMatch(authority: .exact("acme.dev")), RouteMatch()),
            (RouteMatch(headers: [header("a", "1")]), RouteMatch(headers: [header("a", "*")])),
            (RouteMatch(headers: [header("a", "1")]), RouteMatch(headers: [header("a", "2")])),
            (RouteMatch(headers: [header("a", "1")]), RouteMatch()),
        ])
    func notCovered(first: RouteMatch, second: RouteMatch) {
        #expect(RouteCoverage.findings(in: [first, second]).isEmpty)
    }

    @Test(
        "what an earlier route asks, the covered one asks too, or more",
        arguments: [
            (RouteMatch(target: .subtree("/v1")), RouteMatch(target: .path("/v1"))),
            (RouteMatch(target: .subtree("/v1")), RouteMatch(target: .path("/v1/a"))),
            (RouteMatch(target: .subtree("/v1")), RouteMatch(target: .prefix("/v1/"))),
            (RouteMatch(target: .subtree("/v1")), RouteMatch(target: .subtree("/v1/a"))),
            (RouteMatch(target: .subtree("/a.A")), RouteMatch(target: .service("a.A"))),
            (RouteMatch(target: .subtree("/v1")), RouteMatch(target: regex("^/v1/[a-z]+$"))),
            (RouteMatch(target: .prefix("/")), RouteMatch(target: .subtree("/v1"))),
            (RouteMatch(), RouteMatch(target: regex("/.*"), httpMethods: ["GET"])),
            (RouteMatch(target: regex("/v[12]")), RouteMatch(target: .path("/v1"))),
            (RouteMatch(target: regex("/v[12]")), RouteMatch(authority: .exact("a.dev"), target: regex("/v[12]"))),
            (RouteMatch(httpMethods: ["GET", "HEAD"]), RouteMatch(target: .path("/a"), httpMethods: ["HEAD"])),
            (RouteMatch(headers: [header("a", "*")]), RouteMatch(headers: [field("a", .prefix("v"))])),
            (RouteMatch(headers: [field("a", .prefix("v"))]), RouteMatch(headers: [header("a", "v1"), header("b", "1")])),
            (RouteMatch(query: [field("a", .present)]), RouteMatch(target: .path("/a"), query: [field("a", .exact("1"))])),
            (RouteMatch(target: .path("/a"), httpMethods: ["GET"]), RouteMatch(target: .path("/a"), httpMethods: ["GET"])),
        ])
    func coveredByConditions(first: RouteMatch, second: RouteMatch) {
        #expect(RouteCoverage.findings(in: [first, second]) == [Collision(route: 1, coveredBy: 0)])
    }

    @Test(
        "and where it asks less, it is reached",
        arguments: [
            (RouteMatch(target: .prefix("/v1/")), RouteMatch(target: .subtree("/v1"))),
            (RouteMatch(target: .path("/v1")), RouteMatch(target: .subtree("/v1"))),
            (RouteMatch(target: .subtree("/v1")), RouteMatch(target: .path("/v11"))),
            (RouteMatch(target: .subtree("/v1")), RouteMatch(target: regex("^/v1[a-z]+$"))),
            (RouteMatch(target: regex("/v[12]")), RouteMatch(target: .path("/v3"))),
            (RouteMatch(httpMethods: ["GET"]), RouteMatch()),
            (RouteMatch(httpMethods: ["GET"]), RouteMatch(httpMethods: ["GET", "HEAD"])),
            (RouteMatch(headers: [field("a", .prefix("v"))]), RouteMatch(headers: [header("a", "*")])),
            (RouteMatch(headers: [header("a", "*")]), RouteMatch(headers: [field("a", .absent)])),
            (RouteMatch(query: [field("a", .exact("1"))]), RouteMatch(query: [field("a", .present)])),
            (RouteMatch(query: [field("a", .exact("1"))]), RouteMatch(headers: [header("a", "1")])),
        ])
    func notCoveredByConditions(first: RouteMatch, second: RouteMatch) {
        #expect(RouteCoverage.findings(in: [first, second]) == [])
    }

    @Test("of a route that is reached, each service, path and authority that never is")
    func parts() {
        let routes = [
            RouteMatch(target: .path("/a")), RouteMatch(authority: .suffix("a.dev")),
            RouteMatch(authorities: [.exact("b.dev"), .exact("x.a.dev")], targets: [.path("/b"), .path("/a"), .path("/c")]),
        ]
        #expect(
            RouteCoverage.findings(in: routes) == [
                Collision(route: 2, coveredBy: 1, part: .authority(1)), Collision(route: 2, coveredBy: 0, part: .target(1)),
            ])
    }

    @Test("what is never reached on any of its listeners, or on one that it names")
    func listeners() {
        func on(_ listeners: String..., path: RouteMatch.Target = .any) -> RouteMatch {
            RouteMatch(listeners: listeners, authorities: [.any], targets: [path])
        }
        func findings(_ routes: RouteMatch...) -> [Collision] { RouteCoverage.findings(in: routes, listeners: ["l", "m"]) }
        #expect(findings(on("l"), on(path: .path("/a"))) == [])
        #expect(findings(on("l"), on("m", path: .path("/a"))) == [])
        #expect(findings(on("l"), on("l", path: .path("/a"))) == [Collision(route: 1, coveredBy: 0)])
        #expect(findings(on("l"), on("m", "l", path: .path("/a"))) == [Collision(route: 1, coveredBy: 0, part: .listener(1))])
        #expect(findings(on("m", "l"), on(path: .path("/a"))) == [Collision(route: 1, coveredBy: 0)])
        #expect(findings(on("l"), on("m"), on(path: .path("/a"))) == [Collision(route: 2, coveredBy: 0, elsewhere: [1])])
        #expect(findings(on(), on("l")) == [Collision(route: 1, coveredBy: 0)])
        let list = RouteMatch(authorities: [.any], targets: [.path("/a"), .path("/b")])
        #expect(findings(on("l", path: .path("/a")), list) == [])
        #expect(findings(on(path: .path("/a")), on("l"), list) == [Collision(route: 2, coveredBy: 0, part: .target(0))])
    }

    @Test("of one list, what another element takes, wherever that stands")
    func redundant() {
        func redundant(_ targets: RouteMatch.Target...) -> [[Int]] {
            RouteCoverage.redundant(targets).map { [$0.element, $0.coveredBy] }
        }
        #expect(redundant(.subtree("/a"), .path("/b"), .prefix("/a/")) == [[2, 0]])
        #expect(redundant(.path("/a/b"), .path("/b"), .subtree("/a")) == [[0, 2]])
        #expect(redundant(.path("/a"), .path("/a")) == [[1, 0]])
        #expect(redundant(.service("a.A"), .services(below: "b"), .services(below: "a")) == [[0, 2]])
        #expect(redundant(.path("/a"), .prefix("/a/")) == [])
    }

    @Test("of several that cover it, the first is named")
    func firstIsNamed() {
        let routes = [
            RouteMatch(authority: .exact("a.dev")), RouteMatch(target: .service("a.A")), RouteMatch(),
            RouteMatch(target: .service("a.B")),
            RouteMatch(authority: .exact("a.dev"), target: .service("a.A")),
        ]
        #expect(RouteCoverage.findings(in: routes) == [Collision(route: 3, coveredBy: 2), Collision(route: 4, coveredBy: 0)])
    }

    @Test("a covered route takes no request, and its coverer takes all that it would", arguments: 0..<20)
    func againstModel(round: UInt64) {
        var generator = RandomGenerator(seed: 1_000 + round)
        let routes = (0..<40).map { _ in RouteModel.randomRoute(&generator) }
        let covered = Set(
            RouteCoverage.findings(in: routes, listeners: RouteModel.listeners).filter { $0.part == nil }.map(\.route))
        for _ in 0..<3_000 {
            let request = RouteModel.randomRequest(&generator)
            if RouteModel.listeners.contains(request.listener), let taken = RouteModel.first(routes, request) {
                #expect(!covered.contains(taken), "\(request)")
            }
        }
        for finding in RouteCoverage.findings(in: routes, listeners: RouteModel.listeners) {
            let match = routes[finding.route].part(finding.part)
            for _ in 0..<50 {
                let request = RouteModel.randomRequest(&generator)
                guard RouteModel.listeners.contains(request.listener), RouteModel.fits(match, request) else { continue }
                #expect(([finding.coveredBy] + finding.elsewhere).contains { RouteModel.fits(routes[$0], request) })
            }
        }
    }

    @Test("100,000 routes are checked in one pass")
    func hundredThousand() {
        var routes = (0..<100_000).map { RouteMatch(authority: .exact("t\($0 % 300).dev"), target: .service("a.S\($0)")) }
        routes.append(routes[77_777])
        #expect(RouteCoverage.findings(in: routes) == [Collision(route: 100_000, coveredBy: 77_777)])
    }

    private static func field(_ name: String, _ test: ValueMatch.Test) -> FieldMatch {
        FieldMatch(parameter: name, ValueMatch(test))
    }

    private static func regex(_ text: String) -> RouteMatch.Target { .regex(try! RegularExpression(text)) }

    private static func header(_ name: String, _ value: String) -> FieldMatch {
        try! FieldMatch(header: name, value == "*" ? .present : .exact(value))
    }
}

extension RouteMatch {
    /// What a finding is about.
    fileprivate func part(_ part: RouteCoverage.Part?) -> RouteMatch {
        var match = self
        switch part {
        case nil: break
        case .listener(let place): match.listeners = [listeners[place]]
        case .authority(let place): match.authorities = [authorities[place]]
        case .target(let place): match.targets = [targets[place]]
        }
        return match
    }
}
