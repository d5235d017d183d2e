import Testing
import Time

@testable import RateLimit

@Suite struct MemoryStoreTests {
    @Test("all limits are charged or none")
    func allOrNone() throws {
        let wide = try limit("10/min per tenant", name: "wide")
        let narrow = try limit("2/s", name: "narrow")
        let caller = Caller()
        #expect((0..<5).count { _ in caller.call(wide, narrow).isAllowed } == 2)
        #expect(caller.call(wide, narrow).refusedIndex == 1)
        // The three refused calls cost the wide limit nothing, and its verdict says so.
        #expect(caller.request.verdict(at: 0).remaining == 8 && caller.request.verdict(at: 0).isAllowed)
        caller.call(wide)
        #expect(caller.request.verdict(at: 0).remaining == 7)
    }

    @Test("the outcome names the longest wait and the fewest remaining")
    func summary() throws {
        let day = try limit("3/day", name: "day")
        let second = try limit("2/s", name: "second")
        let open = try limit("100/min", name: "open")
        let caller = Caller()
        var outcome = caller.call(open, day, second)
        #expect(outcome.isAllowed && outcome.tightestIndex == 2 && outcome.refusedIndex == -1)
        #expect(outcome.retryAfterNanoseconds == 0 && outcome.source == .memory)
        caller.call(open, day, second)
        outcome = caller.call(open, day, second)
        #expect(outcome.refusedIndex == 2 && outcome.retryAfterNanoseconds == 500_000_000)
        caller.call(day)
        outcome = caller.call(open, day, second)
        #expect(outcome.refusedIndex == 1 && outcome.retryAfterNanoseconds == 57_600_000_000_000)
        #expect(outcome.decision == .refused && outcome.tightestIndex == 1)
    }

    @Test("a shadow limit is counted and told of, and refuses nothing")
    func shadow() throws {
        let shadow = try limit("2/s", name: "shadow", isShadow: true)
        let real = try limit("4/s", name: "real")
        let caller = Caller()
        #expect((0..<4).map { _ in caller.call(shadow, real).shadowRefusals } == [0, 0, 1, 1])
        let outcome = caller.call(shadow, real)
        #expect(outcome.decision == .refused && outcome.refusedIndex == 1 && outcome.tightestIndex == 1)
        #expect(caller.call(shadow).isAllowed)
        #expect(caller.call(shadow).tightestIndex == -1)
    }

    @Test("a call refused by an enforced limit costs a shadow limit nothing")
    func shadowUncharged() throws {
        let shadow = try limit("10/min", name: "shadow", isShadow: true)
        let real = try limit("1/min", name: "real")
        let caller = Caller()
        for _ in 0..<5 { caller.call(shadow, real) }
        caller.call(shadow)
        #expect(caller.request.verdict(at: 0).remaining == 8)
    }

    @Test("the same counter twice in one call is charged twice or not at all")
    func twice() throws {
        let limit = try limit("3/min")
        let caller = Caller()
        #expect(caller.call(limit, limit).isAllowed)
        #expect(!caller.call(limit, limit).isAllowed)
        #expect(caller.call(limit).isAllowed)
        #expect(!caller.call(limit).isAllowed)
    }

    @Test("sixteen limits fit one call")
    func sixteen() throws {
        let limits = try (0..<16).map { try limit("5/min", name: "\($0)") }
        let store = MemoryStore()
        let request = LimitRequest(keepsValues: false)
        for round in 0..<6 {
            request.reset()
            for limit in limits { request.begin(limit) }
            guard case .decided(let outcome) = store.decide(request, now: start, wall: startWall) else { return }
            #expect(outcome.isAllowed == (round < 5))
        }
    }

    @Test("no limits at all allow")
    func none() { #expect(Caller().call().isAllowed) }

    @Test("a charge given back is there again", arguments: ["5/s", "5/min"])
    func givenBack(text: String) throws {
        let limit = try limit(text)
        let table = limit.table
        let digest = CounterDigest(low: 1, high: 2)
        let kept = table.charge(limit, digest, hits: 2, now: start, wall: startWall)
        for _ in 0..<5 {
            let charge = table.charge(limit, digest, hits: 3, now: start, wall: startWall)
            #expect(charge.verdict.isAllowed)
            table.giveBack(charge, limit, hits: 3)
        }
        #expect(table.standing(limit, digest, hits: 0, now: start, wall: startWall).remaining == 3)
        // After its window a charge has nothing to give back; a later one keeps its hits.
        let later = WallTime(seconds: startWall.seconds + 60)
        let much = start + .seconds(60)
        let fresh = table.charge(limit, digest, hits: 5, now: much, wall: later)
        #expect(fresh.verdict.isAllowed)
        if text == "5/min" {
            table.giveBack(kept, limit, hits: 2)
            #expect(table.standing(limit, digest, hits: 0, now: much, wall: later).remaining == 0)
        }
    }
}
