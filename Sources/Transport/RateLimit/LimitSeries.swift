package import Metrics

/// Where decisions about one limit are counted, whichever store decides.
package struct LimitSeries: Sendable {
    package enum Outcome: String, CaseIterable, Sendable {
        case allowed
        case refused
        case shadowRefused = "shadow_refused"
    }

    /// An element for each outcome.
    package let outcomes: CounterRow
    /// Admitted calls that left it nearly used up; `nil` where it does not warn.
    package let warnings: Counter?

    package init(outcomes: CounterRow, warnings: Counter?) {
        self.outcomes = outcomes
        self.warnings = warnings
    }
}

extension MetricShard {
    package func add(_ series: LimitSeries, _ outcome: LimitSeries.Outcome) {
        let index =
            switch outcome {
            case .allowed: 0
            case .refused: 1
            case .shadowRefused: 2
            }
        add(series.outcomes, at: index)
    }
}

extension LimitRequest {
    /// Counts what each limit has said of a call that a store has decided.
    ///
    /// - Returns: whether an enforced limit is nearly used up by a call that was admitted.
    package func record(in shard: MetricShard) -> Bool {
        guard outcome.source != .none else { return false }
        let isAdmitted = outcome.isAllowed
        var warns = false
        for index in 0..<count {
            let verdict = slots[index].verdict
            guard verdict.isKnown else { continue }
            slots[index].limit._withUnsafeGuaranteedRef { limit in
                if verdict.isAllowed, isAdmitted {
                    if let series = limit.series { shard.add(series, .allowed) }
                    guard limit.isNearlyUsedUp(verdict) else { return }
                    if let warnings = limit.series?.warnings { shard.add(warnings) }
                    if !limit.isShadow { warns = true }
                } else if !verdict.isAllowed, let series = limit.series {
                    shard.add(series, limit.isShadow ? .shadowRefused : .refused)
                }
            }
        }
        return warns
    }
}

extension Limit {
    /// As much of it is used as it warns at.
    package func isNearlyUsedUp(_ verdict: LimitVerdict) -> Bool {
        guard warnPercent > 0, verdict.limit > 0, verdict.remaining <= verdict.limit else { return false }
        // A service may say a number of any size.
        let used = (verdict.limit - verdict.remaining).multipliedFullWidth(by: 100)
        let share = verdict.limit.multipliedFullWidth(by: warnPercent)
        return (used.high, used.low) >= (share.high, share.low)
    }
}
