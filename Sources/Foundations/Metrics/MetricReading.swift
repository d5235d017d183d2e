/// What all shards together said at one moment, ready to be written in some exposition format.
package struct MetricFamily: Sendable {
    package enum Kind: Sendable { case counter, gauge, histogram }

    package let name: String
    package let help: String
    package let kind: Kind
    package var series: [MetricSeries]

    package init(name: String, help: String, kind: Kind, series: [MetricSeries]) {
        self.name = name
        self.help = help
        self.kind = kind
        self.series = series
    }
}

package struct MetricSeries: Sendable {
    package let labels: [Label]
    package let value: MetricValue

    package init(labels: [Label] = [], value: MetricValue) {
        self.labels = labels
        self.value = value
    }
}

package enum MetricValue: Equatable, Sendable {
    case count(UInt64)
    case level(Int64)
    case latencies(LatencyDistribution)
}

/// A histogram's cells: how many fell into each bucket (not cumulated), and their sum.
package struct LatencyDistribution: Equatable, Sendable {
    package let buckets: [UInt64]
    package let sumNanoseconds: UInt64

    package init(buckets: [UInt64], sumNanoseconds: UInt64) {
        precondition(buckets.count == LatencyBuckets.count)
        self.buckets = buckets
        self.sumNanoseconds = sumNanoseconds
    }

    /// From the buckets, so that count and buckets always agree.
    package var count: UInt64 { buckets.reduce(0, &+) }
}
