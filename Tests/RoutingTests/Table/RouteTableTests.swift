import BytesTesting
import HTTPModel
import Matching
import Random
import Testing

@testable import Routing

@Suite struct RouteTableTests {
    static func table(_ routes: [RouteMatch], seed: UInt64 = 42) -> RouteTable {
        RouteTable(routes.map { RouteTable.Entry($0) }, listeners: RouteModel.listeners, seed: seed)
    }

    static func find(
        _ table: RouteTable, _ path: String, authority: String = "api.acme.dev", _ headers: [(String, String)] = [],
        method: String = "POST", listener: String = ""
    ) throws -> Int? {
        let request = TestRequest(method, path: path, authority: authority, headers)
        var head = try request.head()
        head.listener = Int16(RouteModel.listeners.firstIndex(of: listener) ?? -1)
        return table.route(for: head, fields: request.fields)
    }

    @Test("a route of listeners takes what came in by one of them")
    func listeners() throws {
        let table = Self.table([
            RouteMatch(listeners: ["l"], authorities: [.any], targets: [.path("/a")]),
            RouteMatch(listeners: ["m", "l"], authorities: [.any], targets: [.prefix("/")]), RouteMatch(),
        ])
        #expect(table.matchesListeners && !Self.table([RouteMatch()]).matchesListeners)
        #expect(try Self.find(table, "/a", listener: "l") == 0)
        #expect(try Self.find(table, "/a", listener: "m") == 1)
        #expect(try Self.find(table, "/b", listener: "l") == 1)
        #expect(try Self.find(table, "/a", listener: "gone") == 2)
    }

    @Test("the first route that fits is taken, in the order written, however it is told from the others")
    func writtenOrder() throws {
        let service = RouteMatch(target: .service("acme.Orders"))
        let everything = RouteMatch()
        let prefix = RouteMatch(target: .prefix("/acme.Orders/"))
        let host = RouteMatch(authority: .exact("api.acme.dev"))
        #expect(try Self.find(Self.table([service, everything, prefix, host]), "/acme.Orders/Get") == 0)
        #expect(try Self.find(Self.table([everything, service]), "/acme.Orders/Get") == 0)
        #expect(try Self.find(Self.table([prefix, host, service]), "/acme.Orders/Get") == 0)
        #expect(try Self.find(Self.table([host, prefix, service]), "/acme.Orders/Get") == 0)
        #expect(try Self.find(Self.table([service, host]), "/acme.Billing/Get") == 1)
    }

    @Test("services and paths match byte for byte")
    func byteExact() throws {
        let table = Self.table([RouteMatch(target: .service("acme.Orders")), RouteMatch(target: .path("/v1/orders"))])
        #expect(try Self.find(table, "/acme.Orders/Get") == 0)
        #expect(try Self.find(table, "/acme.Orders/Get?a=b") == 0)
        #expect(try Self.find(table, "/v1/orders?a=b") == 1)
        for path in [
            "/acme.orders/Get", "/acme.Order/Get", "/acme.Orderss/Get", "/acme.Orders%20/Get", "/acme.Orders", "/acme.Orders/",
            "/acme.Orders/Get/", "/v1/Orders", "/v1/orders/", "/v1%2forders", "/v1",
        ] {
            #expect(try Self.find(table, path) == nil, "\(path)")
        }
    }

