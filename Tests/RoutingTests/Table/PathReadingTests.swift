import BytesTesting
import HTTPModel
import Random
import Testing

@testable import Routing

/// What servers may make of a path, and that no call passes by a route's rules that way.
@Suite struct PathReadingTests {
    static let table = RouteTable(
        [
            .init(RouteMatch(target: .service("acme.Orders"))),
            .init(RouteMatch(target: .prefix("/admin/"))),
            .init(RouteMatch(target: .path("/exact"))),
            .init(RouteMatch(target: .path("/caf%C3%A9"))),
            .init(RouteMatch(target: .path("/things:batch"))),
            .init(RouteMatch(target: .prefix("/open/")), methods: ["Delete"]),
            .init(RouteMatch()),
        ], seed: 1)

    static func readsAlike(_ path: String, _ table: RouteTable = table) throws -> Bool {
        let request = TestRequest(path: path)
        let head = try request.head()
        #expect(head.isAmbiguous == (path.contains("%") || path.contains(";")))
        return table.readsAlike(head, fields: request.fields)
    }

    @Test(
        "a path that leads elsewhere once it is decoded is found out",
        arguments: [
            "/acme.Orders%2FCreate", "/acme.Orders%2fCreate", "/acme.Orders%252FCreate", "/acme.Orders%25252fCreate",
            "/acme.Orders%255CCreate", "/acme.Orders;x/Create", "/acme.Orders;/Create", "/acme.Orders%3Bx/Create",
            "/%2Facme.Orders/Create",
            "/acme.Orders%2F%2FCreate", "/;x/acme.Orders/Create", "/acme.Orders/%2FCreate", "/acme.O%2572ders/Create",
            "/a/%252e%252e%252Facme.Orders/Create", "/acme.Orders;a=%2Fb/Create", "/acme.Orders;%2F/Create",
            "/admin%2Fusers", "/admin;x/users", "/admin;/users", "/admin;x=1;y=2/users", "/admin%3B/users", "/ad%256Din/users",
            "/;/admin/users",
            "/exact;x", "/exact%3Bx=1", "/%2Fexact", "/exact;", "/caf%c3%a9", "/caf%25C3%25A9", "/things%3Abatch",
            "/things%253Abatch",
        ])
    func hidden(path: String) throws {
        #expect(try !Self.readsAlike(path))
    }

    @Test(
        "a path whose readings all lead where it was sent is served",
        arguments: [
            "/open/a%2Fb", "/open/a;b", "/open/a%20b", "/open/%C3%A4", "/admin/a%2Fb", "/admin/a;b=c/d", "/caf%C3%A9",
            "/other%2Fpath", "/x;y/z",
            "/open/100%25", "/open/%FF", "/things:batch", "/exact", "/open/a%3Fb%23", "/a/b",
        ])
    func open(path: String) throws {
        #expect(try Self.readsAlike(path))
    }

    @Test("a route's entry for a method is not passed by either")
    func entries() throws {
        #expect(try !Self.readsAlike("/open%2FDelete"))
        let one = RouteTable([.init(RouteMatch(target: .prefix("/")), methods: ["Delete"])], seed: 1)
        #expect(try !Self.readsAlike("/acme.Orders%2FDelete", one))
        #expect(try !Self.readsAlike("/acme.Orders/Delete;x", one))
        #expect(try Self.readsAlike("/acme.Orders%2FGet", one))
        #expect(try Self.readsAlike("/acme.Orders/Delete", one))
    }

    @Test("where no route asks for a path, all readings are alike")
    func anything() throws {
        let table = RouteTable([.init(RouteMatch(authority: .exact("api.acme.dev")))], seed: 1)
        #expect(try Self.readsAlike("/a%2Fb;c/d", table))
    }

    @Test("random paths are read without end, and never beyond it")
    func random() {
        var generator = RandomGenerator(seed: 11)
        let alphabet = Array("/.%25eE2cCfF3b;\\ab".utf8)
        for _ in 0..<20_000 {
            let path = (0..<Int.random(in: 0...24, using: &generator)).map { _ in alphabet.randomElement(using: &generator)! }
            let isGood = path.withUnsafeBytes { bytes in
                PathReadings(bytes).allSatisfy {
                    $0.first == UInt8(ascii: "/") && !$0.text.contains("//") && !$0.text.contains("\\")
                }
            }
            #expect(isGood, "\(String(decoding: path, as: UTF8.self))")
        }
    }
}
