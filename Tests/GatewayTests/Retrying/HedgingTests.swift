import Balancing
import GRPCTesting
import Testing

@testable import Gateway

@Suite("Calls that are made several times at once")
struct HedgingTests {
    /// Three backends, in turn.
    private func fixture(_ hedging: String, budget: RetryBudget? = nil) throws -> RetryFixture {
        try RetryFixture(
            3, route: "service: a.S, methods: { Call: { idempotent: true, hedging: { \(hedging) } } }", budget: budget)
    }

    private func answer(_ fixture: RetryFixture, with reply: TestBackend.Reply? = nil, skipping count: Int = 0) throws {
        let held = fixture.backends.flatMap { backend in backend.held.map { (backend, $0) } }
        let (backend, stream) = try #require(held.dropFirst(count).first)
        if let reply { backend.drop(stream, reply) } else { backend.answer(stream) }
    }

    @Test("an attempt that is slow gets company, each at another endpoint, and the first to answer ends the others")
    func delay() throws {
        let fixture = try fixture("attempts: 3, delay: 50ms")
        fixture.script(.hold)
        let call = fixture.begin(bytes: 10)
        #expect(fixture.settle { fixture.holding == 1 })
        fixture.advance(milliseconds: 49)
        #expect(fixture.arrivals == 1)
        fixture.advance(milliseconds: 2)
        #expect(fixture.settle { fixture.holding == 2 })
        fixture.advance(milliseconds: 51)
        #expect(fixture.settle { fixture.holding == 3 })
        #expect(fixture.backends.allSatisfy { $0.paths.count == 1 && $0.bodyBytes == 15 })
        #expect(fixture.previousAttempts == ["1", "2"])
        fixture.advance(milliseconds: 500)
        #expect(fixture.arrivals == 3, "no more than it may")
        try answer(fixture)
        #expect(fixture.settle { call.isOver && fixture.holding == 0 })
        #expect(call.status == "0")
        #expect(fixture.settle { fixture.isQuiet })
        #expect(fixture.hedges["begun"] == 2)
    }

    @Test("one that answers in time has none")
    func fast() throws {
        let fixture = try fixture("delay: 50ms")
        #expect(fixture.unary().status == "0")
        fixture.advance(milliseconds: 200)
        #expect(fixture.arrivals == 1 && fixture.hedges.isEmpty && fixture.isQuiet)
    }

    @Test("without a delay all begin at once, and the answer with a body wins whatever comes behind")
    func atOnce() throws {
        let fixture = try fixture("attempts: 3, delay: 0s")
        fixture.script(.hold)
        let call = fixture.begin()
        fixture.advance(milliseconds: 5)
        fixture.advance(milliseconds: 5)
        #expect(fixture.settle { fixture.holding == 3 })
        try answer(fixture, with: .status(0, .afterBody), skipping: 2)
        #expect(fixture.settle { call.isOver && fixture.holding == 0 })
        #expect(call.status == "0" && call.messages == [[7]])
        #expect(fixture.settle { fixture.isQuiet })
    }

