internal import Metrics
internal import RateLimit
internal import Reactor

/// Maintains the counters in memory on the control loop: frees what is not used any more, has the metrics, and logs once a limit
/// where one has more keys than counters.
final class CounterWatch {
    private let counters: CounterRegistry
    private let diagnostics: Diagnostics
    private let loop: EventLoop
    private var timer: RepeatingTimer?

    init(_ counters: CounterRegistry, on loop: EventLoop, diagnostics: Diagnostics) {
        self.counters = counters
        self.diagnostics = diagnostics
        self.loop = loop
    }

    func start() {
        timer = RepeatingTimer(every: .seconds(1), on: loop) { [unowned self] in maintain() }
    }

    func maintain() {
        for trouble in counters.maintain(now: loop.now, wall: loop.wall) { diagnostics.log(trouble.text) }
    }

    var families: [MetricFamily] {
        let readings = counters.readings
        let causes: [(String, KeyPath<CounterReading, UInt64>)] = [
            ("recovered", \.evictedRecovered), ("below_limit", \.evictedBelowLimit), ("at_limit", \.evictedAtLimit),
        ]
        return [
            MetricFamily(
                name: "martlet_limit_counters", help: "Counters in memory, by limit.", kind: .gauge,
                series: readings.map { MetricSeries(labels: $0.labels, value: .level(Int64($0.held))) }),
            MetricFamily(
                name: "martlet_limit_counters_evicted_total",
                help: "Counters evicted, by limit and state: recovered, below their limit, at it.",
                kind: .counter,
                series: readings.flatMap { reading in
                    causes.filter { reading[keyPath: $0.1] > 0 }.map { cause in
                        MetricSeries(
                            labels: reading.labels + [Label("standing", cause.0)], value: .count(reading[keyPath: cause.1]))
                    }
                }),
            MetricFamily(
                name: "martlet_limit_gateways", help: "Processes that share the limit store, this one among them.", kind: .gauge,
                series: [MetricSeries(value: .level(Int64(counters.processCount)))]),
            MetricFamily(
                name: "martlet_limit_counter_pool_used", help: "Counters taken from the shared pool, above each limit's guarantee.",
                kind: .gauge,
                series: [MetricSeries(value: .level(Int64(counters.cells.poolUsed)))]),
            MetricFamily(
                name: "martlet_limit_counter_pool_size", help: "Size of the shared pool of counters.",
                kind: .gauge, series: [MetricSeries(value: .level(Int64(counters.cells.poolSize)))]),
        ]
    }
}

extension CounterReading {
    fileprivate var labels: [Label] { [Label("place", place), Label("limit", name)] }
}

extension CounterTrouble {
    fileprivate var text: String {
        let what =
            switch kind {
            case .belowLimit: "more keys than counters: those that have used least of their limit begin anew"
            case .atLimit:
                "more keys at their limit than counters: those that reset first begin anew, and their calls are let through"
            case .uncounted: "no memory for a counter: calls are let through uncounted"
            }
        return "limit counters full: \(what) (raise the limit's counters or rate_limits.counters) place=\(place) limit=\(name)"
    }
}
