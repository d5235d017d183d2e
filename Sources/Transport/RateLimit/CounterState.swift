internal import Bytes
internal import Time

/// A counter's whole state in one 64-bit word, and the arithmetic of the algorithms on it.
///
///     rate               0 │ 63 bits: when the level has drained, nanoseconds of the monotonic clock (GCRA's "TAT")
///     window of minutes  10 │ 26 bits: until when it counts, minutes since 2020 (to 2147) │ 36 bits: hits so far
///     window of seconds  11 │ 30 bits: until when it counts, seconds since 2020 modulo 2³⁰ (34 years) │ 32 bits: hits so far
///     calls in flight    01 │ 62 bits: how many (a rate has a clock of 146 years)
///
/// A fixed window counts until its end. A sliding one is in two words, of even windows and of odd ones, and each counts until the
/// window behind its own has ended. Zero is an unused counter. Pure: no memory, no clock.
///
/// Clocks go backwards: workers read theirs at different moments, and wall time is stepped. A rate's level then only looks
/// fuller. A window goes on counting in the later window while the step is shorter than a window; after a longer one the
/// counter begins again, so that a clock that was wrong for a moment blocks no key for a year.
enum CounterState {
    static let windowBit: UInt64 = 1 << 63
    private static let secondsBit: UInt64 = 1 << 62
    private static let inFlightBit: UInt64 = 1 << 62
    /// 2020-01-01T00:00Z.
    private static let firstSecond: UInt64 = 1_577_836_800
    private static let (minuteBits, minuteHitBits): (UInt64, UInt64) = (26, 36)
    private static let (secondBits, secondHitBits): (UInt64, UInt64) = (30, 32)
    /// The most that a window of minutes holds, and one of seconds.
    static let hitsMax: UInt64 = 1 << 36 - 1
    static let hitsMaxOfSeconds: UInt64 = 1 << 32 - 1
    /// How far from drained a rate's level may be, charges whatever the level included: 90 days, which is exact in Redis's doubles.
    static let levelMax: UInt64 = 90 * 86_400 * 1_000_000_000
    /// Marks a cell that is just being given to another key; no counter ever reaches it.
    static let claimed = UInt64.max

    struct Step {
        var verdict: LimitVerdict
        /// The word after the charge; only of use if allowed.
        var word: UInt64
    }

    /// What a window has counted, as some store tells it.
    struct Reading: Equatable {
        var place: WindowSchedule.Place
        var hits: UInt64
        /// Of a sliding window: the hits of the one before.
        var previous: UInt64
    }

    // MARK: Words

    static func window(until second: UInt64, hits: UInt64, ofSeconds: Bool) -> UInt64 {
        let since = second > firstSecond ? second - firstSecond : 0
        guard ofSeconds else {
            return windowBit | min(since / 60, 1 << minuteBits - 1) << minuteHitBits | min(hits, hitsMax)
        }
        let word = windowBit | secondsBit | (since & (1 << secondBits - 1)) << secondHitBits | min(hits, hitsMaxOfSeconds)
        return min(word, claimed - 1)
    }

    /// Until when the window counts, in seconds since 1970: of one of seconds the moment nearest to `wall`.
    static func untilSecond(_ word: UInt64, near wall: WallTime) -> UInt64 {
        if word & secondsBit == 0 { return firstSecond + (word & ~windowBit) >> minuteHitBits * 60 }
        let second = wall.nanoseconds / 1_000_000_000
        let since = second > firstSecond ? second - firstSecond : 0
        let (turn, half): (UInt64, UInt64) = (1 << secondBits, 1 << (secondBits - 1))
        let ahead = ((word & ~(windowBit | secondsBit)) >> secondHitBits &- since) & (turn - 1)
        let behind = turn - ahead
        return firstSecond + (ahead < half || behind > since ? since + ahead : since - behind)
    }

    static func hits(_ word: UInt64) -> UInt64 { word & (word & secondsBit == 0 ? hitsMax : hitsMaxOfSeconds) }

