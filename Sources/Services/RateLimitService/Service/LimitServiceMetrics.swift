package import Metrics

/// What the service counts: requests by domain and outcome, and how long they took.
///
/// A domain that no rule names shares one series with all such, so that callers cannot make series.
package final class LimitServiceMetrics: Sendable {
    /// How a request was answered; `shadowOverLimit` is counted beside that, where a rule under trial would have refused.
    enum Outcome: Int, CaseIterable {
        case withinLimit, overLimit, shadowOverLimit
        /// The store did not answer: this process alone counted, nothing counted and the answer was OK, or the caller was
        /// told.
        case localWithinLimit, localOverLimit, skipped, unavailable

        var text: String {
            switch self {
            case .withinLimit: "within_limit"
            case .overLimit: "over_limit"
            case .shadowOverLimit: "shadow_over_limit"
            case .localWithinLimit: "local_within_limit"
            case .localOverLimit: "local_over_limit"
            case .skipped: "skipped"
            case .unavailable: "unavailable"
            }
        }
    }

    private let registry: MetricRegistry
    let durations: Histogram

    static let otherDomains = "(other)"

    package init(_ registry: MetricRegistry) {
        self.registry = registry
        durations = registry.histogram(
            "martlet_ratelimit_request_duration_seconds", help: "Duration of rate-limit requests.")
    }

    /// One row for each domain of the rules, in their order, and the last for all others.
    func rows(_ rules: RuleTree) -> [CounterRow] {
        (rules.domainNames + [Self.otherDomains]).map { domain in
            registry.row(
                "martlet_ratelimit_requests_total", help: "Rate-limit requests, by domain and outcome.",
                labels: [Label("domain", domain)], over: "outcome", values: Outcome.allCases.map(\.text))
        }
    }

    fileprivate func storeDown(_ worker: Int) -> Gauge {
        registry.gauge(
            "martlet_limit_store_down", help: "1 while a worker decides without its rate-limit store.",
            labels: [Label("worker", "\(worker)")])
    }

    fileprivate func makeShard() -> MetricShard { registry.makeShard() }
}

/// One worker's writer of the service's metrics.
final class LimitServiceCounts {
    private let metrics: LimitServiceMetrics
    private let shard: MetricShard
    private let storeDown: Gauge
    /// Of a generation of rules; requests that began under older ones keep theirs.
    private var rows: [CounterRow]

    init(_ metrics: LimitServiceMetrics, rules: RuleTree, worker: Int) {
        self.metrics = metrics
        shard = metrics.makeShard()
        storeDown = metrics.storeDown(worker)
        rows = metrics.rows(rules)
    }

    func adopt(_ rules: RuleTree) { rows = metrics.rows(rules) }

    /// The row for a domain's number in the rules of now; -1 is any other domain.
    func row(ofDomain number: Int) -> CounterRow { number < 0 ? rows[rows.count - 1] : rows[number] }

    func setStore(isDown: Bool) { shard.set(storeDown, to: isDown ? 1 : 0) }

    func answered(_ decision: LimitDecision, nanoseconds: UInt64) {
        guard let row = decision.row else { return }
        shard.observe(metrics.durations, nanoseconds: nanoseconds)
        shard.add(row, at: outcome(of: decision).rawValue)
        if decision.isOverShadowLimit { shard.add(row, at: LimitServiceMetrics.Outcome.shadowOverLimit.rawValue) }
    }

    private func outcome(of decision: LimitDecision) -> LimitServiceMetrics.Outcome {
        switch decision.outcome {
        case .allowed: .skipped
        case .unavailable: .unavailable
        case .counted:
            decision.isOverLimit
                ? (decision.isLocal ? .localOverLimit : .overLimit)
                : (decision.isLocal ? .localWithinLimit : .withinLimit)
        }
    }
}
