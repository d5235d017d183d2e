package import Time

/// Which counter of a bucket is the least loss, at one moment: one that has recovered; else the one that has used the smallest
/// share of its limit; where all are at their limit, the one that resets first. A count of calls in flight stays while there is one:
/// that call will release it.
///
/// All counters of a table are measured by one limit, so the smallest share is the smallest use.
package struct EvictionScale {
    enum Standing: UInt8, Comparable {
        case recovered, belowLimit, atLimit, pinned

        static func < (one: Standing, other: Standing) -> Bool { one.rawValue < other.rawValue }
    }

    /// The lowest goes.
    struct Rank: Comparable {
        var standing: Standing
        /// What is used, or when it resets.
        var measure: UInt64

        static func < (one: Rank, other: Rank) -> Bool { (one.standing, one.measure) < (other.standing, other.measure) }
    }

    /// What is used is at the limit from here on: hits, or nanoseconds of a level.
    private let full: UInt64
    /// Counters that have not recovered may go.
    let evictsLive: Bool
    private let now: Instant
    private let wall: WallTime

    init(_ limit: Limit, now: Instant, wall: WallTime) {
        // A level with no room for one hit more is at its limit.
        evictsLive = limit.algorithm != .concurrency
        full = limit.algorithm == .rate ? limit.tolerance - min(limit.tolerance, limit.emission) + 1 : limit.capacity
        self.now = now
        self.wall = wall
    }

    /// For telling recovered counters from others, and no more.
    package init(now: Instant, wall: WallTime) {
        full = .max
        evictsLive = true
        self.now = now
        self.wall = wall
    }

    func isRecovered(_ word: UInt64) -> Bool { CounterState.isRecovered(word, now: now, wall: wall) }

    func rank(_ word: UInt64) -> Rank {
        if isRecovered(word) { return Rank(standing: .recovered, measure: 0) }
        if CounterState.isInFlight(word) { return Rank(standing: .pinned, measure: word) }
        let isWindow = word & CounterState.windowBit != 0
        let used = isWindow ? CounterState.hits(word) : word - now.nanoseconds
        let end = isWindow ? CounterState.untilSecond(word, near: wall) : word
        return used < full ? Rank(standing: .belowLimit, measure: used) : Rank(standing: .atLimit, measure: end)
    }
}
