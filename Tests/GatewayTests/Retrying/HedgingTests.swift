import Balancing
import GRPCTesting
import Testing

@testable import Gateway

@Suite("Calls that are made several times at once")
struct HedgingTests {
    /// Three backends, in turn.
    private func house(_ hedging: String, budget: RetryBudget? = nil) throws -> RetryHouse {
        try RetryHouse(
            3, route: "service: a.S, methods: { Call: { idempotent: true, hedging: { \(hedging) } } }", budget: budget)
    }

    private func answer(_ house: RetryHouse, with reply: TestBackend.Reply? = nil, skipping count: Int = 0) throws {
        let held = house.backends.flatMap { backend in backend.held.map { (backend, $0) } }
        let (backend, stream) = try #require(held.dropFirst(count).first)
        if let reply { backend.drop(stream, reply) } else { backend.answer(stream) }
    }

    @Test("an attempt that is slow gets company, each at another endpoint, and the first to answer ends the others")
    func delay() throws {
        let house = try house("attempts: 3, delay: 50ms")
        house.script(.hold)
        let call = house.begin(bytes: 10)
        #expect(house.settle { house.holding == 1 })
        house.advance(milliseconds: 49)
        #expect(house.arrivals == 1)
        house.advance(milliseconds: 2)
        #expect(house.settle { house.holding == 2 })
        house.advance(milliseconds: 51)
        #expect(house.settle { house.holding == 3 })
        #expect(house.backends.allSatisfy { $0.paths.count == 1 && $0.bodyBytes == 15 })
        #expect(house.previousAttempts == ["1", "2"])
        house.advance(milliseconds: 500)
        #expect(house.arrivals == 3, "no more than it may")
        try answer(house)
        #expect(house.settle { call.isOver && house.holding == 0 })
        #expect(call.status == "0")
        #expect(house.settle { house.isQuiet })
        #expect(house.hedges["begun"] == 2)
    }

    @Test("one that answers in time has none")
    func fast() throws {
        let house = try house("delay: 50ms")
        #expect(house.unary().status == "0")
        house.advance(milliseconds: 200)
        #expect(house.arrivals == 1 && house.hedges.isEmpty && house.isQuiet)
    }

    @Test("without a delay all begin at once, and the answer with a body wins whatever comes behind")
    func atOnce() throws {
        let house = try house("attempts: 3, delay: 0s")
        house.script(.hold)
        let call = house.begin()
        house.advance(milliseconds: 5)
        house.advance(milliseconds: 5)
        #expect(house.settle { house.holding == 3 })
        try answer(house, with: .status(0, .afterBody), skipping: 2)
        #expect(house.settle { call.isOver && house.holding == 0 })
        #expect(call.status == "0" && call.messages == [[7]])
        #expect(house.settle { house.isQuiet })
    }

    @Test("a failure that need not be the last word has the next attempt begin at once", arguments: [1, 2])
    func nonFatal(failures: Int) throws {
        let house = try house("attempts: 3, delay: 10s")
        for backend in house.backends { backend.script = [.status(14, .trailers)] }
        for backend in house.backends.prefix(3 - failures) { backend.script = [] }
        for _ in 0..<3 { #expect(house.unary().status == "0") }
        #expect(house.arrivals == 3 + failures && house.settle { house.isQuiet })
    }

    @Test("where all fail so, the last failure is the caller's")
    func exhausted() throws {
        let house = try house("attempts: 3, delay: 10s")
        house.script(.status(14, .head), times: 3)
        #expect(house.unary().status == "14")
        #expect(house.arrivals == 3 && house.settle { house.isQuiet })
    }

    @Test("any other failure is the last word, and ends the others")
    func fatal() throws {
        let house = try house("attempts: 2, delay: 20ms")
        house.script(.hold)
        let call = house.begin()
        #expect(house.wait { house.holding == 2 })
        try answer(house, with: .status(9))
        #expect(house.settle { call.isOver && house.holding == 0 })
        #expect(call.status == "9" && house.settle { house.isQuiet })
    }

    @Test("of two, the one that fails is forgotten while the other runs, whichever it is", arguments: [0, 1])
    func oneFails(which: Int) throws {
        let house = try house("attempts: 2, delay: 20ms")
        house.script(.hold)
        let call = house.begin()
        #expect(house.wait { house.holding == 2 })
        try answer(house, with: .status(14, .trailers), skipping: which)
        #expect(house.settle { house.holding == 1 })
        #expect(!call.isOver)
        try answer(house)
        #expect(house.settle { call.isOver })
        #expect(call.status == "0" && house.settle { house.isQuiet })
    }

    @Test("a backend that wants no more gets no more")
    func pushback() throws {
        let house = try house("attempts: 3, delay: 10s")
        house.script(.status(14, .head, pushback: "-1"))
        #expect(house.unary().status == "14")
        #expect(house.arrivals == 1)
    }

    @Test("and one that says when is asked then")
    func pushbackLater() throws {
        let house = try house("attempts: 2, delay: 10s")
        house.script(.status(14, .trailers, pushback: "500"))
        let call = house.begin()
        #expect(house.settle { house.hedges["begun"] == 1 })
        house.script(.hold, times: 0)
        house.advance(milliseconds: 499)
        #expect(house.arrivals == 1)
        house.advance(milliseconds: 3)
        #expect(house.settle { call.isOver })
        #expect(call.status == "0" && house.arrivals == 2)
    }

    @Test("beyond the budget a call has one attempt")
    func budget() throws {
        let house = try house("delay: 20ms", budget: RetryBudget(percent: 0, countMin: 0))
        house.script(.hold)
        let call = house.begin()
        #expect(house.wait { house.hedges == ["budget_exceeded": 1] })
        #expect(house.arrivals == 1)
        try answer(house)
        #expect(house.settle { call.isOver })
        #expect(call.status == "0" && house.settle { house.isQuiet })
    }

    @Test("a caller who leaves ends all of them")
    func abandoned() throws {
        let house = try house("attempts: 3, delay: 10ms")
        house.script(.hold)
        let call = house.begin()
        #expect(house.wait { house.holding == 3 })
        call.reset()
        #expect(house.settle { house.holding == 0 && house.isQuiet })
    }

    @Test("as does its deadline, which is counted as the caller's")
    func deadline() throws {
        let house = try house("attempts: 3, delay: 10ms")
        house.script(.hold)
        let call = house.begin("/a.S/Call", [("grpc-timeout", "200m")])
        #expect(house.wait { call.isOver })
        #expect(call.status == "4" && house.timeouts == ["grpc_timeout": 1])
        #expect(house.settle { house.holding == 0 && house.isQuiet })
    }

    @Test("a request that is not complete is not hedged")
    func streaming() throws {
        let house = try house("attempts: 3, delay: 10ms")
        house.script(.hold)
        let call = house.caller.begin("/a.S/Call")
        call.send(message: [1])
        #expect(house.settle { house.holding == 1 })
        house.advance(milliseconds: 100)
        #expect(house.arrivals == 1)
        call.finish()
        #expect(house.wait { house.holding == 3 })
        try answer(house, skipping: 1)
        #expect(house.settle { call.isOver && house.isQuiet })
        #expect(call.status == "0")
    }
}
