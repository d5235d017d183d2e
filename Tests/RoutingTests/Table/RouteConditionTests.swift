import BytesTesting
import HTTPModel
import Matching
import Testing

@testable import Routing

@Suite("What routes ask beyond authority, service and path")
struct RouteConditionTests {
    static func regex(_ text: String) -> ValueMatch.Test { .regex(try! RegularExpression(text)) }

    static func find(
        _ routes: [RouteMatch], _ path: String, _ headers: [(String, String)] = [], method: String = "POST"
    ) throws -> Int? {
        try RouteTableTests.find(RouteTableTests.table(routes), path, headers, method: method)
    }

    @Test("of routes for one path the first is taken whose method is the request's")
    func methods() throws {
        let routes = [
            RouteMatch(target: .path("/a"), httpMethods: ["GET", "HEAD"]), RouteMatch(target: .path("/a"), httpMethods: ["POST"]),
            RouteMatch(target: .path("/a")),
        ]
        for (method, route) in [("GET", 0), ("HEAD", 0), ("POST", 1), ("PUT", 2), ("REPORT", 2)] {
            #expect(try Self.find(routes, "/a", method: method) == route, "\(method)")
        }
    }

    @Test(
        "a preflight shows of the headers of pages their names, and all of others",
        arguments: [
            ("x-version", [.exact("2")], [.present]), ("x-version", [.prefix("v"), .exact("2")], [.present]),
            ("x-version", [.present], [.present]),
            ("x-version", [.absent], [.absent]), ("x-version", [.absent, .exact("2")], nil),
            ("authorization", [.prefix("Bearer ")], [.present]),
            ("content-type", [.exact("application/json")], nil), ("accept", [.present], nil),
            ("cookie", [.present], [.present]), ("user-agent", [.prefix("a")], [.prefix("a")]),
            ("x-forwarded-proto", [.exact("http")], [.exact("http")]), ("sec-fetch-site", [.exact("none")], [.exact("none")]),
        ] as [(String, [ValueMatch.Test], [ValueMatch.Test]?)])
    func announced(name: String, tests: [ValueMatch.Test], shown: [ValueMatch.Test]?) throws {
        let match = RouteMatch(
            target: .path("/a"), httpMethods: ["PUT"], headers: [try FieldMatch(header: name, ValueMatch(anyOf: tests))],
            query: [FieldMatch(parameter: "a", .exact("1"))])
        let announced = match.announced
        #expect(announced.headers == (try shown.map { [try FieldMatch(header: name, ValueMatch(anyOf: $0))] } ?? []))
        #expect(announced.targets == match.targets && announced.httpMethods == ["PUT"] && announced.query == match.query)
    }

    @Test(
        "the first parameter of a name is decoded, its name too",
        arguments: [
            ("a=1&b=2", "1"), ("b=2&%61=x%20y+z&a=3", "x y z"), ("a", ""), ("a=%zz", "%zz"), ("b=1", nil), ("", nil),
            ("&&a==", "="),
        ] as [(String, String?)])
    func firstParameter(query: String, value: String?) {
        let found = Array(query.utf8).withUnsafeBytes { query in
            Array("a".utf8).withUnsafeBytes { QueryParameters(query).withFirst($0) { String(decoding: $0, as: UTF8.self) } }
        }
        #expect(found == value)
    }

    @Test("the methods are known that would have been taken, and only where nothing else keeps the request out")
    func refusedByMethod() throws {
        let table = RouteTableTests.table([
            RouteMatch(target: .path("/a"), httpMethods: ["GET", "HEAD"]),
            RouteMatch(target: .subtree("/a"), httpMethods: ["DELETE"], headers: [try FieldMatch(header: "x-a", .present)]),
            RouteMatch(target: .regex(try RegularExpression("/[ab]")), httpMethods: ["PUT"]),
        ])
        func refused(_ path: String, _ headers: [(String, String)] = []) throws -> (Int, Set<String>)? {
            let request = TestRequest(path: path, headers)
            return table.refusedByMethod(try request.head(), fields: request.fields).map { ($0.first, $0.methods) }
        }
        #expect(try #require(try refused("/a")) == (0, ["GET", "HEAD", "PUT"]))
        #expect(try #require(try refused("/a", [("x-a", "1")])) == (0, ["GET", "HEAD", "DELETE", "PUT"]))
        #expect(try #require(try refused("/b")) == (2, ["PUT"]))
        #expect(try refused("/c") == nil)
        #expect(table.goesByMethod)
    }

    @Test("a header is asked for its beginning, its end, or the whole by an expression; one sent twice is present and no more")
    func headers() throws {
        let routes = try [
            ValueMatch(.prefix("v1.")), ValueMatch(.suffix("-beta")), ValueMatch(Self.regex("[0-9]+")),
            ValueMatch(anyOf: [.exact("a"), .exact("b")]), ValueMatch(.absent), .present,
        ].map { RouteMatch(headers: [try FieldMatch(header: "X-Version", $0)]) }
        for (value, route) in [("v1.2", 0), ("v2-beta", 1), ("12", 2), ("12x", 5), ("b", 3), ("c", 5), ("", 5)] {
            #expect(try Self.find(routes, "/", [("x-version", value)]) == route, "\(value)")
        }
        #expect(try Self.find(routes, "/") == 4)
        #expect(try Self.find(routes, "/", [("x-version", "a"), ("x-version", "a")]) == 5)
    }

