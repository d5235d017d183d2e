internal import Bytes
internal import Time

/// A counter's whole state in one 64-bit word, and the arithmetic of both algorithms on it.
///
///     rate     0 │ 63 bits: when the level has drained, nanoseconds of the monotonic clock (GCRA's "TAT")
///     window   1 │ 27 bits: the window's end, minutes since 1970 (to 2225) │ 36 bits: hits so far
///
/// Zero is an unused counter. Pure: no memory, no clock.
///
/// Clocks go backwards: workers read theirs at different moments, and wall time is stepped. A rate's level then only looks
/// fuller. A window goes on counting in the later window while the step is shorter than a window; after a longer one the
/// counter begins again, so that a clock that was wrong for a moment blocks no key for a year.
enum CounterState {
    static let windowBit: UInt64 = 1 << 63
    static let hitBits: UInt64 = 36
    static let hitMask: UInt64 = 1 << hitBits - 1
    static let minuteMax: UInt64 = 1 << 27 - 1
    /// Marks a cell that is just being given to another key; no counter ever reaches it.
    static let claimed = UInt64.max

    struct Step {
        var verdict: LimitVerdict
        /// The word after the charge; only of use if allowed.
        var word: UInt64
    }

    static func window(endMinute: UInt64, hits: UInt64) -> UInt64 {
        windowBit | min(endMinute, minuteMax - 1) << hitBits | min(hits, hitMask)
    }

    static func endMinute(_ word: UInt64) -> UInt64 { (word & ~windowBit) >> hitBits }

    static func hits(_ word: UInt64) -> UInt64 { word & hitMask }

    /// Whether nothing that was counted here matters any more, so that the cell may serve another key.
    static func isRecovered(_ word: UInt64, now: Instant, wall: WallTime) -> Bool {
        if word & windowBit == 0 { return word <= now.nanoseconds }
        return word != claimed && endMinute(word) * 60_000_000_000 <= wall.nanoseconds
    }

    /// What `limit` says to a call of `hits`, and what the word becomes if it is charged.
    ///
    /// No hits is a question, charged nothing: it is refused where not even one hit is left.
    static func judge(_ word: UInt64, _ limit: Limit, hits: UInt64, now: Instant, wall: WallTime) -> Step {
        if limit.algorithm == .rate {
            let drained = word & windowBit == 0 ? word : 0
            let level = drained > now.nanoseconds ? drained - now.nanoseconds : 0
            return judge(level: level, limit, hits: hits, now: now)
        }
        let current = limit.windowEnd(at: wall)
        var end = current
        var used: UInt64 = 0
        if word & windowBit != 0 {
            let counted = endMinute(word)
            if counted == current || (counted > current && counted - current <= limit.spanMinutesMax) {
                end = counted
                used = self.hits(word)
            }
        }
        return judge(used: used, endMinute: end, limit, hits: hits, wall: wall)
    }

    /// What `limit` says to a call of `hits` that will not be charged, whatever it says: `remaining` is as things stand.
    static func standing(
        _ word: UInt64, _ limit: Limit, hits: UInt64, now: Instant, wall: WallTime
    ) -> LimitVerdict {
        let asked = judge(word, limit, hits: hits, now: now, wall: wall).verdict
        // Where the call fits, at least one hit is left, so the question alone is allowed too.
        return asked.isAllowed ? judge(word, limit, hits: 0, now: now, wall: wall).verdict : asked
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

    private static func judge(
        used: UInt64, endMinute: UInt64, _ limit: Limit, hits: UInt64, wall: WallTime
    ) -> Step {
        let wanted = max(hits, 1)
        let room = limit.capacity > used ? limit.capacity - used : 0
        let untilEnd = WindowEnd.nanoseconds(until: endMinute, from: wall)
        let reset = used == 0 ? 0 : untilEnd
        guard wanted <= limit.capacity else {
            return refused(limit, remaining: room, retry: LimitVerdict.never, reset: reset)
        }
        guard wanted <= room else { return refused(limit, remaining: room, retry: untilEnd, reset: reset) }
        return Step(
            verdict: LimitVerdict(
                isAllowed: true, limit: limit.capacity, remaining: room - hits, retryAfterNanoseconds: 0,
                resetAfterNanoseconds: used + hits == 0 ? 0 : untilEnd),
            word: window(endMinute: endMinute, hits: used + hits))
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
        guard word & windowBit != 0, endMinute(word) == endMinute(charged) else { return word }
        let used = self.hits(word)
        return window(endMinute: endMinute(word), hits: used > hits ? used - hits : 0)
    }
}