    @Test("a failure that need not be the last word has the next attempt begin at once", arguments: [1, 2])
    func nonFatal(failures: Int) throws {
        let fixture = try fixture("attempts: 3, delay: 10s")
        for backend in fixture.backends { backend.script = [.status(14, .trailers)] }
        for backend in fixture.backends.prefix(3 - failures) { backend.script = [] }
        for _ in 0..<3 { #expect(fixture.unary().status == "0") }
        #expect(fixture.arrivals == 3 + failures && fixture.settle { fixture.isQuiet })
    }

    @Test("where all fail so, the last failure is the caller's")
    func exhausted() throws {
        let fixture = try fixture("attempts: 3, delay: 10s")
        fixture.script(.status(14, .head), times: 3)
        #expect(fixture.unary().status == "14")
        #expect(fixture.arrivals == 3 && fixture.settle { fixture.isQuiet })
    }

    @Test("any other failure is the last word, and ends the others")
    func fatal() throws {
        let fixture = try fixture("attempts: 2, delay: 20ms")
        fixture.script(.hold)
        let call = fixture.begin()
        #expect(fixture.wait { fixture.holding == 2 })
        try answer(fixture, with: .status(9))
        #expect(fixture.settle { call.isOver && fixture.holding == 0 })
        #expect(call.status == "9" && fixture.settle { fixture.isQuiet })
    }

    @Test("of two, the one that fails is forgotten while the other runs, whichever it is", arguments: [0, 1])
    func oneFails(which: Int) throws {
        let fixture = try fixture("attempts: 2, delay: 20ms")
        fixture.script(.hold)
        let call = fixture.begin()
        #expect(fixture.wait { fixture.holding == 2 })
        try answer(fixture, with: .status(14, .trailers), skipping: which)
        #expect(fixture.settle { fixture.holding == 1 })
        #expect(!call.isOver)
        try answer(fixture)
        #expect(fixture.settle { call.isOver })
        #expect(call.status == "0" && fixture.settle { fixture.isQuiet })
    }

    @Test("a backend that wants no more gets no more")
    func pushback() throws {
        let fixture = try fixture("attempts: 3, delay: 10s")
        fixture.script(.status(14, .head, pushback: "-1"))
        #expect(fixture.unary().status == "14")
        #expect(fixture.arrivals == 1)
    }

    @Test("and one that says when is asked then")
    func pushbackLater() throws {
        let fixture = try fixture("attempts: 2, delay: 10s")
        fixture.script(.status(14, .trailers, pushback: "500"))
        let call = fixture.begin()
        #expect(fixture.settle { fixture.hedges["begun"] == 1 })
        fixture.script(.hold, times: 0)
        fixture.advance(milliseconds: 499)
        #expect(fixture.arrivals == 1)
        fixture.advance(milliseconds: 3)
        #expect(fixture.settle { call.isOver })
        #expect(call.status == "0" && fixture.arrivals == 2)
    }

    @Test("beyond the budget a call has one attempt")
    func budget() throws {
        let fixture = try fixture("delay: 20ms", budget: RetryBudget(percent: 0, countMin: 0))
        fixture.script(.hold)
        let call = fixture.begin()
        #expect(fixture.wait { fixture.hedges == ["budget_exceeded": 1] })
        #expect(fixture.arrivals == 1)
        try answer(fixture)
        #expect(fixture.settle { call.isOver })
        #expect(call.status == "0" && fixture.settle { fixture.isQuiet })
    }

    @Test("a caller who leaves ends all of them")
    func abandoned() throws {
        let fixture = try fixture("attempts: 3, delay: 10ms")
        fixture.script(.hold)
        let call = fixture.begin()
        #expect(fixture.wait { fixture.holding == 3 })
        call.reset()
        #expect(fixture.settle { fixture.holding == 0 && fixture.isQuiet })
    }

    @Test("as does its deadline, which is counted as the caller's")
    func deadline() throws {
        let fixture = try fixture("attempts: 3, delay: 10ms")
        fixture.script(.hold)
        let call = fixture.begin("/a.S/Call", [("grpc-timeout", "200m")])
        #expect(fixture.wait { call.isOver })
        #expect(call.status == "4" && fixture.timeouts == ["grpc_timeout": 1])
        #expect(fixture.settle { fixture.holding == 0 && fixture.isQuiet })
    }

    @Test("a request that is not complete is not hedged")
    func streaming() throws {
        let fixture = try fixture("attempts: 3, delay: 10ms")
        fixture.script(.hold)
        let call = fixture.caller.begin("/a.S/Call")
        call.send(message: [1])
        #expect(fixture.settle { fixture.holding == 1 })
        fixture.advance(milliseconds: 100)
        #expect(fixture.arrivals == 1)
        call.finish()
        #expect(fixture.wait { fixture.holding == 3 })
        try answer(fixture, skipping: 1)
        #expect(fixture.settle { call.isOver && fixture.isQuiet })
        #expect(call.status == "0")
    }
}