    /// Whether nothing that was counted here matters any more, so that the cell may serve another key.
    static func isRecovered(_ word: UInt64, now: Instant, wall: WallTime) -> Bool {
        if word & windowBit == 0 { return word <= now.nanoseconds }
        return word != claimed && untilSecond(word, near: wall) * 1_000_000_000 <= wall.nanoseconds
    }

    // MARK: Verdicts

    /// What `limit` says to a call of `hits`, and what the word becomes if it is charged.
    ///
    /// No hits is a question, charged nothing: it is refused where not even one hit is left.
    ///
    /// - Parameter previous: of a sliding window: the word of the window before.
    static func judge(
        _ word: UInt64, previous: UInt64 = 0, _ limit: Limit, hits: UInt64, now: Instant, wall: WallTime
    ) -> Step {
        if limit.algorithm == .rate {
            let drained = word & windowBit == 0 ? word : 0
            let level = drained > now.nanoseconds ? drained - now.nanoseconds : 0
            return judge(level: level, limit, hits: hits, now: now)
        }
        if limit.algorithm == .concurrency {
            let step = judge(inFlight: inFlight(word), limit, hits: hits)
            return Step(verdict: step.verdict, word: inFlightBit | step.word)
        }
        return judge(reading(word, previous, limit, wall), limit, hits: hits, wall: wall)
    }

    private static func reading(_ word: UInt64, _ previous: UInt64, _ limit: Limit, _ wall: WallTime) -> Reading {
        var place = limit.schedule.place(at: wall)
        var used: UInt64 = 0
        if word & windowBit != 0 {
            let (counted, current) = (untilSecond(word, near: wall), limit.untilSecond(place))
            if counted == current {
                used = hits(word)
            } else if isLater(word, than: place, limit, wall) {
                place = limit.place(countingUntil: counted)
                used = hits(word)
            }
        }
        let follows =
            limit.algorithm == .sliding && previous & windowBit != 0 && untilSecond(previous, near: wall) == place.end
        return Reading(place: place, hits: used, previous: follows ? hits(previous) : 0)
    }

    /// Whether it is of a later window, by no more than the longest: a clock went back.
    static func isLater(_ word: UInt64, than place: WindowSchedule.Place, _ limit: Limit, _ wall: WallTime) -> Bool {
        guard word & windowBit != 0, word != claimed else { return false }
        let (counted, current) = (untilSecond(word, near: wall), limit.untilSecond(place))
        return counted > current && counted - current <= limit.schedule.longest
    }

    /// What `limit` says to a call of `hits` that will not be charged, whatever it says: `remaining` is as things stand.
    static func standing(
        _ word: UInt64, previous: UInt64 = 0, _ limit: Limit, hits: UInt64, now: Instant, wall: WallTime
    ) -> LimitVerdict {
        let asked = judge(word, previous: previous, limit, hits: hits, now: now, wall: wall).verdict
        // Where the call fits, at least one hit is left, so the question alone is allowed too.
        return asked.isAllowed ? judge(word, previous: previous, limit, hits: 0, now: now, wall: wall).verdict : asked
    }

    /// The same for a window that another store counts in.
    static func standing(_ reading: Reading, _ limit: Limit, hits: UInt64, wall: WallTime) -> LimitVerdict {
        let asked = judge(reading, limit, hits: hits, wall: wall).verdict
        return asked.isAllowed ? judge(reading, limit, hits: 0, wall: wall).verdict : asked
    }

    private static func judge(level: UInt64, _ limit: Limit, hits: UInt64, now: Instant) -> Step {
        let wanted = max(hits, 1)
        let room = limit.tolerance > level ? limit.tolerance - level : 0
        guard wanted <= limit.capacity else {
            return refused(limit, remaining: room / limit.emission, retry: LimitVerdict.never, reset: level)
        }
        let cost = wanted * limit.emission
        guard cost <= room else {
            return refused(
                limit, remaining: room / limit.emission, retry: level + cost - limit.tolerance, reset: level)
        }
        let after = level + hits * limit.emission
        return Step(
            verdict: LimitVerdict(
                isAllowed: true, limit: limit.capacity, remaining: (limit.tolerance - after) / limit.emission,
                retryAfterNanoseconds: 0, resetAfterNanoseconds: after),
            word: (now.nanoseconds &+ after) & ~windowBit)
    }

