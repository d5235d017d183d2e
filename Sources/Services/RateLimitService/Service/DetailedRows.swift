internal import Bytes
internal import Metrics

/// The rows of metrics that tell callers' values apart, found again without making their labels. One per worker, of one generation of rules.
final class DetailedRows {
    private let metrics: LimitServiceMetrics
    private var rows: [[UInt8]: CounterRow?] = [:]
    private var name = ByteBuffer(capacity: 256)
    /// Of a value, in a label.
    private static let valueBytesMax = 64

    init(_ metrics: LimitServiceMetrics) { self.metrics = metrics }

    /// `nil` where there are too many already.
    func row(_ number: Int, _ rules: RuleTree, _ entries: ArraySlice<LimitQuery.Entry>) -> CounterRow? {
        let rule = rules.rules[number]
        name.removeAll()
        name.append(decimal: UInt64(number))
        for (entry, isTold) in zip(entries, rule.valuesInMetric) where isTold {
            name.append(byte: 0)
            name.append(UnsafeRawBufferPointer(rebasing: entry.value.prefix(Self.valueBytesMax)))
        }
        let key = Array(name.readable)
        if let known = rows[key] { return known }
        guard rows.count < LimitServiceMetrics.detailedMax else { return nil }
        let parts = zip(zip(entries, rule.path), rule.valuesInMetric).map { pair, isTold in
            guard isTold, pair.0.value.count > 0 else { return pair.1 }
            return "\(Self.text(pair.0.key))_\(Self.text(pair.0.value))"
        }
        let row = metrics.detailedRow(domain: rules.domainNames[rule.domain], rule: parts.joined(separator: "."))
        rows[key] = row
        return row
    }

    private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        String(decoding: bytes.prefix(valueBytesMax), as: UTF8.self)
    }
}
