internal import RateLimit
package import Time

/// Counts in the process's own memory, each rule in its own table; answers at once.
package final class MemoryWindowStore: WindowStore {
    package unowned(unsafe) var delegate: (any WindowStoreDelegate)?

    package init() {}

    /// It is never in trouble.
    package func probe(now: Instant) -> Bool { false }

    package func count(_ decision: LimitDecision, now: Instant, wall: WallTime) -> CountAnswer {
        for index in decision.counters.indices {
            let counter = decision.counters[index]
            decision.counters[index].sum = counter.table._withUnsafeGuaranteedRef {
                $0.add(counter.hits, to: counter.digest, windowStart: counter.start, requests: counter.requests, wall: wall)
            }
        }
        decision.outcome = .counted
        return .now
    }
}