    /// The same for calls in flight that another store counts.
    static func standing(inFlight used: UInt64, _ limit: Limit, hits: UInt64) -> LimitVerdict {
        let asked = judge(inFlight: used, limit, hits: hits).verdict
        return asked.isAllowed ? judge(inFlight: used, limit, hits: 0).verdict : asked
    }

    /// What `limit` says to a call of `hits` beside so many that are in flight.
    static func judge(inFlight used: UInt64, _ limit: Limit, hits: UInt64) -> Step {
        let wanted = max(hits, 1)
        let room = limit.capacity > used ? limit.capacity - used : 0
        guard wanted <= room else {
            // When another ends is not known.
            return refused(
                limit, remaining: room, retry: wanted > limit.capacity ? LimitVerdict.never : retryInFlight, reset: 0)
        }
        return Step(
            verdict: LimitVerdict(
                isAllowed: true, limit: limit.capacity, remaining: room - hits, retryAfterNanoseconds: 0, resetAfterNanoseconds: 0),
            word: used + hits)
    }

    private static let retryInFlight: UInt64 = 1_000_000_000

    static func judge(_ reading: Reading, _ limit: Limit, hits: UInt64, wall: WallTime) -> Step {
        limit.algorithm == .sliding
            ? judgeSliding(reading, limit, hits: hits, wall: wall) : judgeFixed(reading, limit, hits: hits, wall: wall)
    }

    private static func judgeFixed(_ reading: Reading, _ limit: Limit, hits: UInt64, wall: WallTime) -> Step {
        let wanted = max(hits, 1)
        let used = reading.hits
        let room = limit.capacity > used ? limit.capacity - used : 0
        let untilEnd = nanoseconds(from: wall, until: reading.place.end)
        let reset = used == 0 ? 0 : untilEnd
        guard wanted <= limit.capacity else {
            return refused(limit, remaining: room, retry: LimitVerdict.never, reset: reset)
        }
        guard wanted <= room else { return refused(limit, remaining: room, retry: untilEnd, reset: reset) }
        return Step(
            verdict: LimitVerdict(
                isAllowed: true, limit: limit.capacity, remaining: room - hits, retryAfterNanoseconds: 0,
                resetAfterNanoseconds: used + hits == 0 ? 0 : untilEnd),
            word: limit.word(reading.place, hits: used + hits))
    }

    private static func judgeSliding(_ reading: Reading, _ limit: Limit, hits: UInt64, wall: WallTime) -> Step {
        let wanted = max(hits, 1)
        let sliding = SlidingWindow(reading.place, previous: reading.previous, wall: wall)
        let used = reading.hits
        let standing = used + sliding.carried
        let room = limit.capacity > standing ? limit.capacity - standing : 0
        func reset(_ used: UInt64) -> UInt64 {
            if used > 0 { return nanoseconds(from: wall, until: reading.place.next) }
            return reading.previous > 0 ? nanoseconds(from: wall, until: reading.place.end) : 0
        }
        guard wanted <= limit.capacity else {
            return refused(limit, remaining: room, retry: LimitVerdict.never, reset: reset(used))
        }
        guard wanted <= room else {
            let wait = sliding.wait(for: wanted, used: used, capacity: limit.capacity)
            return refused(limit, remaining: room, retry: wait, reset: reset(used))
        }
        return Step(
            verdict: LimitVerdict(
                isAllowed: true, limit: limit.capacity, remaining: room - hits, retryAfterNanoseconds: 0,
                resetAfterNanoseconds: reset(used + hits)),
            word: limit.word(reading.place, hits: used + hits))
    }

    // MARK: Charges whatever the level

