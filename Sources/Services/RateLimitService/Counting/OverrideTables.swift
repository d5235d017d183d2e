internal import RateLimit

/// The tables of limits that requests bring themselves. One per worker; the tables are the process's.
///
/// Such a limit has no rule, so it is told from others by domain, keys and unit, and by the value of a first entry `limit`: by that
/// the gateway names its limits. Callers could make names up, so there are only `tablesMax` tables; later limits share one table
/// for each unit, but no counters.
final class OverrideTables {
    static let tablesMax = 1024

    private let counters: CounterRegistry
    private var tables: [Key: CounterTable] = [:]

    private struct Key: Hashable {
        let low: UInt64
        let high: UInt64
    }

    init(_ counters: CounterRegistry) { self.counters = counters }

    /// Valid as long as this is.
    func table(
        domain: UnsafeRawBufferPointer, _ entries: ArraySlice<LimitQuery.Entry>, seconds: UInt64
    ) -> Unmanaged<CounterTable> {
        var hasher = CounterHasher(seed: counters.seed)
        hasher.absorb(domain)
        for (index, entry) in entries.enumerated() {
            hasher.absorb(entry.key)
            if index == 0, Self.isName(entry) { hasher.absorb(entry.value) }
        }
        hasher.absorb(word: seconds)
        let digest = hasher.finish()
        let key = Key(low: digest.low, high: digest.high)
        if let known = tables[key] { return .passUnretained(known) }
        var identity: [UInt8] = []
        for word in [digest.low, digest.high] { withUnsafeBytes(of: word) { identity.append(contentsOf: $0) } }
        let name = entries.enumerated().map { index, entry in
            index == 0 && Self.isName(entry) ? Self.text(entry.value) : Self.text(entry.key)
        }
        let own = counters.tableNamedByCaller(
            identity, words: .windows(seconds: seconds), place: Self.text(domain), name: name.joined(separator: "/"),
            tablesMax: Self.tablesMax)
        if let own {
            tables[key] = own
            return .passUnretained(own)
        }
        // Not remembered: made-up names would fill this worker's memory instead.
        let shared = Key(low: seconds, high: 0)
        if let known = tables[shared] { return .passUnretained(known) }
        let table = counters.table(
            Array("overrides/\(seconds)".utf8), words: .windows(seconds: seconds), place: "(other)", name: "(other)")
        tables[shared] = table
        return .passUnretained(table)
    }

    private static func isName(_ entry: LimitQuery.Entry) -> Bool { entry.key.elementsEqual("limit".utf8) }

    private static func text(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes.prefix(64), as: UTF8.self) }
}
