import Bytes
import Metrics
import Testing

@testable import Telemetry

@Suite struct PrometheusTextTests {
    private func text(_ families: [MetricFamily]) -> String {
        var output = ByteBuffer()
        PrometheusText.write(families, to: &output)
        return String(decoding: output.readable, as: UTF8.self)
    }

    @Test("counters and gauges are a line each, escaped as the format says")
    func lines() {
        let families = [
            MetricFamily(
                name: "a_total", help: "back\\slash \"quote\"\nfeed", kind: .counter,
                series: [
                    MetricSeries(value: .count(3)),
                    MetricSeries(labels: [Label("x", "q\"b\\n\n"), Label("y", "ä{},=")], value: .count(.max)),
                ]),
            MetricFamily(name: "g", help: "level", kind: .gauge, series: [MetricSeries(value: .level(.min))]),
            MetricFamily(name: "empty_total", help: "nothing", kind: .counter, series: []),
        ]
        #expect(
            text(families) == """
                # HELP a_total back\\\\slash "quote"\\nfeed
                # TYPE a_total counter
                a_total 3
                a_total{x="q\\"b\\\\n\\n",y="ä{},="} 18446744073709551615
                # HELP g level
                # TYPE g gauge
                g -9223372036854775808

                """)
    }

    @Test("a histogram is cumulated, ends in +Inf, and agrees with its count")
    func histogram() {
        let registry = MetricRegistry()
        let shard = registry.makeShard()
        let histogram = registry.histogram("d_seconds", help: "h", labels: [Label("route", "r")])
        for nanoseconds: UInt64 in [50_000, 2_000_000, 2_500_000, 61_000_000_000] {
            shard.observe(histogram, nanoseconds: nanoseconds)
        }
        let lines = text(registry.read()).split(separator: "\n")
        #expect(lines[1] == "# TYPE d_seconds histogram")
        #expect(lines[2] == "d_seconds_bucket{route=\"r\",le=\"0.0001\"} 1")
        #expect(lines[5] == "d_seconds_bucket{route=\"r\",le=\"0.001\"} 1")
        #expect(lines[6] == "d_seconds_bucket{route=\"r\",le=\"0.0025\"} 3")
        #expect(lines[19] == "d_seconds_bucket{route=\"r\",le=\"60\"} 3")
        #expect(lines[20] == "d_seconds_bucket{route=\"r\",le=\"+Inf\"} 4")
        #expect(lines[21] == "d_seconds_sum{route=\"r\"} 61.00455")
        #expect(lines[22] == "d_seconds_count{route=\"r\"} 4")
        #expect(lines.last == "martlet_metric_series_refused_total 0")
    }
}
