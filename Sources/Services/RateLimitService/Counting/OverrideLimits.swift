internal import GRPC
internal import RateLimit

/// The limits that requests bring themselves. One per worker; their tables are the process's.
///
/// Such a limit has no rule, so its table is told from others by domain, keys and unit, and by the value of a first entry `limit`: by
/// that the gateway names its limits. Callers could make names up, so there are only `tablesMax` tables; later limits share one table
/// for each unit, but no counters. A worker keeps `limitsMax` limits at most, and begins anew where there are more.
final class OverrideLimits {
    static let tablesMax = 1024
    static let limitsMax = 4096

    private let counters: CounterRegistry
    private var limits: [Key: Limit] = [:]

    private struct Key: Hashable {
        let low: UInt64
        let high: UInt64
    }

    init(_ counters: CounterRegistry) { self.counters = counters }

    func limit(
        domain: UnsafeRawBufferPointer, _ entries: ArraySlice<LimitQuery.Entry>, requests: UInt32, seconds: UInt64
    ) -> Limit {
        var hasher = CounterHasher(seed: counters.seed)
        hasher.absorb(domain)
        for (index, entry) in entries.enumerated() {
            hasher.absorb(entry.key)
            if index == 0, Self.isName(entry) { hasher.absorb(entry.value) }
        }
        hasher.absorb(word: seconds)
        var named = hasher
        named.absorb(word: UInt64(requests))
        let digest = named.finish()
        let key = Key(low: digest.low, high: digest.high)
        if let known = limits[key] { return known }
        if limits.count >= Self.limitsMax { limits.removeAll() }
        let table = hasher.finish()
        var identity: [UInt8] = []
        for word in [table.low, table.high] { withUnsafeBytes(of: word) { identity.append(contentsOf: $0) } }
        let name = entries.enumerated().map { index, entry in
            index == 0 && Self.isName(entry) ? Self.text(entry.value) : Self.text(entry.key)
        }
        let own = counters.tableNamedByCaller(
            identity, place: Self.text(domain), name: name.joined(separator: "/"), tablesMax: Self.tablesMax)
        let limit = Limit(
            ofService: String(decoding: domain, as: UTF8.self), keys: entries.map { Array($0.key) }, name: "", requests: requests,
            seconds: seconds, isShadow: false,
            table: own ?? counters.table(Array("overrides/\(seconds)".utf8), place: "(other)", name: "(other)"), counters: counters)
        limits[key] = limit
        return limit
    }

    private static func isName(_ entry: LimitQuery.Entry) -> Bool { entry.key.elementsEqual("limit".utf8) }

    private static func text(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes.prefix(64), as: UTF8.self) }
}
