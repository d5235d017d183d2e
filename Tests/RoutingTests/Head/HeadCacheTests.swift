import BytesTesting
import HTTPModel
import Random
import Testing

@testable import Routing

@Suite struct HeadCacheTests {
    /// What a head says, or what is wrong with it.
    private struct Reading: Equatable {
        var texts: [String] = []
        var fault: HeadFacts.Fault?

        init(_ request: TestRequest, _ memory: HeadCache) {
            do throws(HeadFacts.Fault) {
                let head = try HeadFacts(&request.fields, memory)
                texts = [head.target, head.path, head.query, head.authority, head.service, head.rpc].map(\.text)
            } catch { fault = error }
        }
    }

    private static let long = String(repeating: "x", count: 200)
    private static let paths = [
        "/acme.orders.v1.Orders/GetOrder", "/acme.orders.v1.Orders/SetOrder", "/acme.orders.v1.Carts/GetOrder", "/v1/orders/7?a=b",
        "/v1/orders/7?a=c", "/v1//orders/7", "/v1/orders/../7", "/v1/orders/%zz", "/", "/short", "", "no/slash/here",
        "/acme.orders.v1.Orders/\(long)", "/v1/orders/7#fragment",
    ]
    private static let authorities = [
        "api.acme.dev", "api.acme.dev:8443", "API.acme.dev", "other.acme.dev", "a b", "[::1]:8443", "", "\(long).dev", nil,
    ]

    @Test("a head that is remembered reads as one that is not, whatever was read before")
    func same() {
        var random = RandomGenerator(seed: 7)
        let memory = HeadCache()
        for _ in 0..<20_000 {
            let path = Self.paths.randomElement(using: &random)!
            let authority = Self.authorities.randomElement(using: &random)!
            var headers: [(String, String)] = []
            if Bool.random(using: &random) { headers.append(("host", Self.authorities.randomElement(using: &random)! ?? "x")) }
            let request = TestRequest(path: path, authority: authority, headers)
            let again = TestRequest(path: path, authority: authority, headers)
            let (known, fresh) = (Reading(request, memory), Reading(again, HeadCache()))
            #expect(known == fresh, "\(path) at \(authority ?? "nobody") \(headers)")
        }
    }

    private func place(_ path: String, _ authority: String, in memory: HeadCache) throws -> HeadCache.Place {
        let request = TestRequest(path: path, authority: authority)
        return try #require(try HeadFacts(&request.fields, memory).place)
    }

    @Test("what the routes said of a head is known when it comes again, and forgotten with the routes")
    func routes() throws {
        let memory = HeadCache()
        let first = try place("/acme.Orders/Get", "acme.dev", in: memory)
        #expect(first.target(from: -1) == nil)
        first.record(route: 3, method: -1, from: -1)
        let second = try place("/acme.Orders/Get", "acme.dev", in: memory)
        #expect(second.target(from: -1).map { [$0.route, $0.method] } == [3, -1])
        #expect(second.target(from: 0) == nil, "on another listener")
        memory.invalidateRoutes()
        #expect(try place("/acme.Orders/Get", "acme.dev", in: memory).target(from: -1) == nil)
    }

    @Test("a head that takes another's place does not inherit its route")
    func replaced() throws {
        let memory = HeadCache()
        try place("/acme.Orders/Get", "acme.dev", in: memory).record(route: 3, method: 0, from: -1)
        // Of the same length and with the same end.
        let other = try place("/evil.Orders/Get", "acme.dev", in: memory)
        #expect(other.target(from: -1) == nil)
        #expect(try place("/acme.Orders/Get", "acme.dev", in: memory).target(from: -1) == nil)
        try place("/acme.Orders/Get", "acme.dev", in: memory).record(route: 3, method: 0, from: -1)
        #expect(try place("/acme.Orders/Get", "evil.dev", in: memory).target(from: -1) == nil)
    }
}