    /// What `limit` says to `hits` that are charged whether they fit or not, and what the word becomes.
    ///
    /// They fit where the level with them is at most the limit, so no hits fit unless something was charged beyond it. A window holds
    /// `hitsMax` at most, and a rate's level `levelMax`: what is more is not remembered. The verdict is as things stand after the charge.
    static func charge(
        _ word: UInt64, previous: UInt64 = 0, _ limit: Limit, hits: UInt64, now: Instant, wall: WallTime
    ) -> Step {
        if limit.algorithm == .rate {
            let drained = word & windowBit == 0 ? word : 0
            return charge(level: drained > now.nanoseconds ? drained - now.nanoseconds : 0, limit, hits: hits, now: now)
        }
        return charge(reading(word, previous, limit, wall), limit, hits: hits, wall: wall)
    }

    private static func charge(level: UInt64, _ limit: Limit, hits: UInt64, now: Instant) -> Step {
        let (cost, overflow) = hits.multipliedReportingOverflow(by: limit.emission)
        let after = min(level, levelMax) + min(overflow ? .max : cost, levelMax)
        let word = (now.nanoseconds &+ min(after, levelMax)) & ~windowBit
        if hits <= limit.capacity, after <= limit.tolerance {
            return Step(
                verdict: LimitVerdict(
                    isAllowed: true, limit: limit.capacity, remaining: (limit.tolerance - after) / limit.emission,
                    retryAfterNanoseconds: 0, resetAfterNanoseconds: after),
                word: word)
        }
        return Step(verdict: judge(level: min(after, levelMax), limit, hits: hits, now: now).verdict, word: word)
    }

    static func charge(_ reading: Reading, _ limit: Limit, hits: UInt64, wall: WallTime) -> Step {
        let hits = min(hits, hitsMax)
        var after = reading
        after.hits = min(reading.hits + hits, hitsMax)
        let carried =
            limit.algorithm == .sliding ? SlidingWindow(reading.place, previous: reading.previous, wall: wall).carried : 0
        let word = limit.word(reading.place, hits: after.hits)
        let fits = reading.hits + hits + carried <= limit.capacity
        guard fits else { return Step(verdict: judge(after, limit, hits: hits, wall: wall).verdict, word: word) }
        var verdict = judge(after, limit, hits: 0, wall: wall).verdict
        // A limit that is just used up would refuse the next hit.
        verdict.isAllowed = true
        verdict.retryAfterNanoseconds = 0
        return Step(verdict: verdict, word: word)
    }

    /// Zero once it has passed.
    private static func nanoseconds(from wall: WallTime, until second: UInt64) -> UInt64 {
        let end = second * 1_000_000_000
        return end > wall.nanoseconds ? end - wall.nanoseconds : 0
    }

    private static func refused(_ limit: Limit, remaining: UInt64, retry: UInt64, reset: UInt64) -> Step {
        Step(
            verdict: LimitVerdict(
                isAllowed: false, limit: limit.capacity, remaining: remaining, retryAfterNanoseconds: retry,
                resetAfterNanoseconds: reset),
            word: 0)
    }

    /// The word after giving back `hits` that were charged when the word became `charged`.
    ///
    /// A rate never falls below where it stood before that charge, and a window that has ended since keeps nothing to
    /// give back.
    static func giveBack(_ word: UInt64, charged: UInt64, _ limit: Limit, hits: UInt64) -> UInt64 {
        if limit.algorithm == .rate {
            let cost = hits * limit.emission
            return word & windowBit == 0 && word > cost ? word - cost : word
        }
        if limit.algorithm == .concurrency { return released(word, hits: hits) }
        let bits = word & secondsBit == 0 ? hitsMax : hitsMaxOfSeconds
        guard word & windowBit != 0, word & ~bits == charged & ~bits else { return word }
        let used = word & bits
        return word & ~bits | (used > hits ? used - hits : 0)
    }

    /// The word of calls in flight, less `hits`.
    static func released(_ word: UInt64, hits: UInt64) -> UInt64 { inFlight(word) > hits ? word - hits : 0 }

    static func isInFlight(_ word: UInt64) -> Bool { word & (windowBit | inFlightBit) == inFlightBit }

    private static func inFlight(_ word: UInt64) -> UInt64 { isInFlight(word) ? word & ~inFlightBit : 0 }
}