    @Test("a path wildcard takes what is below its slash and not the name before it")
    func prefix() throws {
        let table = Self.table([RouteMatch(target: .prefix("/v1/"))])
        for path in ["/v1/", "/v1/a", "/v1/a/b", "/v1/?x", "/v1/%2f"] { #expect(try Self.find(table, path) == 0, "\(path)") }
        for path in ["/v1", "/v1?x", "/v11/a", "/v1%2fa", "/", "/V1/a"] { #expect(try Self.find(table, path) == nil, "\(path)") }
    }

    @Test("an authority wildcard takes one label or more")
    func suffix() throws {
        let table = Self.table([RouteMatch(authority: .suffix("acme.dev"))])
        for authority in ["a.acme.dev", "a.b.acme.dev", "A.ACME.dev:8443", "a.acme.dev.", "a.acme.dev.:443"] {
            #expect(try Self.find(table, "/", authority: authority) == 0, "\(authority)")
        }
        for authority in ["acme.dev", "xacme.dev", "a.acme.dev.evil.dev", "acme.dev.a", ""] {
            #expect(try Self.find(table, "/", authority: authority) == nil, "\(authority)")
        }
    }

    @Test("a package takes the RPCs of its services and of those below it, and nothing else")
    func package() throws {
        let table = Self.table([RouteMatch(target: .services(below: "acme.v1")), RouteMatch(target: .services(below: "acme"))])
        for path in ["/acme.v1.Orders/Get", "/acme.v1.beta.Orders/Get?a=b"] { #expect(try Self.find(table, path) == 0, "\(path)") }
        for path in ["/acme.v1/Get", "/acme.v11.Orders/Get", "/acme.Orders/Get"] {
            #expect(try Self.find(table, path) == 1, "\(path)")
        }
        for path in ["/acme/Get", "/acmes.v1.Orders/Get", "/Acme.v1.Orders/Get", "/acme.v1.Orders", "/acme.v1.Orders/Get/a"] {
            #expect(try Self.find(table, path) == nil, "\(path)")
        }
    }

    @Test("a list takes what one of its elements takes, and a condition of one of them is no other's")
    func lists() throws {
        let expression = try RegularExpression("^/u/[0-9]+$")
        let table = Self.table([
            RouteMatch(
                authorities: [.exact("a.dev"), .suffix("b.dev")], targets: [.path("/v1"), .regex(expression), .prefix("/v2/")],
                httpMethods: ["GET"]),
            RouteMatch(authorities: [.any], targets: [.service("a.A"), .service("a.B"), .services(below: "b")]),
        ])
        for path in ["/v1", "/u/1", "/v2/a"] {
            for authority in ["a.dev", "x.b.dev"] {
                #expect(try Self.find(table, path, authority: authority, method: "GET") == 0, "\(path)")
                #expect(try Self.find(table, path, authority: authority, method: "PUT") == nil, "\(path)")
            }
            #expect(try Self.find(table, path, authority: "b.dev", method: "GET") == nil, "\(path)")
        }
        for path in ["/v3", "/u/a", "/v2"] {
            #expect(try Self.find(table, path, authority: "a.dev", method: "GET") == nil, "\(path)")
        }
        for path in ["/a.A/Get", "/a.B/Get", "/b.C/Get"] { #expect(try Self.find(table, path) == 1, "\(path)") }
        #expect(try Self.find(table, "/a.C/Get") == nil)
    }

    @Test("packages and lists of one kind are one question, however many", arguments: [10, 20_000])
    func manyPackages(count: Int) throws {
        let table = Self.table(
            (0..<count).map { index in
                RouteMatch(authorities: [.any], targets: [.services(below: "a.p\(index)"), .services(below: "b.p\(index)")])
            })
        #expect(table.shapeCount == 1)
        #expect(try Self.find(table, "/b.p\(count - 1).v1.S/Get") == count - 1)
        #expect(try Self.find(table, "/b.p\(count).v1.S/Get") == nil)
    }

    @Test("a header condition wants the header once, or for * at all")
    func headers() throws {
        let table = Self.table([
            RouteMatch(headers: [try FieldMatch(header: "x-version", .exact("2")), try FieldMatch(header: "x-beta", .present)]),
            RouteMatch(headers: [try FieldMatch(header: "x-version", .exact("2"))]),
            RouteMatch(headers: [try FieldMatch(header: "x-version", .present)]),
        ])
        #expect(try Self.find(table, "/", [("x-version", "2"), ("x-beta", "")]) == 0)
        #expect(try Self.find(table, "/", [("x-version", "2")]) == 1)
        #expect(try Self.find(table, "/", [("x-version", "22")]) == 2)
        #expect(try Self.find(table, "/", [("x-version", "2"), ("x-version", "2")]) == 2)
        #expect(try Self.find(table, "/", [("x-beta", "2")]) == nil)
    }

    @Test("a request without an authority meets only routes that ask for none")
    func noAuthority() throws {
        let table = Self.table([
            RouteMatch(authority: .suffix("dev")), RouteMatch(authority: .exact("a")), RouteMatch(target: .path("/a")),
        ])
        let request = TestRequest(path: "/a", authority: nil)
        #expect(table.route(for: try request.head(), fields: request.fields) == 2)
    }

    @Test("an empty table takes nothing")
    func empty() throws {
        #expect(try Self.find(Self.table([]), "/a") == nil)
    }

    @Test("the method entries of a route are found by their bytes, and only that route's")
    func methods() throws {
        let table = RouteTable(
            [
                .init(RouteMatch(target: .service("a.A")), methods: ["Get", "List"]),
                .init(RouteMatch(target: .service("a.B")), methods: []),
                .init(RouteMatch(target: .service("a.C")), methods: ["List"]),
            ], seed: 1)
        func method(_ route: Int, _ name: String) -> Int? {
            Array(name.utf8).withUnsafeBytes { table.method(of: route, $0) }
        }
        #expect(method(0, "Get") == 0)
        #expect(method(0, "List") == 1)
        #expect(method(2, "List") == 0)
        for (route, name) in [(0, "get"), (0, "Ge"), (0, ""), (1, "Get"), (2, "Get")] { #expect(method(route, name) == nil) }
    }

    @Test("the index answers as a walk over all routes does", arguments: 0..<40)
    func againstWalk(round: UInt64) throws {
        var generator = RandomGenerator(seed: round)
        let routes = (0..<Int.random(in: 1...60, using: &generator)).map { _ in RouteModel.randomRoute(&generator) }
        let table = Self.table(routes, seed: generator.next())
        for _ in 0..<300 {
            let request = RouteModel.randomRequest(&generator)
            let path = request.query.isEmpty ? request.path : "\(request.path)?\(request.query)"
            let found = try Self.find(
                table, path, authority: request.authority, request.headers, method: request.method, listener: request.listener)
            #expect(found == RouteModel.first(routes, request), "\(request) in \(routes)")
        }
    }

    @Test("a path deeper than any route is told apart from its beginning")
    func deepPath() throws {
        let table = Self.table([RouteMatch(target: .path("/a/b")), RouteMatch(target: .prefix("/a/"))])
        #expect(try Self.find(table, "/a/b") == 0)
        #expect(try Self.find(table, "/a/b/c/d/e/f") == 1)
        #expect(try Self.find(table, "/a" + String(repeating: "/b", count: 10_000)) == 1)
    }

    @Test("every one of 100,000 routes is found, and what none takes is not")
    func hundredThousand() throws {
        var routes: [RouteMatch] = []
        for index in 0..<50_000 {
            routes.append(RouteMatch(target: .service("acme.s\(index).v1.Service")))
            routes.append(RouteMatch(authority: .exact("t\(index % 500).acme.dev"), target: .prefix("/v\(index)/")))
        }
        let table = Self.table(routes)
        #expect(table.count == 100_000)
        for index in stride(from: 0, to: 50_000, by: 97) {
            #expect(try Self.find(table, "/acme.s\(index).v1.Service/Get") == 2 * index)
            #expect(try Self.find(table, "/v\(index)/a", authority: "t\(index % 500).acme.dev") == 2 * index + 1)
            #expect(try Self.find(table, "/v\(index)/a", authority: "u\(index % 500).acme.dev") == nil)
        }
    }

    @Test("routes that only a header tells apart are one question, however many", arguments: [10, 20_000])
    func manyHeaders(count: Int) throws {
        let routes = try (0..<count).map { index throws in
            RouteMatch(target: .service("a.A"), headers: [try FieldMatch(header: "x-tenant", .exact("t\(index)"))])
        }
        let table = Self.table(routes)
        #expect(table.shapeCount == 1)
        #expect(try Self.find(table, "/a.A/Get", [("x-tenant", "t\(count - 1)")]) == count - 1)
        #expect(try Self.find(table, "/a.A/Get", [("x-tenant", "t\(count)")]) == nil)
    }
}
