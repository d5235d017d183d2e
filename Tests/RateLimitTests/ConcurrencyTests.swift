import Reactor
import Synchronization
import Testing
import Time

@testable import RateLimit

@Suite("Calls in flight, in memory")
struct ConcurrencyTests {
    @Test("a call holds its place until its end, and not a moment longer")
    func holds() throws {
        let limit = try limit("2 at once per tenant")
        let caller = Caller()
        #expect(caller.call(limit).isAllowed)
        let first = try #require(caller.request.takeHolds())
        #expect(caller.request.verdict(at: 0).remaining == 1)
        #expect(caller.call(limit).isAllowed)
        let second = try #require(caller.request.takeHolds())
        caller.advance(.seconds(86_400))
        let refused = caller.call(limit)
        #expect(refused.decision == .refused && refused.retryAfterNanoseconds == 1_000_000_000)
        #expect(caller.request.holds == nil)
        #expect(caller.call(limit, key: "other").isAllowed)
        caller.request.takeHolds()?.release()
        first.release()
        #expect(caller.call(limit).isAllowed)
        caller.request.takeHolds()?.release()
        second.release()
        #expect(caller.call(limit, hits: 2).isAllowed)
        #expect(caller.request.verdict(at: 0).remaining == 0)
        #expect(caller.call(limit, hits: 3).retryAfterNanoseconds == LimitVerdict.never)
    }

    @Test("with other limits it is one decision: a refused call holds nothing and is charged nothing")
    func allOrNone() throws {
        let atOnce = try limit("1 at once", name: "at-once")
        let window = try limit("3/min", name: "window")
        let other = try limit("5 at once", name: "other")
        let caller = Caller()
        #expect(caller.call(atOnce, window, other).isAllowed)
        let first = try #require(caller.request.takeHolds())
        #expect(first.next != nil && first.next?.next == nil)
        for _ in 0..<5 { #expect(caller.call(window, other, atOnce).refusedIndex == 2) }
        #expect(caller.request.verdict(at: 0).remaining == 2 && caller.request.verdict(at: 1).remaining == 4)
        first.release()
        for _ in 0..<2 {
            #expect(caller.call(atOnce, window, other).isAllowed)
            caller.request.takeHolds()?.release()
        }
        // The window is full: whatever the order, nothing stays held.
        for _ in 0..<3 { #expect(caller.call(atOnce, other, window).refusedIndex == 2) }
        #expect(caller.call(other, hits: 5).isAllowed)
    }

    @Test("in shadow mode it is counted as far as it goes, and told of")
    func shadow() throws {
        let shadow = try limit("1 at once", isShadow: true)
        let caller = Caller()
        #expect(caller.call(shadow).shadowRefusals == 0)
        let first = try #require(caller.request.takeHolds())
        let second = caller.call(shadow)
        #expect(second.isAllowed && second.shadowRefusals == 1 && caller.request.holds == nil)
        first.release()
        #expect(caller.call(shadow).shadowRefusals == 0)
    }

    @Test("a lower count refuses until as many have ended")
    func lowered() throws {
        let registry = CounterRegistry(seed: seed)
        let wide = try limit("5 at once", of: registry)
        let narrow = try limit("2 at once", of: registry)
        let caller = Caller()
        let held = try (0..<4).map { _ in
            #expect(caller.call(wide).isAllowed)
            return try #require(caller.request.takeHolds())
        }
        #expect(!caller.call(narrow).isAllowed && caller.request.verdict(at: 0).remaining == 0)
        held[0].release()
        held[1].release()
        #expect(!caller.call(narrow).isAllowed)
        held[2].release()
        #expect(caller.call(narrow).isAllowed)
    }

    @Test("no other key evicts a count of calls in flight, also where there are more keys than counters")
    func pinned() throws {
        let limit = try limit("1 at once per tenant", counters: 40)
        let caller = Caller()
        let held = try (0..<400).map { number in
            #expect(caller.call(limit, key: "key \(number)").isAllowed)
            return try #require(caller.request.takeHolds())
        }
        #expect(limit.table.count == 400)
        for number in 0..<400 { #expect(!caller.call(limit, key: "key \(number)").isAllowed) }
        for hold in held { hold.release() }
        // What is over makes room like any other.
        for number in 400..<2000 {
            #expect(caller.call(limit, key: "key \(number)").isAllowed)
            caller.request.takeHolds()?.release()
        }
        #expect(limit.table.count < 400)
        let scale = EvictionScale(now: caller.now, wall: caller.wall)
        _ = limit.table.maintain(scale, buckets: 1 << 20)
        #expect(limit.table.count == 0)
        #expect(limit.table.evictedBelowLimit.load(ordering: .relaxed) == 0)
        #expect(limit.table.evictedAtLimit.load(ordering: .relaxed) == 0)
    }

    @Test("many threads hold at most the limit at a time, and in the end nothing")
    func threads() throws {
        let limit = try limit("5 at once")
        let table = limit.table
        let inFlight = Atomic<Int>(0)
        let highest = Atomic<Int>(0)
        let granted = Atomic<Int>(0)
        onThreads(8) { _ in
            for _ in 0..<20_000 {
                let charge = table.charge(limit, CounterDigest(low: 7, high: 9), hits: 1, now: start, wall: startWall)
                guard charge.verdict.isAllowed else { continue }
                let count = inFlight.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue
                highest.max(count, ordering: .relaxed)
                granted.wrappingAdd(1, ordering: .relaxed)
                inFlight.wrappingSubtract(1, ordering: .acquiringAndReleasing)
                table.release(1, at: charge.cell)
            }
        }
        #expect(highest.load(ordering: .relaxed) <= 5 && granted.load(ordering: .relaxed) > 0)
        #expect(table.find(CounterDigest(low: 7, high: 9))?.word == 0)
    }
}
