package import LimitRules
package import Time

/// A limit as a store counts with it: its rule in integers, its place in the configuration, and its counters.
///
/// Made when a snapshot is built and shared by all workers. Its counters are told from others' by place, name, window and
/// keys, but not by count or burst: a changed count goes on from what was already used.
package final class Limit: Sendable {
    package enum Algorithm: Sendable {
        /// GCRA: one hit costs `emission` nanoseconds of a level that drains in real time and holds `tolerance` at most.
        case rate
        /// A window at a time.
        case fixed
        /// `SlidingWindow`: the present window, and a share of the one before.
        case sliding
        /// Calls in flight: what one has charged is released at its end.
        case concurrency
    }

    package let rule: LimitRule
    package let name: String
    package let place: String
    package let isShadow: Bool
    package let algorithm: Algorithm
    /// The most hits at once: the burst of a rate, the count of a window or of calls in flight.
    package let capacity: UInt64
    package let emission: UInt64
    package let tolerance: UInt64
    /// Where its windows lie; of no meaning for a rate, and for calls in flight.
    let schedule: WindowSchedule
    /// Its counters tell seconds, and hold fewer hits.
    private let countsSeconds: Bool
    /// What `ratelimit-policy` calls `w`: the seconds in which `capacity` hits come back. A month counts as 30 days; zero for calls in
    /// flight.
    package let windowSeconds: UInt64
    /// What it calls `q`: how many hits that window allows, which is `capacity` but for a burst that is smaller than a second's calls.
    package let quota: UInt64
    package let keyCount: Int
    /// The tenant's place among the keys; -1 without one.
    package let tenantKeyIndex: Int
    /// Values from a token mean something only beside its issuer, which then is part of the counter's name.
    package let needsIssuer: Bool
    /// Its part of the names of its counters in Redis.
    let redisPart: [UInt8]
    /// What an RLS service is asked with: the name, then the keys as they are written.
    package let serviceEntry: [UInt8]
    package let serviceKeys: [[UInt8]]
    /// A service decides it by its own rules: what the rule says is of no meaning.
    package let isDecidedByService: Bool
    /// How much of it is used when answers warn of it, in percent; zero for never.
    package let warnPercent: UInt64
    /// The access log may have its keys' values.
    package let logsKey: Bool
    /// `nil` where nothing but the calls is counted.
    package let series: LimitSeries?
    /// Hashing up to where a call's values begin.
    let hasher: CounterHasher
    private let seed: HashSeed
    /// What this process counts, where it does. Of the same limit before and after a reload.
    package let table: CounterTable
    /// `table`, reached at every call without counting references.
    let tableReference: Unmanaged<CounterTable>
    /// What tenants use of it is summed up.
    package let countsUsage: Bool
    /// How many counters it may have.
    let countersMax: Int
    private let zone: ZoneOffsets?
    private let counters: CounterRegistry

    /// - Parameters:
    ///   - name: unique within `place`; the rule's own name if it has one.
    ///   - place: where the rule stands, for example `plans.free` or `routes.orders.CreateOrder`.
    ///   - descriptor: keys of the entries that a service's own rules are asked by; else its rule is sent along.
    ///   - zone: which the rule's windows follow; `nil` for UTC.
    ///   - counters: of the process.
    package convenience init(
        _ rule: LimitRule, name: String, place: String, descriptor: [String]? = nil, zone: ZoneOffsets? = nil,
        counters: CounterRegistry, warnPercent: Int = 0, logsKey: Bool = false,
        series: LimitSeries? = nil
    ) {
        self.init(
            rule, name: name, place: place, descriptor: descriptor, zone: zone, counters: counters, warnPercent: warnPercent,
            logsKey: logsKey, series: series, counted: nil)
    }

    private init(
        _ rule: LimitRule, name: String, place: String, descriptor: [String]?, zone: ZoneOffsets?, counters: CounterRegistry,
        warnPercent: Int, logsKey: Bool, series: LimitSeries?, counted: Counted?
    ) {
        self.logsKey = logsKey
        self.warnPercent = UInt64(max(0, warnPercent))
        self.series = series
        self.rule = rule
        self.name = name
        self.place = place
        self.zone = zone
        self.counters = counters
        isShadow = rule.isShadow
        schedule = WindowSchedule(rule.window, start: rule.start, zone: zone)
        countsSeconds = rule.window.unit == .second
        let seconds = rule.window.nominalSeconds
        var quota: UInt64?
        switch rule.effectiveAlgorithm {
        case .tokenBucket:
            algorithm = .rate
            emission = max(1, seconds * 1_000_000_000 / max(1, rule.count))
            capacity = rule.burst ?? rule.count
            tolerance = capacity.multipliedReportingOverflow(by: emission).partialValue
            let recovery = tolerance / 1_000_000_000 + (tolerance % 1_000_000_000 == 0 ? 0 : 1)
            windowSeconds = max(1, rule.burst == nil ? seconds : recovery)
            // A burst that comes back within a second comes back several times in it.
            if rule.burst != nil, tolerance < 1_000_000_000 { quota = max(capacity, 1_000_000_000 / emission) }
        case .fixed, .sliding:
            algorithm = rule.effectiveAlgorithm == .fixed ? .fixed : .sliding
            emission = 0
            capacity = rule.count
            tolerance = 0
            windowSeconds = seconds
        case .concurrency:
            algorithm = .concurrency
            emission = 0
            capacity = rule.count
            tolerance = 0
            windowSeconds = 0
        }
        self.quota = quota ?? capacity
        keyCount = counted?.keyCount ?? rule.keys.count
        serviceEntry = Array(name.utf8)
        serviceKeys = (descriptor ?? rule.keys.map(\.description)).map { Array($0.utf8) }
        isDecidedByService = descriptor != nil
        tenantKeyIndex = rule.keys.firstIndex(of: .tenant) ?? -1
        countsUsage = tenantKeyIndex >= 0 && !rule.isShadow && rule.effectiveAlgorithm != .concurrency
        needsIssuer = rule.keys.contains { key in
            switch key {
            case .tenant, .claim: true
            case .address, .method, .header, .constant: false
            }
        }
        var hasher = CounterHasher(seed: counters.seed)
        redisPart = counted?.redisPart ?? RedisKey.fixedPart(place: place, name: name, rule: rule)
        redisPart.withUnsafeBytes { hasher.absorb($0) }
        self.hasher = hasher
        seed = counters.seed
        countersMax = rule.counters ?? CounterTable.maximumDefault
        table = counted?.table ?? counters.table(redisPart, place: place, name: name)
        tableReference = .passUnretained(table)
    }

    /// What a limit of the rate-limit service is counted by, in place of its rule's keys.
    private struct Counted {
        var keyCount: Int
        var redisPart: [UInt8]
        var table: CounterTable
    }

    /// A limit of the rate-limit service: windows of so many seconds from 1970 on, counted apart by the values of `keys`. `requests` of zero
    /// refuse every hit.
    package convenience init(
        ofService domain: String, keys: [[UInt8]], name: String, requests: UInt32, seconds: UInt64, isShadow: Bool,
        table: CounterTable, counters: CounterRegistry
    ) {
        let rule = LimitRule(
            name: name, count: UInt64(requests), window: LimitWindow(units: Int(seconds), unit: .second), algorithm: .fixed,
            isShadow: isShadow)
        self.init(
            rule, name: name, place: domain, descriptor: nil, zone: nil, counters: counters, warnPercent: 0, logsKey: false,
            series: nil,
            counted: Counted(
                keyCount: keys.count, redisPart: RedisKey.servicePart(domain: domain, keys: keys, seconds: seconds), table: table))
    }

    /// What it is called among all limits of a configuration: its own name behind its place. Where none was written, the name is its path.
    package var fullName: String { name.contains("[") ? name : "\(place)/\(name)" }

    /// The same counters with another count, burst, or so much more, as they are told; `nil` where the rule would have a mistake.
    ///
    /// A token bucket's level stays in time: half of it is half of it still. Hits that are granted are part of its burst.
    package func adjusted(count: UInt64?, burst: UInt64?, granted: UInt64) -> Limit? {
        guard !isDecidedByService else { return nil }
        var rule = rule
        let granted = granted / rule.unit
        if let count { rule.count = count / rule.unit }
        if algorithm == .rate {
            if let burst { rule.burst = burst / rule.unit }
            if granted > 0 { rule.burst = (rule.burst ?? rule.count).addingReportingOverflow(granted).partialValue }
        } else if granted > 0 {
            rule.count = rule.count.addingReportingOverflow(granted).partialValue
        }
        guard rule.mistake == nil, algorithm == .rate || burst == nil else { return nil }
        return Limit(
            rule, name: name, place: place, zone: zone, counters: counters, warnPercent: Int(clamping: warnPercent),
            logsKey: logsKey, series: series)
    }

    /// So many hits as they are told: of what is counted.
    package func told(_ hits: UInt64) -> UInt64 {
        let (product, overflow) = hits.multipliedReportingOverflow(by: rule.unit)
        return overflow ? .max : product
    }

    /// Whether both count in the same counters.
    package func sharesCounters(with other: Limit) -> Bool { tableReference.toOpaque() == other.tableReference.toOpaque() }

    /// An issuer as it goes into a counter's digest: under the same secret, so that no two are alike.
    func digest(issuer: UnsafeRawBufferPointer) -> CounterDigest {
        var hasher = CounterHasher(seed: seed)
        hasher.absorb(issuer)
        return hasher.finish()
    }

    /// Until when a counter of that window counts.
    func untilSecond(_ place: WindowSchedule.Place) -> UInt64 { algorithm == .sliding ? place.next : place.end }

    /// The window whose counters count until then.
    func place(countingUntil second: UInt64) -> WindowSchedule.Place {
        let last = schedule.place(at: second - 1)
        return algorithm == .sliding ? schedule.place(at: last.start - 1) : last
    }

    /// A counter of that window, with so many hits.
    func word(_ place: WindowSchedule.Place, hits: UInt64) -> UInt64 {
        CounterState.window(until: untilSecond(place), hits: hits, ofSeconds: countsSeconds)
    }
}
