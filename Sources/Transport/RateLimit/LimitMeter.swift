internal import LimitRules
internal import Synchronization
package import Time

// What is asked of counters off the request path.

extension Limit {
    /// The same counters, asked how much they hold: the count in force may be less than what was used.
    package var meter: Limit {
        guard algorithm == .fixed || algorithm == .sliding else { return self }
        let most = rule.window.unit == .second ? LimitRule.countMaxOfSeconds : LimitRule.countMax
        return adjusted(count: most, burst: nil, granted: 0) ?? self
    }

    /// How many hits a verdict of `meter` tells of; a rate's are rounded up.
    package func used(_ verdict: LimitVerdict) -> UInt64 {
        guard algorithm == .rate else { return verdict.limit > verdict.remaining ? verdict.limit - verdict.remaining : 0 }
        let (hits, rest) = verdict.resetAfterNanoseconds.quotientAndRemainder(dividingBy: max(1, emission))
        return rest == 0 ? hits : hits + 1
    }

    /// The second in which the present window ends; `nil` for a rate, which has none.
    package func windowEnd(at wall: WallTime) -> Int64? {
        algorithm == .rate ? nil : Int64(clamping: schedule.place(at: wall).end)
    }
}

extension CounterTable {
    /// The counter begins anew.
    func forget(_ limit: Limit, _ digest: CounterDigest) {
        let odd = CounterDigest(low: ~digest.low, high: digest.high)
        for digest in limit.algorithm == .sliding ? [digest, odd] : [digest] {
            guard let state = find(digest)?.cell.state else { continue }
            var word = state.pointee.load(ordering: .acquiring)
            while word != CounterState.claimed {
                let swapped = state.pointee.compareExchange(expected: word, desired: 0, ordering: .acquiringAndReleasing)
                if swapped.exchanged { break }
                word = swapped.original
            }
        }
    }
}
