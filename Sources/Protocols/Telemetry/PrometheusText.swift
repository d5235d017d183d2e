package import Bytes
package import Metrics

/// Prometheus' text format, version 0.0.4.
package enum PrometheusText {
    package static let contentType: StaticString = "text/plain; version=0.0.4; charset=utf-8"

    /// Families without a series are left out.
    package static func write(_ families: [MetricFamily], to output: inout ByteBuffer) {
        for family in families where !family.series.isEmpty { write(family, to: &output) }
    }

    private static func write(_ family: MetricFamily, to output: inout ByteBuffer) {
        output.append("# HELP ")
        output.append(family.name)
        output.append(byte: 0x20)
        escape(family.help, quotes: false, to: &output)
        output.append("\n# TYPE ")
        output.append(family.name)
        switch family.kind {
        case .counter: output.append(" counter\n")
        case .gauge: output.append(" gauge\n")
        case .histogram: output.append(" histogram\n")
        }
        for series in family.series { write(series, of: family.name, to: &output) }
    }

    private static func write(_ series: MetricSeries, of name: String, to output: inout ByteBuffer) {
        switch series.value {
        case .count(let value):
            writeName(name, "", series.labels, to: &output)
            output.append(decimal: value)
        case .level(let value):
            writeName(name, "", series.labels, to: &output)
            if value < 0 { output.append(byte: UInt8(ascii: "-")) }
            output.append(decimal: value.magnitude)
        case .latencies(let distribution):
            write(distribution, of: name, series.labels, to: &output)
        }
        output.append(byte: 0x0A)
    }

    private static func write(
        _ distribution: LatencyDistribution, of name: String, _ labels: [Label], to output: inout ByteBuffer
    ) {
        var cumulated: UInt64 = 0
        for (index, count) in distribution.buckets.enumerated() {
            cumulated &+= count
            let bounds = LatencyBuckets.upperBounds
            writeName(name, "_bucket", labels, bound: index < bounds.count ? .some(bounds[index]) : .max, to: &output)
            output.append(decimal: cumulated)
            output.append(byte: 0x0A)
        }
        writeName(name, "_sum", labels, to: &output)
        appendSeconds(distribution.sumNanoseconds, to: &output)
        output.append(byte: 0x0A)
        writeName(name, "_count", labels, to: &output)
        output.append(decimal: cumulated)
    }

    /// The name, the labels and a space. A `bound` becomes `le`, `.max` its `+Inf`.
    private static func writeName(
        _ name: String, _ suffix: StaticString, _ labels: [Label], bound: UInt64? = nil, to output: inout ByteBuffer
    ) {
        output.append(name)
        output.append(suffix)
        var opening = UInt8(ascii: "{")
        for label in labels {
            output.append(byte: opening)
            opening = UInt8(ascii: ",")
            output.append(label.name)
            output.append("=\"")
            escape(label.value, quotes: true, to: &output)
            output.append("\"")
        }
        if let bound {
            output.append(byte: opening)
            opening = UInt8(ascii: ",")
            output.append("le=\"")
            if bound == .max { output.append("+Inf") } else { appendSeconds(bound, to: &output) }
            output.append("\"")
        }
        if opening == UInt8(ascii: ",") { output.append("}") }
        output.append(byte: 0x20)
    }

    /// Backslash and line feed, in label values the quote as well.
    private static func escape(_ text: String, quotes: Bool, to output: inout ByteBuffer) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): output.append("\\\\")
            case 0x0A: output.append("\\n")
            case UInt8(ascii: "\"") where quotes: output.append("\\\"")
            default: output.append(byte: byte)
            }
        }
    }

    /// Exactly, without zeros at the end: `0.0025`, `10`.
    private static func appendSeconds(_ nanoseconds: UInt64, to output: inout ByteBuffer) {
        let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        output.append(decimal: seconds)
        guard rest > 0 else { return }
        output.append(byte: UInt8(ascii: "."))
        var (left, unit) = (rest, UInt64(100_000_000))
        while left > 0 {
            output.append(byte: UInt8(truncatingIfNeeded: 0x30 + left / unit))
            left %= unit
            unit /= 10
        }
    }
}