    @Test(
        "a query parameter is compared decoded, any of several",
        arguments: [
            ("a=1", 0), ("b=2&a=1", 0), ("a=2&a=1", 0), ("%61=%31", 0), ("a=1&", 0), ("&&a=1", 0), ("a=11", 1), ("a", 1), ("a=", 1),
            ("A=1", 3), ("aa=1", 3), ("b=a=1", 3), ("", 3), ("b", 3), ("name=x+y", 2), ("name=x%20y", 2), ("name=x%2By", 3),
            ("a=%zz", 1), ("a%3D1", 3), ("%61", 1),
        ])
    func query(query: String, route: Int) throws {
        let routes = [
            RouteMatch(query: [FieldMatch(parameter: "a", .exact("1"))]), RouteMatch(query: [FieldMatch(parameter: "a", .present)]),
            RouteMatch(query: [FieldMatch(parameter: "name", .exact("x y"))]),
            RouteMatch(query: [FieldMatch(parameter: "a", ValueMatch(.absent))]),
        ]
        #expect(try Self.find(routes, "/p?\(query)") == route)
    }

    @Test("a prefix takes itself and what is below it, and no longer name")
    func subtree() throws {
        for (path, route) in [("/v1", 0), ("/v1/", 0), ("/v1/a/b", 0), ("/v1?a", 0), ("/v11", nil), ("/v", nil), ("/", nil)] {
            #expect(try Self.find([RouteMatch(target: .subtree("/v1"))], path) == route, "\(path)")
        }
    }

    @Test("a path's expression takes the whole path without its query, in the written order with all others")
    func pathExpressions() throws {
        let routes = [
            RouteMatch(target: .path("/u/me")), RouteMatch(target: .regex(try RegularExpression("^/u/([^/]+)$"))),
            RouteMatch(target: .regex(try RegularExpression("/u/.*"))), RouteMatch(target: .service("u.S")),
            RouteMatch(target: .path("/u/7/a")),
        ]
        for (path, route) in [
            ("/u/me", 0), ("/u/7", 1), ("/u/7?x=/", 1), ("/u/7/", 2), ("/u/7/a", 2), ("/u.S/Get", 3), ("/x/u/7", nil), ("/u", nil),
        ] {
            #expect(try Self.find(routes, path) == route, "\(path)")
        }
    }

    @Test("a match may be remembered by authority and target where no method and no header was asked for on its way")
    func matchesByTargetAlone() throws {
        let table = RouteTableTests.table([
            RouteMatch(target: .service("a.A")), RouteMatch(target: .path("/a"), httpMethods: ["GET"]),
            RouteMatch(target: .path("/a"), query: [FieldMatch(parameter: "x", .present)]),
            RouteMatch(target: .path("/b"), headers: [try FieldMatch(header: "x-a", ValueMatch(.prefix("v")))]),
            RouteMatch(target: .regex(try RegularExpression("/[abc]"))),
            RouteMatch(headers: [try FieldMatch(header: "x-b", .present)]),
            RouteMatch(),
        ])
        for (path, route, isOfTargetAlone) in [
            ("/a.A/Get", 0, true), ("/a?x", 2, false), ("/a", 4, false), ("/b", 4, false), ("/c", 4, true), ("/d", 6, false),
        ] {
            let request = TestRequest(path: path)
            let match = try #require(table.match(try request.head(), fields: request.fields))
            #expect(match.route == route && match.isOfTargetAlone == isOfTargetAlone, "\(path)")
        }
    }

    @Test("a path that a server decodes to one that no expression takes does not read alike")
    func readings() throws {
        let table = RouteTableTests.table([
            RouteMatch(target: .regex(try RegularExpression("^/u/([^/]+)$"))), RouteMatch(target: .subtree("/caf%C3%A9")),
        ])
        for (path, isAlike) in [("/u/a%20b", true), ("/u/a%2Fb", false), ("/u/a;b", true), ("/caf%C3%A9/x", true), ("/x;/y", true)]
        {
            let request = TestRequest(path: path)
            #expect(table.readsAlike(try request.head(), fields: request.fields) == isAlike, "\(path)")
        }
    }

    @Test("a thousand expressions are told apart, and asked before no earlier route")
    func manyExpressions() throws {
        let routes = try (0..<1000).map { RouteMatch(target: .regex(try RegularExpression("^/r\($0)/[a-z]+$"))) }
        let table = RouteTableTests.table(routes)
        #expect(table.shapeCount == 1)
        #expect(try RouteTableTests.find(table, "/r999/abc") == 999)
        #expect(try RouteTableTests.find(table, "/r1000/abc") == nil)
    }
}
