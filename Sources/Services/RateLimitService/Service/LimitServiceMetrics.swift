internal import Bytes
package import Metrics
internal import RateLimit
internal import Synchronization

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

    /// As in envoyproxy/ratelimit: a hit may be counted in several.
    enum HitOutcome: String, CaseIterable {
        case total = "total_hits"
        case within = "within_limit"
        case near = "near_limit"
        case over = "over_limit"
        case shadow = "shadow_mode"

        var index: Int {
            switch self {
            case .total: 0
            case .within: 1
            case .near: 2
            case .over: 3
            case .shadow: 4
            }
        }
    }

    private let registry: MetricRegistry
    let durations: Histogram
    private let detailed = Mutex<Set<[String]>>([])
    /// Series with values that callers send, in the whole process; hits of further ones are counted by their rule.
    static let detailedMax = 1024

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

    /// Of the control thread: readings of the configuration.
    package func makeLoads() -> ConfigurationLoads {
        ConfigurationLoads(
            shard: registry.makeShard(),
            row: registry.row(
                "martlet_ratelimit_configuration_loads_total",
                help: "Configurations read, by whether they were taken into service.",
                over: "outcome", values: ["success", "error"]))
    }

    /// One row for each rule, in their order.
    func ruleRows(_ rules: RuleTree) -> [CounterRow] {
        rules.rules.map { hits(domain: rules.domainNames[$0.domain], rule: $0.path.joined(separator: ".")) }
    }

    var overrides: CounterRow { hits(domain: Self.otherDomains, rule: "(override)") }

    private func hits(domain: String, rule: String) -> CounterRow {
        registry.row(
            "martlet_ratelimit_hits_total", help: "Hits of rate-limit requests, by rule and what became of them.",
            labels: [Label("domain", domain), Label("rule", rule)], over: "outcome", values: HitOutcome.allCases.map(\.rawValue))
    }

    /// The row of values that callers send; `nil` where there are `detailedMax` already.
    func detailedRow(domain: String, rule: String) -> CounterRow? {
        let isKept = detailed.withLock { names in
            if names.contains([domain, rule]) { return true }
            guard names.count < Self.detailedMax else { return false }
            names.insert([domain, rule])
            return true
        }
        return isKept ? hits(domain: domain, rule: rule) : nil
    }

    fileprivate func storeDown(_ worker: Int) -> Gauge {
        registry.gauge(
            "martlet_limit_store_down", help: "1 while a worker decides without its rate-limit store.",
            labels: [Label("worker", "\(worker)")])
    }

    fileprivate func makeShard() -> MetricShard { registry.makeShard() }
}

/// Counts the readings of a configuration. Of one thread.
package struct ConfigurationLoads {
    fileprivate let shard: MetricShard
    fileprivate let row: CounterRow

    package func count(isTaken: Bool) { shard.add(row, at: isTaken ? 0 : 1) }
}

/// One worker's writer of the service's metrics.
final class LimitServiceCounts {
    private let metrics: LimitServiceMetrics
    private let shard: MetricShard
    private let storeDown: Gauge
    /// Of a generation of rules; requests that began under older ones keep theirs.
    private var rows: [CounterRow]
    private var ruleRows: [CounterRow]
    let overrides: CounterRow
    private var details: DetailedRows

    init(_ metrics: LimitServiceMetrics, rules: RuleTree, worker: Int) {
        self.metrics = metrics
        shard = metrics.makeShard()
        storeDown = metrics.storeDown(worker)
        rows = metrics.rows(rules)
        ruleRows = metrics.ruleRows(rules)
        overrides = metrics.overrides
        details = DetailedRows(metrics)
    }

    func adopt(_ rules: RuleTree) {
        rows = metrics.rows(rules)
        ruleRows = metrics.ruleRows(rules)
        details = DetailedRows(metrics)
    }

    /// The row for a descriptor that the rule of that number was found for.
    func row(ofRule number: Int, _ rules: RuleTree, _ entries: ArraySlice<LimitQuery.Entry>) -> CounterRow {
        guard !rules.rules[number].valuesInMetric.isEmpty else { return ruleRows[number] }
        return details.row(number, rules, entries) ?? ruleRows[number]
    }

    /// Counts the hits of every descriptor that has a limit.
    func count(_ decision: LimitDecision) {
        guard decision.outcome == .counted else { return }
        let isCharged = !decision.isOverAnyLimit || decision.request.charging == .always
        for check in decision.checks {
            guard let row = check.row, check.kind != .none else { continue }
            let hits = HitCount.of(check, decision, isCharged: isCharged)
            add(row, .total, check.hits)
            add(row, .within, hits.within)
            add(row, .near, hits.near)
            add(row, .over, hits.over)
            if check.isShadow, hits.over > 0 { add(row, .shadow, check.hits) }
        }
    }

    private func add(_ row: CounterRow, _ outcome: LimitServiceMetrics.HitOutcome, _ hits: UInt64) {
        if hits > 0 { shard.add(row, at: outcome.index, hits) }
    }

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
