import Testing

@testable import Metrics

@Suite struct MetricShardTests {
    private func bucket(of nanoseconds: UInt64) -> Int? {
        let registry = MetricRegistry()
        let shard = registry.makeShard()
        shard.observe(registry.histogram("h", help: ""), nanoseconds: nanoseconds)
        guard case .latencies(let distribution) = registry.read()[0].series[0].value else { return nil }
        #expect(distribution.count == 1)
        #expect(distribution.sumNanoseconds == nanoseconds)
        return distribution.buckets.firstIndex(of: 1)
    }

    @Test("a duration falls into the first bucket whose bound it does not exceed")
    func buckets() {
        for (index, bound) in LatencyBuckets.upperBounds.enumerated() {
            #expect(bucket(of: bound - 1) == index)
            #expect(bucket(of: bound) == index)
            #expect(bucket(of: bound + 1) == index + 1)
        }
        #expect(bucket(of: 0) == 0)
        #expect(bucket(of: 1) == 0)
        #expect(bucket(of: .max) == LatencyBuckets.count - 1)
    }

    @Test("the buckets found by bits are those found by search, for powers of two and their neighbours")
    func bucketsBySearch() {
        for exponent in 0..<64 {
            for value in [UInt64(1) << exponent, (UInt64(1) << exponent) - 1, (UInt64(1) << exponent) + 1] {
                let expected = LatencyBuckets.upperBounds.firstIndex { value <= $0 } ?? LatencyBuckets.count - 1
                #expect(bucket(of: value) == expected, "\(value)")
            }
        }
    }

    @Test("bounds double at least, so that no two lie between neighbouring powers of two")
    func bounds() {
        for (lower, upper) in zip(LatencyBuckets.upperBounds, LatencyBuckets.upperBounds.dropFirst()) {
            #expect(upper >= 2 * lower)
        }
        #expect(LatencyBuckets.count == LatencyBuckets.upperBounds.count + 1)
    }

    @Test("counters, rows and gauges add up over the shards")
    func sums() {
        let registry = MetricRegistry()
        let shards = [registry.makeShard(), registry.makeShard()]
        let counter = registry.counter("calls_total", help: "c")
        let gauge = registry.gauge("open", help: "g")
        let row = registry.row("codes_total", help: "r", labels: [Label("l", "v")], over: "code", values: ["OK", "NO"])
        for shard in shards {
            shard.add(counter)
            shard.add(counter, 4)
            shard.adjust(gauge, by: -3)
            shard.add(row, at: 1)
        }
        shards[0].set(gauge, to: 1)
        let families = registry.read()
        #expect(families[0].series[0].value == .count(10))
        #expect(families[1].series[0].value == .level(-2))
        #expect(families[2].series.count == 1, "an element that is zero is not shown")
        #expect(families[2].series[0].labels == [Label("l", "v"), Label("code", "NO")])
        #expect(families[2].series[0].value == .count(2))
    }

    @Test("a reader sees every cell whole while workers count")
    func concurrent() async {
        let registry = MetricRegistry()
        let counter = registry.counter("c_total", help: "")
        let histogram = registry.histogram("h", help: "")
        let rounds = 20_000
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<3 {
                let shard = registry.makeShard()
                group.addTask {
                    for round in 0..<rounds {
                        shard.add(counter)
                        shard.observe(histogram, nanoseconds: UInt64(round))
                    }
                }
            }
            group.addTask {
                var last: UInt64 = 0
                for round in 0..<200 {
                    if case .count(let now) = registry.read()[0].series[0].value {
                        #expect(now >= last)
                        last = now
                    }
                    // Declared while others count.
                    _ = registry.counter("late_total", help: "", labels: [Label("round", "\(round)")])
                }
            }
        }
        let families = registry.read()
        #expect(families[0].series[0].value == .count(UInt64(3 * rounds)))
        guard case .latencies(let distribution) = families[1].series[0].value else { return }
        #expect(distribution.count == UInt64(3 * rounds))
        #expect(distribution.sumNanoseconds == 3 * UInt64(rounds * (rounds - 1) / 2))
    }
}
