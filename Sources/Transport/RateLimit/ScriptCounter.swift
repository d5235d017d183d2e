internal import Time

/// A counter as the limit script found it before the call. Verdicts use the Redis server's time for both clocks, because levels and windows in
/// Redis follow that clock.
struct ScriptCounter: Equatable {
    enum State: Equatable {
        /// A rate, as a word of `CounterState`.
        case rate(UInt64)
        case window(CounterState.Reading)
        /// How many calls are in flight.
        case inFlight(UInt64)
    }

    let state: State
    let nanoseconds: UInt64

    private var now: Instant { Instant(nanoseconds: nanoseconds) }
    private var wall: WallTime { WallTime(nanoseconds: nanoseconds) }

    /// What `limit` says to a call of `hits`, which was charged to all of its limits, or to none.
    func verdict(_ limit: Limit, hits: UInt64, isCharged: Bool) -> LimitVerdict {
        switch state {
        case .rate(let word):
            isCharged
                ? CounterState.judge(word, limit, hits: hits, now: now, wall: wall).verdict
                : CounterState.standing(word, limit, hits: hits, now: now, wall: wall)
        case .window(let reading):
            isCharged
                ? CounterState.judge(reading, limit, hits: hits, wall: wall).verdict
                : CounterState.standing(reading, limit, hits: hits, wall: wall)
        case .inFlight(let used):
            isCharged
                ? CounterState.judge(inFlight: used, limit, hits: hits).verdict
                : CounterState.standing(inFlight: used, limit, hits: hits)
        }
    }

    /// What `limit` says to `hits` that were charged whatever the level.
    func charged(_ limit: Limit, hits: UInt64) -> CounterState.Step {
        switch state {
        case .rate(let word): CounterState.charge(word, limit, hits: hits, now: now, wall: wall)
        case .window(let reading): CounterState.charge(reading, limit, hits: hits, wall: wall)
        case .inFlight(let used): CounterState.Step(verdict: CounterState.standing(inFlight: used, limit, hits: hits), word: 0)
        }
    }

    /// When it was charged, as the script that gives back wants it: a rate's now in µs, or the end of the window in seconds.
    var stamp: UInt64 {
        switch state {
        case .rate: nanoseconds / 1000
        case .window(let reading): reading.place.end
        // It is released, not given back.
        case .inFlight: 0
        }
    }

    /// What the script that gives back needs besides: of a rate its level before the charge, in nanoseconds; of a window until when its value
    /// counts, in seconds.
    func giveBackContext(_ limit: Limit) -> UInt64 {
        switch state {
        case .rate(let word): word > nanoseconds ? word - nanoseconds : 0
        case .window(let reading): limit.untilSecond(reading.place)
        case .inFlight: 0
        }
    }
}
