import Random
import Testing
import Time

@testable import RateLimit

@Suite struct SlidingWindowTests {
    /// The two-window weighted count as one would write it down.
    private struct Model {
        var hits: [UInt64: UInt64] = [:]
        let schedule: WindowSchedule
        let capacity: UInt64

        func used(at wall: WallTime) -> Double {
            let place = schedule.place(at: wall)
            let left = Double(place.end) - Double(wall.nanoseconds) / 1e9
            return Double(hits[place.number] ?? 0) + Double(hits[place.number &- 1] ?? 0) * left / Double(place.length)
        }
    }

    @Test(
        "never allows what the model forbids, and forbids nothing that fits by more than its rounding",
        arguments: ["20/10s sliding", "50/min sliding", "30/3h sliding", "1000/week sliding", "100/month sliding"])
    func model(text: String) throws {
        var random = RandomGenerator(seed: 77)
        let limit = try limit(text)
        let caller = Caller()
        var model = Model(schedule: limit.schedule, capacity: limit.capacity)
        let step = limit.windowSeconds * 1_000_000_000 / limit.capacity
        for _ in 0..<4000 {
            caller.advance(.nanoseconds(Int64(random.next() % (2 * step))))
            if random.next() % 50 == 0 { caller.advance(.seconds(Int64(random.next() % (2 * limit.windowSeconds)))) }
            let hits = random.next() % 4
            let used = model.used(at: caller.wall)
            let isAllowed = caller.call(limit, hits: hits).isAllowed
            let total = used + Double(max(hits, 1))
            if isAllowed {
                #expect(total <= Double(limit.capacity) + 1e-6)
                model.hits[limit.schedule.place(at: caller.wall).number, default: 0] += hits
            } else {
                // One hit for the rounding, and the 65,536th of what the window before had.
                #expect(total > Double(limit.capacity) - 1.1)
            }
        }
    }

    @Test("waiting as long as it says is enough, and a millisecond less is not")
    func waits() throws {
        var random = RandomGenerator(seed: 5)
        for _ in 0..<300 {
            let limit = try limit("60/min sliding")
            let caller = Caller()
            caller.advance(.milliseconds(Int64(random.next() % 60_000)))
            let (first, second, wanted) = (1 + random.next() % 60, 1 + random.next() % 20, 1 + random.next() % 60)
            caller.call(limit, hits: first)
            caller.advance(.milliseconds(Int64(random.next() % 90_000)))
            caller.call(limit, hits: second)
            let refused = caller.call(limit, hits: wanted)
            guard !refused.isAllowed else { continue }
            let wait = Int64(refused.retryAfterNanoseconds)
            #expect(wait > 0 && wait <= 120_000_000_000)
            caller.advance(.nanoseconds(wait - 1_000_000))
            #expect(!caller.call(limit, hits: wanted).isAllowed)
            caller.advance(.nanoseconds(1_000_000))
            #expect(caller.call(limit, hits: wanted).isAllowed, "\(first), \(second), \(wanted): \(wait)")
        }
    }

    @Test("a charge that is given back leaves the window before as it was")
    func givenBack() throws {
        let registry = CounterRegistry(seed: seed)
        let sliding = try limit("10/min sliding", name: "a", of: registry)
        let full = try limit("1/day", name: "b", of: registry)
        let caller = Caller()
        #expect(caller.call(sliding, hits: 10).isAllowed && caller.call(full).isAllowed)
        caller.advance(.seconds(90))
        for _ in 0..<5 { #expect(!caller.call(sliding, full).isAllowed) }
        #expect(caller.call(sliding, hits: 5).isAllowed && !caller.call(sliding).isAllowed)
    }

    @Test("a lost call is forgotten two windows later, and its counters may go")
    func recovers() throws {
        let limit = try limit("10/min sliding")
        let caller = Caller()
        caller.call(limit, hits: 10)
        let word = limit.word(limit.schedule.place(at: startWall), hits: 10)
        #expect(!CounterState.isRecovered(word, now: start, wall: WallTime(seconds: startWall.seconds + 119)))
        #expect(CounterState.isRecovered(word, now: start, wall: WallTime(seconds: startWall.seconds + 120)))
        caller.advance(.seconds(60))
        #expect(caller.request.verdict(at: 0).resetAfterNanoseconds == 120_000_000_000)
        #expect(!caller.call(limit).isAllowed)
        caller.advance(.seconds(60))
        #expect(caller.call(limit, hits: 10).isAllowed)
    }
}
