/// A number that only rises, as a place in every worker's shard.
///
/// Made by `MetricRegistry` only, so a handle always lies inside the shards of its registry; the same name and labels
/// give the same handle for the life of the process.
@usableFromInline package struct Counter: Hashable, Sendable {
    @usableFromInline let cell: Int

    init(cell: Int) { self.cell = cell }
}

/// A level that rises and falls. Each worker keeps its own part; what is shown is the sum over the workers.
@usableFromInline package struct Gauge: Hashable, Sendable {
    @usableFromInline let cell: Int

    init(cell: Int) { self.cell = cell }
}

/// Counters of one family side by side, told apart by one label with a fixed list of values, such as `grpc_status`.
///
/// Elements that are still zero are not shown, so a row costs memory but no lines.
@usableFromInline package struct CounterRow: Hashable, Sendable {
    @usableFromInline let cell: Int
    @usableFromInline package let count: Int

    init(cell: Int, count: Int) {
        self.cell = cell
        self.count = count
    }
}

/// Durations counted into the fixed buckets of `LatencyBuckets`.
@usableFromInline package struct Histogram: Hashable, Sendable {
    @usableFromInline let cell: Int

    init(cell: Int) { self.cell = cell }
}

/// A label of one series. Order matters: it is the order of exposition and part of the series' identity.
package struct Label: Hashable, Sendable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}
