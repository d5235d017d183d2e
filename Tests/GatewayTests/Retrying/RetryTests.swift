import Balancing
import Bytes
import GRPCTesting
import GatewayModel
import HTTPModel
import Testing
import Transport
import Upstreams

@testable import Gateway

@Suite("Calls that are tried again")
struct RetryTests {
    @Test(
        "a failure is forgotten, wherever its status stands, and another endpoint asked",
        arguments: [TestBackend.Reply.Place.head, .trailers])
    func status(place: TestBackend.Reply.Place) throws {
        let fixture = try RetryFixture(route: "idempotent: true, retry: { on: [unavailable] }")
        fixture.backends[0].script = [.status(14, place)]
        let paths = (0..<2).map { "/a.S/\($0)" }
        for path in paths { #expect(fixture.unary(path).status == "0") }
        #expect(fixture.arrivals == 3 && fixture.backends[0].script.isEmpty)
        #expect(paths.contains { path in fixture.backends.allSatisfy { $0.paths.contains(path) } })
        #expect(fixture.previousAttempts == ["1"])
        #expect(fixture.retries == ["begun": 1, "succeeded": 1])
        #expect(fixture.settle { fixture.isQuiet })
    }

    @Test("once a byte of the answer has gone to the caller, its failure is the caller's")
    func committed() throws {
        let fixture = try RetryFixture(1, route: "idempotent: true, retry: { on: [unavailable], attempts: 5 }")
        fixture.script(.status(14, .afterBody))
        let call = fixture.unary()
        #expect(call.status == "14" && call.messages == [[7]] && fixture.arrivals == 1)
        #expect(fixture.retries.isEmpty)
    }

    @Test("the last failure is the caller's, with all it says")
    func limit() throws {
        let fixture = try RetryFixture(1, route: "idempotent: true, retry: { on: [unavailable], attempts: 3 }")
        fixture.script(.status(14, .head), times: 9)
        #expect(fixture.unary().status == "14")
        #expect(fixture.arrivals == 3 && fixture.previousAttempts == ["1", "2"])
        #expect(fixture.retries == ["begun": 2, "limit_exceeded": 1])
        #expect(fixture.settle { fixture.isQuiet })
    }

    @Test("what the policy does not name is not tried again")
    func otherStatus() throws {
        let fixture = try RetryFixture(route: "idempotent: true, retry: { on: [unavailable, 503] }")
        for reply: TestBackend.Reply in [.status(8), .status(13, .trailers), .http(500), .reset(.internalError)] {
            let before = fixture.arrivals
            fixture.script(reply)
            let status = fixture.unary().status
            #expect(status != "0" && status != "14" && fixture.arrivals == before + 1)
            fixture.script(reply, times: 0)
        }
        #expect(fixture.retries.isEmpty)
    }

    @Test(
        "a reset, and an answer that is HTTP and no gRPC, count where the policy names them",
        arguments: ["reset", "503", "5xx", "unavailable"])
    func causes(word: String) throws {
        let fixture = try RetryFixture(route: "idempotent: true, retry: { on: [\(word)] }")
        for backend in fixture.backends {
            backend.script = [word == "reset" ? .reset(.internalError) : .http(503)]
        }
        fixture.backends[1].script = []
        for _ in 0..<2 { #expect(fixture.unary().status == "0") }
        #expect(fixture.arrivals == 3)
    }

    @Test("what an upstream has not looked at goes out again once, without a policy and uncounted")
    func refused() throws {
        let fixture = try RetryFixture(1, route: "idempotent: true, retry: { on: [internal] }")
        fixture.script(.reset(.refusedStream))
        #expect(fixture.unary().status == "0")
        #expect(fixture.arrivals == 2 && fixture.previousAttempts.isEmpty)
        #expect(fixture.upstreamEvents["resent"] == 1 && fixture.retries.isEmpty)
        fixture.script(.reset(.refusedStream), times: 9)
        #expect(fixture.unary().status == "14")
        #expect(fixture.arrivals == 4)
        let plain = try RetryFixture(1, route: "expose: true")
        plain.script(.reset(.refusedStream))
        #expect(plain.unary().status == "0")
        plain.script(.reset(.refusedStream), times: 9)
        #expect(plain.unary().status == "14")
        #expect(plain.arrivals == 4)
    }

    @Test("an upstream that refuses all it gets has failed, and a breaker sees it")
    func refusedByEndpoint() throws {
        let fixture = try RetryFixture(1, route: "expose: true") { plan, _ in
            var guards = plan.record.settings
            guards.errors = .defaults
            guards.errors?.callsMin = 4
            plan.record = ClusterRegistry().record("refusing", guards)
        }
        fixture.script(.reset(.refusedStream), times: 100)
        for _ in 0..<2 { #expect(fixture.unary().status == "14") }
        #expect(fixture.arrivals == 4)
        #expect(fixture.unary().status == "14")
        #expect(fixture.arrivals == 4)
    }

    @Test("a failure counts as the status that the caller would get", arguments: [("internal", 2), ("aborted", 1)])
    func resetAsStatus(status: String, arrivals: Int) throws {
        let fixture = try RetryFixture(1, route: "idempotent: true, retry: { on: [\(status)] }")
        fixture.script(.reset(.internalError))
        #expect(fixture.unary().status == (arrivals == 2 ? "0" : "13"))
        #expect(fixture.arrivals == arrivals)
    }

    @Test("calls that a backend has wait take nobody's place among the retries")
    func pushbackAndBudget() throws {
        let fixture = try RetryFixture(
            1, route: "idempotent: true, retry: { on: [unavailable] }, timeout: 20s", budget: RetryBudget(percent: 0, countMin: 1))
        fixture.script(.status(14, .head, pushback: "400"), times: 2)
        let waiting = [fixture.begin(), fixture.begin()]
        #expect(fixture.settle { fixture.arrivals == 2 && fixture.retries["begun"] == 2 })
        fixture.script(.status(14, .head))
        #expect(fixture.unary().status == "0")
        #expect(fixture.wait { waiting.allSatisfy(\.isOver) })
        #expect(fixture.settle { fixture.isQuiet })
    }

    @Test("refused more often than that, it is the policy's")
    func refusedByPolicy() throws {
        let fixture = try RetryFixture(1, route: "idempotent: true, retry: { on: [refused_stream], attempts: 3 }")
        fixture.script(.reset(.refusedStream), times: 3)
        #expect(fixture.unary().status == "0")
        #expect(fixture.arrivals == 4 && fixture.retries == ["begun": 2, "succeeded": 1])
    }

    @Test("an endpoint that cannot be connected to is not asked again at once")
    func connectFailure() throws {
        let fixture = try RetryFixture(3, route: "idempotent: true, retry: { on: [connect_failure], attempts: 3 }")
        for backend in fixture.backends.prefix(2) { backend.stop() }
        for _ in 0..<3 { #expect(fixture.unary().status == "0") }
        #expect(fixture.arrivals == 3)
        #expect(fixture.settle { fixture.isQuiet })
    }

    @Test("a backend says when, and is obeyed to the millisecond")
    func pushback() throws {
        let fixture = try RetryFixture(1, route: "idempotent: true, retry: { on: [unavailable] }")
        fixture.script(.status(14, .trailers, pushback: "400"))
        let call = fixture.begin()
        #expect(fixture.settle { fixture.arrivals == 1 })
        fixture.advance(milliseconds: 399)
        #expect(fixture.arrivals == 1)
        fixture.advance(milliseconds: 3)
        #expect(fixture.settle { call.isOver })
        #expect(call.status == "0" && fixture.arrivals == 2)
    }

    @Test("or that it wants no more, in one of three ways", arguments: ["-1", "soon", "30001"])
    func pushedBack(value: String) throws {
        let fixture = try RetryFixture(1, route: "idempotent: true, retry: { on: [unavailable] }")
        fixture.script(.status(14, .head, pushback: value))
        let call = fixture.unary()
        #expect(call.status == "14" && call.field("grpc-retry-pushback-ms") == value && fixture.arrivals == 1)
        #expect(fixture.retries == ["pushed_back": 1])
    }

    @Test("nothing begins that could only be late")
    func deadline() throws {
        let fixture = try RetryFixture(1, route: "idempotent: true, retry: { on: [unavailable], attempts: 5 }")
        fixture.script(.status(14, .head, pushback: "1000"))
        let call = fixture.unary("/a.S/Call", [("grpc-timeout", "1S")])
        #expect(call.status == "14" && fixture.arrivals == 1 && fixture.retries == ["too_late": 1])
        #expect(fixture.timeouts.isEmpty)
    }

    @Test("a caller who leaves between two tries ends the call, and its place is free")
    func abandoned() throws {
        let fixture = try RetryFixture(1, route: "idempotent: true, retry: { on: [unavailable] }, timeout: 10s")
        fixture.script(.status(14, .head, pushback: "9000"))
        let call = fixture.begin()
        #expect(fixture.settle { fixture.retries["begun"] == 1 })
        call.reset()
        #expect(fixture.settle { fixture.isQuiet })
        fixture.advance(milliseconds: 9100)
        #expect(fixture.arrivals == 1)
    }

    @Test("a try has its own time, and the call goes on elsewhere")
    func perTryTimeout() throws {
        let fixture = try RetryFixture(2, route: "idempotent: true, retry: { per_try_timeout: 300ms, attempts: 3 }")
        fixture.script(.hold)
        let call = fixture.begin()
        #expect(fixture.settle { fixture.holding == 1 })
        fixture.advance(milliseconds: 299)
        #expect(fixture.holding == 1 && fixture.arrivals == 1)
        for backend in fixture.backends { backend.script = [] }
        #expect(fixture.wait { call.isOver })
        #expect(call.status == "0" && fixture.arrivals == 2)
        #expect(fixture.timeouts == ["per_try": 1])
        #expect(fixture.settle { fixture.holding == 0 && fixture.isQuiet })
    }

    @Test("where every try takes too long, the caller learns that")
    func perTryTimeoutExhausted() throws {
        let fixture = try RetryFixture(1, route: "idempotent: true, retry: { per_try_timeout: 50ms }")
        fixture.script(.hold, times: 9)
        let call = fixture.unary()
        #expect(call.status == "4" && fixture.arrivals == 2 && fixture.timeouts == ["per_try": 2])
    }

    @Test("a body is kept for another try up to 64 KiB", arguments: [(0, 2), (1, 1)])
    func largeBody(more: Int, arrivals: Int) throws {
        let fixture = try RetryFixture(1, route: "idempotent: true, retry: { on: [unavailable] }")
        fixture.script(.hold)
        // With the five bytes before a message.
        let call = fixture.begin(bytes: (64 << 10) - 5 + more)
        #expect(fixture.settle { fixture.backends[0].bodyBytes == (64 << 10) + more })
        fixture.backends[0].fail(fixture.backends[0].held[0])
        #expect(fixture.wait { call.isOver })
        #expect(fixture.arrivals == arrivals && call.status == (more == 0 ? "0" : "14"))
        if more == 0 { #expect(fixture.settle { fixture.backends[0].bodyBytes == 2 * (64 << 10) }) }
        #expect(fixture.gateway.inside.context.chunks.bytesInUse == 0)
    }

    @Test("no body is kept where bodies take too much already")
    func noMemory() throws {
        let fixture = try RetryFixture(1, route: "idempotent: true, retry: { on: [unavailable] }", change: { $1.replay = 0 })
        fixture.script(.status(14, .head))
        #expect(fixture.unary().status == "14")
        #expect(fixture.arrivals == 1 && fixture.retries == ["body_not_kept": 1])
    }

    @Test("a head waits for its body for a tenth of a second, and not at all where the caller is still sending")
    func held() throws {
        let fixture = try RetryFixture(1, route: "idempotent: true, retry: { on: [unavailable] }")
        fixture.script(.head, times: 2)
        let unary = fixture.begin()
        #expect(fixture.settle { fixture.holding == 1 })
        fixture.gateway.outside.settle()
        #expect(unary.head.isEmpty)
        fixture.advance(milliseconds: 99)
        #expect(unary.head.isEmpty)
        fixture.advance(milliseconds: 2)
        #expect(fixture.settle { !unary.head.isEmpty })
        let streaming = fixture.caller.begin("/a.S/Talk")
        streaming.send(message: [1])
        #expect(fixture.settle { !streaming.head.isEmpty })
    }

    @Test("beyond the budget the failure is the caller's")
    func budget() throws {
        let fixture = try RetryFixture(
            1, route: "idempotent: true, retry: { on: [unavailable] }", budget: RetryBudget(percent: 0, countMin: 1))
        fixture.backends[0].script = [.status(14), .hold, .status(14)]
        let first = fixture.begin()
        #expect(fixture.wait { fixture.holding == 1 })
        let second = fixture.unary()
        #expect(second.status == "14" && fixture.retries == ["begun": 1, "budget_exceeded": 1])
        first.reset()
        #expect(fixture.settle { fixture.isQuiet })
    }

    @Test("a caller who speaks gRPC-Web is served by the second try as well")
    func bridged() throws {
        let fixture = try RetryFixture(1, route: "idempotent: true, retry: { on: [unavailable] }")
        fixture.script(.status(14, .trailers))
        let call = fixture.unary("/a.S/Call", [("content-type", "application/grpc-web+proto")])
        #expect(call.head.first { $0.name == ":status" }?.value == "200")
        #expect(call.bodyBytes > 0 && fixture.arrivals == 2)
        #expect(fixture.backends[0].bodyBytes == 16, "the same body twice")
    }
}
