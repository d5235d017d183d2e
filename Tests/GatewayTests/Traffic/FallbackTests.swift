import Balancing
import Filters
import GRPCTesting
import HTTPModel
import Testing
import Upstreams

@testable import Gateway

@Suite("Fallbacks of routes")
struct FallbackTests {
    /// A gateway before two backends, of the clusters a and b; nothing listens at those of `down`, and `empty` has none.
    private func house(_ route: String, a settings: String = "") throws -> (gateway: TestGateway, a: TestBackend, b: TestBackend) {
        let gateway = try TestGateway()
        let (a, b) = (try TestBackend(on: gateway.outside), try TestBackend(on: gateway.outside))
        try gateway.adopt(
            written: """
                clusters:
                  a: { endpoints: ["\(a.address)"] \(settings) }
                  b: { endpoints: ["\(b.address)"] }
                  down: { endpoints: ["127.0.0.1:1"], retry_budget: { percent: 100%, minimum: 10 } }
                  empty: { endpoints: ["nowhere.test:1"] }
                routes:
                  - { path: /unused, clusters: { a: 1, b: 1, down: 1, empty: 1 }, allow: anyone }
                  - { allow: anyone, \(route) }
                """)
        return (gateway, a, b)
    }

    @Test(
        "a call that reaches no endpoint goes to the fallback's cluster",
        arguments: [("down", "connect_failed"), ("empty", "no_healthy_endpoint")])
    func cluster(name: String, reason: String) throws {
        let (gateway, a, _) = try house("service: a.S, cluster: \(name), fallback: { cluster: a }")
        let caller = try gateway.caller()
        for _ in 0..<3 { #expect(caller.unary("/a.S/Call", [1, 2, 3]).status == "0") }
        #expect(a.paths.count == 3 && a.bodyBytes == 3 * 8 && a.previousAttempts == ["", "", ""])
        #expect(gateway.counts("martlet_fallbacks_total") == [reason: 3])
    }

    @Test("so does one whose circuit breaker is open, and its own cluster has it again once that closes")
    func breaker() throws {
        let errors = "circuit_breaker: { errors: { ratio: 50%, minimum_calls: 4, window: 10s, open: 5s, probes: 1 } }"
        let (gateway, a, b) = try house("service: a.S, cluster: a, fallback: { cluster: b }", a: ", \(errors)")
        let caller = try gateway.caller()
        a.isFailing = true
        // What the endpoint answers is the caller's.
        for _ in 0..<4 { #expect(caller.unary("/a.S/Call", []).status == "14") }
        #expect(b.paths.isEmpty && gateway.counts("martlet_fallbacks_total") == [:])
        #expect(caller.unary("/a.S/Call", []).status == "0")
        #expect((a.paths.count, b.paths.count) == (4, 1))
        #expect(gateway.counts("martlet_fallbacks_total") == ["circuit_open": 1])
        #expect(gateway.gateway.current.clusters[0].record.usage.refusals(.open) == 1)
        a.isFailing = false
        gateway.outside.advance(by: .seconds(5))
        #expect(caller.unary("/a.S/Call", []).status == "0")
        #expect((a.paths.count, b.paths.count) == (5, 1))
    }

    @Test("where no endpoint is healthy the fallback serves at once, though so few are healthy that calls of others try them all")
    func unhealthy() throws {
        let (gateway, a, b) = try house(
            "service: a.S, cluster: a, fallback: { cluster: b }", a: ", outlier_detection: { consecutive_5xx: 1 }")
        let caller = try gateway.caller()
        a.isFailing = true
        #expect(caller.unary("/a.S/Call", []).status == "14")
        for _ in 0..<3 { #expect(caller.unary("/a.S/Call", []).status == "0") }
        #expect((a.paths.count, b.paths.count) == (1, 3))
        #expect(gateway.counts("martlet_fallbacks_total") == ["no_healthy_endpoint": 3])
    }

    @Test("a call that an endpoint was sent stays its cluster's, whatever becomes of it", arguments: [true, false])
    func reached(isRetried: Bool) throws {
        let retry = isRetried ? "retry: { attempts: 2, backoff: { base: 1ms, max: 1ms }, non_idempotent: true }," : ""
        let (gateway, a, b) = try house("service: a.S, \(retry) cluster: a, fallback: { cluster: b }")
        a.script = [.reset(.internalError), .reset(.internalError)]
        let call = try gateway.caller().begin("/a.S/Call", ended: true)
        gateway.outside.settle()
        // Nothing listens there any more when the retry comes.
        a.stop()
        gateway.outside.advance(by: .milliseconds(10))
        #expect(gateway.run { call.isOver })
        #expect(b.paths.isEmpty && gateway.counts("martlet_fallbacks_total") == [:])
    }

    @Test("a body that comes in pieces while no endpoint is reached arrives whole, with the retries that the policy has")
    func body() throws {
        let (gateway, a, _) = try house(
            "service: a.S, cluster: down, retry: { attempts: 3, on: [connect_failure], backoff: { base: 50ms, max: 50ms } }, "
                + "fallback: { cluster: a }")
        let call = try gateway.caller().begin("/a.S/Call")
        call.send(message: Array(repeating: 7, count: 1000))
        gateway.outside.settle()
        #expect(a.paths.isEmpty)
        call.send(message: Array(repeating: 7, count: 1000))
        call.finish()
        for _ in 0..<20 {
            gateway.outside.advance(by: .milliseconds(50))
            gateway.outside.settle()
        }
        #expect(gateway.run { call.status == "0" })
        #expect(a.paths.count == 1 && a.bodyBytes == 2010)
        #expect(gateway.counts("martlet_retries_total")["begun"] == 2)
        #expect(gateway.gateway.current.clusters.allSatisfy { $0.record.usage.retries == 0 && $0.record.usage.requests == 0 })
    }

    @Test("a fallback that is not reached either fails the call as its own cluster would")
    func both() throws {
        let (gateway, _, _) = try house("service: a.S, cluster: empty, fallback: { cluster: down }")
        let answer = try gateway.caller().unary("/a.S/Call", [])
        #expect(answer.status == "14" && answer.field("grpc-message").contains("connect"))
        #expect(gateway.counts("martlet_fallbacks_total") == ["no_healthy_endpoint": 1])
    }

    @Test("overflows of limits are refused: the fallback is not to have the load that they keep away")
    func overflow() throws {
        let (gateway, a, b) = try house(
            "service: [a.S, hold.S], cluster: a, fallback: { cluster: b }", a: ", circuit_breaker: { requests: 1 }")
        let caller = try gateway.caller()
        let held = caller.begin("/hold.S/Call", ended: true)
        #expect(gateway.run { a.held.count == 1 })
        #expect(caller.unary("/a.S/Call", []).status == "14" && b.paths.isEmpty)
        a.answer(a.held[0])
        #expect(gateway.run { held.status == "0" })
    }

    @Test("of several clusters, the chosen one has the fallback, unless it is that itself")
    func weighted() throws {
        let (gateway, a, _) = try house("service: a.S, clusters: { empty: 1, a: 1 }, fallback: { cluster: a }")
        let caller = try gateway.caller()
        for _ in 0..<20 { #expect(caller.unary("/a.S/Call", []).status == "0") }
        let fallbacks = gateway.count("martlet_fallbacks_total", "no_healthy_endpoint")
        #expect(a.paths.count == 20 && (1...19).contains(fallbacks))
        a.stop()
        gateway.outside.settle()
        for _ in 0..<20 { #expect(caller.unary("/a.S/Call", []).status == "14") }
    }

    @Test("a response of its own is for callers of plain HTTP; those of RPCs are refused as without it")
    func respond() throws {
        let (gateway, _, _) = try house(
            "prefix: /, cluster: empty, fallback: { respond: { body: back soon } }, response_headers: { set: { x-own: y } }")
        let caller = try gateway.caller()
        let page = caller.begin("/page", [("content-type", "text/plain")], ended: true)
        #expect(gateway.run { page.isOver })
        #expect(page.field(":status") == "503" && page.field("content-type") == "text/plain; charset=utf-8")
        #expect(page.field("content-length") == "9" && page.field("x-own") == "y")
        let refused = caller.unary("/a.S/Call", [])
        #expect(refused.status == "14" && refused.field("grpc-message") == "no healthy endpoint")
        #expect(gateway.counts("martlet_fallbacks_total") == ["no_healthy_endpoint": 1])
        #expect(gateway.run { gateway.gateway.callCount == 0 })
    }

    @Test("a call's deadline goes on, and a fallback that holds it is cut off by it")
    func deadline() throws {
        let (gateway, a, _) = try house("service: hold.S, cluster: empty, timeout: 2s, fallback: { cluster: a }")
        let call = try gateway.caller().begin("/hold.S/Call", ended: true)
        #expect(gateway.run { a.held.count == 1 })
        gateway.outside.advance(by: .milliseconds(2100))
        #expect(gateway.run { call.status == "4" })
        #expect(gateway.run { gateway.gateway.callCount == 0 })
    }

    @Test("a mirror has one copy of a call that its fallback serves")
    func mirrored() throws {
        let (gateway, a, b) = try house("service: a.S, cluster: empty, mirror: { cluster: b }, fallback: { cluster: a }")
        #expect(try gateway.caller().unary("/a.S/Call", [1]).status == "0")
        #expect(gateway.run { b.paths.count == 1 } && a.paths.count == 1)
    }
}
