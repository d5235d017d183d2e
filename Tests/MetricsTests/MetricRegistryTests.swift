import Testing

@testable import Metrics

@Suite struct MetricRegistryTests {
    @Test("declaring a series again, as a reload does, goes on counting in it")
    func survivesReload() {
        let registry = MetricRegistry()
        let shard = registry.makeShard()
        let labels = [Label("route", "orders")]
        let before = registry.counter("calls_total", help: "c", labels: labels)
        shard.add(before, 7)
        _ = registry.counter("calls_total", help: "c", labels: [Label("route", "new")])
        let after = registry.counter("calls_total", help: "c", labels: labels)
        #expect(after == before)
        shard.add(after)
        #expect(registry.read()[0].series.map(\.value) == [.count(8), .count(0)])
    }

    @Test("a shard made after the declarations counts in the same places")
    func lateShard() {
        let registry = MetricRegistry()
        let counter = registry.counter("calls_total", help: "")
        let shard = registry.makeShard()
        shard.add(counter)
        #expect(registry.read()[0].series[0].value == .count(1))
    }

    @Test("the last cell is given out, one more series is refused, counted and harmless")
    func limit() {
        let registry = MetricRegistry(cellsMax: 64 + LatencyBuckets.cellCount + 1)
        let shard = registry.makeShard()
        let histogram = registry.histogram("h", help: "")
        let counter = registry.counter("a_total", help: "")
        let refused = registry.counter("b_total", help: "")
        let alsoRefused = registry.histogram("i", help: "")
        shard.add(counter)
        shard.add(refused, 5)
        shard.observe(alsoRefused, nanoseconds: .max)
        shard.observe(histogram, nanoseconds: 1)
        let families = registry.read()
        #expect(families.first { $0.name == "a_total" }?.series.map(\.value) == [.count(1)])
        #expect(families.first { $0.name == "b_total" }?.series.isEmpty == true)
        #expect(families.last?.name == "martlet_metric_series_refused_total")
        #expect(families.last?.series.map(\.value) == [.count(2)])
    }

    @Test("names are Prometheus' names")
    func names() {
        #expect(MetricRegistry.isMetricName("martlet:calls_total9"))
        for name in ["", "9a", "a-b", "a b", "ä"] { #expect(!MetricRegistry.isMetricName(name)) }
        #expect(MetricRegistry.isLabelName("route_1"))
        for name in ["", "le", "__a", "a:b", "1"] { #expect(!MetricRegistry.isLabelName(name)) }
    }
}
