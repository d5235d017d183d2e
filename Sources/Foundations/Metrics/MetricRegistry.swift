internal import Synchronization

/// Every metric that this process shows: what it is called, and where it lies in the shards.
///
/// Metrics are declared while a snapshot is built, or when a series is first needed; declaring the same name and labels
/// again gives the same handle, so a reload changes no number. Nothing is ever taken away: an exchange of the old
/// configuration may still be counting. What bounds it is `cellsMax`: a declaration that no longer fits is refused, gets
/// a handle that counts unseen, and shows in `martlet_metric_series_refused_total`.
///
/// A lock guards declarations and readings, never a count.
package final class MetricRegistry: Sendable {
    package static let defaultCellsMax = 1 << 18

    package let cellsMax: Int
    private let state: Mutex<State>

    /// - Parameter cellsMax: 8 bytes of address space each in every shard; a counter takes one, a histogram twenty.
    package init(cellsMax: Int = defaultCellsMax) {
        precondition(cellsMax >= Self.spillCells)
        self.cellsMax = cellsMax
        state = Mutex(State())
    }

    package func makeShard() -> MetricShard {
        let shard = MetricShard(cellCount: cellsMax)
        state.withLock { $0.shards.append(shard) }
        return shard
    }

    package func counter(_ name: String, help: String, labels: [Label] = []) -> Counter {
        Counter(cell: declare(name, help, .counter, labels, shape: .single))
    }

    package func gauge(_ name: String, help: String, labels: [Label] = []) -> Gauge {
        Gauge(cell: declare(name, help, .gauge, labels, shape: .single))
    }

    package func histogram(_ name: String, help: String, labels: [Label] = []) -> Histogram {
        Histogram(cell: declare(name, help, .histogram, labels, shape: .latencies))
    }

    /// Counters that differ in one label, the last: element n has `values[n]`.
    package func row(
        _ name: String, help: String, labels: [Label] = [], over label: String, values: [String]
    ) -> CounterRow {
        precondition(!values.isEmpty && values.count <= Self.spillCells && Self.isLabelName(label))
        return CounterRow(
            cell: declare(name, help, .counter, labels, shape: .row(label: label, values: values)), count: values.count)
    }

    /// Adds up the shards. Takes time with the number of series, and makes Strings: for a scrape, not for a request.
    package func read() -> [MetricFamily] {
        let (families, shards, refused) = state.withLock { ($0.families, $0.shards, $0.refused) }
        func sum(_ cell: Int) -> UInt64 { shards.reduce(0) { $0 &+ $1.read(cell) } }
        var readings = families.map { family in
            MetricFamily(
                name: family.name, help: family.help, kind: family.kind,
                series: family.series.flatMap { $0.read(kind: family.kind, sum: sum) })
        }
        readings.append(
            MetricFamily(
                name: "martlet_metric_series_refused_total",
                help: "Metric series dropped at the limit.", kind: .counter,
                series: [MetricSeries(value: .count(refused))]))
        return readings
    }

    /// The first cells take what refused declarations count.
    private static let spillCells = 64

    private struct State {
        var families: [Family] = []
        var familyIndex: [String: Int] = [:]
        var shards: [MetricShard] = []
        var cellsUsed = MetricRegistry.spillCells
        var refused: UInt64 = 0
    }

    private struct Family {
        let name: String
        let help: String
        let kind: MetricFamily.Kind
        var series: [Series] = []
        var seriesIndex: [[Label]: Int] = [:]
    }

    private func declare(
        _ name: String, _ help: String, _ kind: MetricFamily.Kind, _ labels: [Label], shape: Series.Shape
    ) -> Int {
        precondition(Self.isMetricName(name) && labels.allSatisfy { Self.isLabelName($0.name) })
        return state.withLock { state in
            let familyIndex: Int
            if let known = state.familyIndex[name] {
                familyIndex = known
            } else {
                familyIndex = state.families.count
                state.families.append(Family(name: name, help: help, kind: kind))
                state.familyIndex[name] = familyIndex
            }
            precondition(state.families[familyIndex].kind == kind, "one name, one kind")
            if let known = state.families[familyIndex].seriesIndex[labels] {
                let series = state.families[familyIndex].series[known]
                precondition(series.shape == shape, "one series, one shape")
                return series.cell
            }
            guard cellsMax - state.cellsUsed >= shape.cellCount else {
                state.refused += 1
                return 0
            }
            let series = Series(labels: labels, cell: state.cellsUsed, shape: shape)
            state.cellsUsed += shape.cellCount
            state.families[familyIndex].seriesIndex[labels] = state.families[familyIndex].series.count
            state.families[familyIndex].series.append(series)
            return series.cell
        }
    }

    /// `[a-zA-Z_:][a-zA-Z0-9_:]*`, Prometheus' data model.
    static func isMetricName(_ name: String) -> Bool { isName(name, colons: true) }

    /// `[a-zA-Z_][a-zA-Z0-9_]*`, not `le` (a histogram's own), not `__…` (Prometheus' own).
    static func isLabelName(_ name: String) -> Bool {
        isName(name, colons: false) && name != "le" && !name.hasPrefix("__")
    }

    private static func isName(_ name: String, colons: Bool) -> Bool {
        guard let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F: true
            case 0x3A: colons
            default: false
            }
        }
    }
}

/// One set of labels in a family, and the cells it reads.
private struct Series {
    enum Shape: Equatable {
        case single
        case row(label: String, values: [String])
        case latencies

        var cellCount: Int {
            switch self {
            case .single: 1
            case .row(_, let values): values.count
            case .latencies: LatencyBuckets.cellCount
            }
        }
    }

    let labels: [Label]
    let cell: Int
    let shape: Shape

    func read(kind: MetricFamily.Kind, sum: (Int) -> UInt64) -> [MetricSeries] {
        switch shape {
        case .single:
            let total = sum(cell)
            return [MetricSeries(labels: labels, value: kind == .gauge ? .level(Int64(bitPattern: total)) : .count(total))]
        case .row(let label, let values):
            return values.enumerated().compactMap { index, value in
                let total = sum(cell + index)
                return total == 0 ? nil : MetricSeries(labels: labels + [Label(label, value)], value: .count(total))
            }
        case .latencies:
            let buckets = (0..<LatencyBuckets.count).map { sum(cell + $0) }
            let distribution = LatencyDistribution(buckets: buckets, sumNanoseconds: sum(cell + LatencyBuckets.count))
            return [MetricSeries(labels: labels, value: .latencies(distribution))]
        }
    }
}
