import LimitRules
import Testing
import Time

@testable import RateLimit

@Suite struct CounterStateTests {
    @Test(
        "limit N allows N at once and refuses the next, whatever the algorithm",
        arguments: [
            "7/s", "7/10s", "7/min", "7/3h", "7/day", "7/week", "7/month", "1000000/s", "7/s fixed", "7/10s sliding",
            "7/min sliding",
            "7/month sliding", "7/h token_bucket", "1000000000/s fixed",
        ])
    func allowsExactly(text: String) throws {
        let limit = try limit(text)
        let caller = Caller()
        let capacity = Int(limit.capacity)
        if capacity < 100 {
            #expect(caller.allowed(of: capacity + 5, limit) == capacity)
        } else {
            #expect(caller.call(limit, hits: limit.capacity).isAllowed)
            #expect(!caller.call(limit).isAllowed)
        }
    }

    @Test("a rate gives back one hit at a time, at its pace")
    func paces() throws {
        let limit = try limit("10/s burst 3")
        let caller = Caller()
        #expect(caller.allowed(of: 5, limit) == 3)
        #expect(caller.call(limit).retryAfterNanoseconds == 100_000_000)
        caller.advance(.nanoseconds(99_999_999))
        #expect(!caller.call(limit).isAllowed)
        caller.advance(.nanoseconds(1))
        #expect(caller.allowed(of: 2, limit) == 1)
        // A long rest earns the burst and no more.
        caller.advance(.seconds(3600))
        #expect(caller.allowed(of: 10, limit) == 3)
    }

    @Test("over a long time a rate allows its count, not more than one in a thousand off")
    func longRun() throws {
        let limit = try limit("7/s burst 1")
        let caller = Caller()
        var allowed = 0
        for _ in 0..<10_000 {
            if caller.call(limit).isAllowed { allowed += 1 }
            caller.advance(.milliseconds(10))
        }
        // Asked every 10 ms, a hit costs 143 ms rounded up to 150.
        #expect(allowed == 667)
    }

    @Test("a window starts again at its end, not before")
    func windows() throws {
        let limit = try limit("2/min")
        let caller = Caller()
        caller.advance(.seconds(59))
        #expect(caller.allowed(of: 3, limit) == 2)
        #expect(caller.call(limit).retryAfterNanoseconds == 1_000_000_000)
        caller.advance(.nanoseconds(999_999_999))
        #expect(!caller.call(limit).isAllowed)
        caller.advance(.nanoseconds(1))
        #expect(caller.allowed(of: 3, limit) == 2)
    }

    @Test("remaining and reset tell of this call too")
    func verdicts() throws {
        let rate = try limit("10/s burst 20")
        let window = try limit("100/min")
        let caller = Caller()
        caller.call(rate)
        #expect(
            caller.request.verdict(at: 0)
                == LimitVerdict(
                    isAllowed: true, limit: 20, remaining: 19, retryAfterNanoseconds: 0,
                    resetAfterNanoseconds: 100_000_000))
        caller.advance(.seconds(20))
        caller.call(window, hits: 40)
        #expect(
            caller.request.verdict(at: 0)
                == LimitVerdict(
                    isAllowed: true, limit: 100, remaining: 60, retryAfterNanoseconds: 0,
                    resetAfterNanoseconds: 40_000_000_000))
        caller.call(window, hits: 61)
        #expect(
            caller.request.verdict(at: 0)
                == LimitVerdict(
                    isAllowed: false, limit: 100, remaining: 60, retryAfterNanoseconds: 40_000_000_000,
                    resetAfterNanoseconds: 40_000_000_000))
        #expect(rate.windowSeconds == 2 && window.windowSeconds == 60)
    }

    @Test(
        "a policy's window is as long as a burst needs to come back, and its quota what the window allows",
        arguments: [
            ("10/s", 10, 1), ("50/s burst 100", 100, 2), ("10/s burst 15", 15, 2), ("10/s burst 10", 10, 1),
            ("10/s burst 1", 10, 1),
            ("3/s burst 2", 3, 1), ("1/10s burst 3", 3, 30), ("60/min token_bucket burst 20", 20, 20), ("100/min", 100, 60),
        ] as [(String, UInt64, UInt64)])
    func policy(text: String, quota: UInt64, window: UInt64) throws {
        let limit = try limit(text)
        #expect(limit.quota == quota && limit.windowSeconds == window)
    }

    @Test("no hits asks without charging, and is refused only where nothing is left", arguments: ["2/s", "2/min"])
    func asks(text: String) throws {
        let limit = try limit(text)
        let caller = Caller()
        for _ in 0..<5 { #expect(caller.call(limit, hits: 0).isAllowed) }
        #expect(caller.request.verdict(at: 0).remaining == 2)
        caller.call(limit)
        #expect(caller.call(limit, hits: 0).isAllowed)
        #expect(caller.request.verdict(at: 0).remaining == 1)
        caller.call(limit)
        #expect(!caller.call(limit, hits: 0).isAllowed)
    }

    @Test(
        "more hits than the limit never fit, cost nothing, and are told not to come back", arguments: ["5/s", "5/day"])
    func tooMany(text: String) throws {
        let limit = try limit(text)
        let caller = Caller()
        for hits in [6, 1 << 40, UInt64.max] {
            let outcome = caller.call(limit, hits: hits)
            #expect(!outcome.isAllowed && outcome.retryAfterNanoseconds == LimitVerdict.never)
        }
        #expect(caller.call(limit, hits: 5).isAllowed)
    }

    @Test("a monotonic reading from another worker's earlier tick grants nothing more")
    func earlierTick() throws {
        let limit = try limit("3/s")
        let caller = Caller()
        caller.call(limit, hits: 3)
        caller.advance(.milliseconds(-500))
        #expect(caller.allowed(of: 3, limit) == 0)
        caller.advance(.milliseconds(1500))
        #expect(caller.allowed(of: 5, limit) == 3)
    }

    @Test("wall time stepped back into the last window goes on in the later one; stepped far, it begins again")
    func wallSteppedBack() throws {
        let limit = try limit("3/min")
        let caller = Caller()
        caller.advance(.seconds(61))
        #expect(caller.allowed(of: 4, limit) == 3)
        caller.wall = startWall
        #expect(caller.allowed(of: 4, limit) == 0)
        #expect(caller.call(limit).retryAfterNanoseconds == 120_000_000_000)
        caller.wall = WallTime(seconds: startWall.seconds - 86_400)
        #expect(caller.allowed(of: 4, limit) == 3)
    }

    @Test("a lowered count takes effect on what was already used")
    func lowered() throws {
        let caller = Caller()
        let registry = CounterRegistry(seed: seed)
        for (before, after) in [("10/s", "3/s"), ("10/day", "3/day")] {
            #expect(caller.call(try limit(before, of: registry), hits: 8).isAllowed)
            let outcome = caller.call(try limit(after, of: registry))
            #expect(!outcome.isAllowed)
            #expect(caller.request.verdict(at: 0).remaining == 0)
        }
    }

    @Test("the largest counts and the latest years fit the word")
    func extremes() throws {
        let limit = try limit("10_000_000_000/month")
        let caller = Caller()
        caller.wall = WallTime(seconds: 5_580_000_000)  // 2146
        #expect(caller.call(limit, hits: limit.capacity - 1).isAllowed)
        #expect(caller.allowed(of: 3, limit) == 1)
        let slow = try self.slowest()
        #expect(caller.allowed(of: 2, slow) == 1)
        #expect(caller.call(slow).retryAfterNanoseconds == 86_400_000_000_000)
    }

    private func slowest() throws -> Limit { try limit("1/86400s") }

    @Test("a count of zero, as a rate-limit service may be told, refuses everything")
    func zero() throws {
        for unit in LimitWindow.Unit.allCases {
            let limit = Limit(
                LimitRule(count: 0, window: LimitWindow(unit: unit)), name: "z", place: "p", counters: CounterRegistry(seed: seed))
            let caller = Caller()
            #expect(!caller.call(limit).isAllowed)
            #expect(!caller.call(limit, hits: 0).isAllowed)
        }
    }

    @Test("a window of seconds holds 2³² − 1 hits, and is told from others over any number of years")
    func wideSeconds() throws {
        let most = UInt64(UInt32.max)
        for year: Int64 in [2020, 2026, 2053, 2054, 2055, 2090, 2200] {
            let wall = WallTime(seconds: 1_577_836_800 + (year - 2020) * 31_557_600)
            let second = UInt64(wall.seconds) + 1
            let word = CounterState.window(until: second, hits: most, ofSeconds: true)
            #expect(word != CounterState.claimed && CounterState.hits(word) == most)
            for after: Int64 in [-86_400, 0, 86_400, 10 * 31_557_600] {
                #expect(CounterState.untilSecond(word, near: WallTime(seconds: wall.seconds + after)) == max(second, 1_577_836_800))
            }
            #expect(!CounterState.isRecovered(word, now: start, wall: wall))
            #expect(CounterState.isRecovered(word, now: start, wall: WallTime(seconds: wall.seconds + 1)))
        }
        let last = CounterState.window(until: 1_577_836_800 + 1 << 30 - 1, hits: .max, ofSeconds: true)
        #expect(last == CounterState.claimed - 1)
    }
}
