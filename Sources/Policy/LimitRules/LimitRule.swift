/// One limit as written: how many, in which span of time, and what is counted apart.
///
///     limit     = COUNT / [N] UNIT [ALGORITHM] [burst B] [per KEY, …]
///               | COUNT at once [per KEY, …]
///     UNIT      = s | min | h | day | week | month
///     ALGORITHM = fixed | sliding | token_bucket
///     KEY       = tenant | address | method | claim P | header H | constant C
///
/// A value and nothing more; `Limit` is what a store counts with. The map form has the same parts, so it is made with
/// `LimitWindow(parsing:)`, `LimitKey(parsing:)` and `mistake` instead of a second grammar.
package struct LimitRule: Equatable, Sendable {
    /// `nil` where none was written; a name is then derived from the place of the rule.
    package var name: String?
    package var count: UInt64
    /// Of no meaning for calls in flight.
    package var window: LimitWindow
    /// `nil` where none was written.
    package var algorithm: LimitAlgorithm?
    /// `nil` where none was written: then `count`. Only of a token bucket.
    package var burst: UInt64?
    /// `nil` where none was written. Only of windows of days, weeks and months.
    package var start: WindowStart?
    /// A name of tzdata, such as `Europe/Prague`; `nil` for UTC. Only of windows of days, weeks and months.
    package var timeZone: String?
    package var keys: [LimitKey]
    /// What is counted, where that is not calls; `count` and `burst` are multiples of `unit` of it.
    package var measure: String?
    package var unit: UInt64 = 1
    /// Counted and logged, never enforced.
    package var isShadow: Bool
    package var isBeforeAuthentication: Bool
    /// How many counters it may have in memory; `nil` for the default.
    package var counters: Int?

    package init(
        name: String? = nil, count: UInt64, window: LimitWindow, algorithm: LimitAlgorithm? = nil, burst: UInt64? = nil,
        start: WindowStart? = nil, timeZone: String? = nil, keys: [LimitKey] = [], isShadow: Bool = false,
        isBeforeAuthentication: Bool = false,
        counters: Int? = nil
    ) {
        self.name = name
        self.count = count
        self.window = window
        self.algorithm = algorithm
        self.burst = burst
        self.start = start
        self.timeZone = timeZone
        self.keys = keys
        self.isShadow = isShadow
        self.isBeforeAuthentication = isBeforeAuthentication
        self.counters = counters
    }

    /// A rate of seconds is a token bucket; all else counts in fixed windows, where nothing else is written.
    package var effectiveAlgorithm: LimitAlgorithm { algorithm ?? (window.unit == .second ? .tokenBucket : .fixed) }

    /// The most hits at once: the burst of a token bucket, the count of a window.
    package var capacity: UInt64 { effectiveAlgorithm == .tokenBucket ? burst ?? count : count }

    /// `count` calls in flight, where all others are of a window.
    package static func atOnce(_ count: UInt64) -> LimitRule {
        LimitRule(count: count, window: LimitWindow(unit: .second), algorithm: .concurrency)
    }

    /// More would not fit a counter's word (`CounterState`) beside its window.
    package static let countMax: UInt64 = 10_000_000_000
    /// The same for windows of seconds.
    package static let countMaxOfSeconds: UInt64 = 1_000_000_000
    /// Of calls in flight; no process has as many.
    package static let countMaxAtOnce: UInt64 = 10_000_000
    /// GCRA works in nanoseconds: up to this rate its rounding stays below a thousandth.
    package static let perSecondMax: UInt64 = 1_000_000
    package static let keysMax = 8
    /// Of a limit in memory.
    static let countersMax = 1 << 26
    /// How long the fullest burst may take to recover; keeps nanoseconds exact in Redis's doubles.
    package static let recoverySecondsMax: UInt64 = 31 * 86_400

    /// What is wrong with the parts taken together, or `nil`. Everything that `parse` returns has passed.
    package var mistake: RuleMistake? {
        guard count >= 1, count <= Self.countMax else {
            return RuleMistake(part: .count, found: "\(count)", expected: "a count from 1 to \(Self.countMax)")
        }
        guard window.units >= 1, window.units <= window.unit.unitsMax else {
            return RuleMistake(
                part: .window, found: "\(window.units)\(window.unit.rawValue)",
                expected: "1 to \(window.unit.unitsMax) \(window.unit.rawValue)")
        }
        guard keys.count <= Self.keysMax else {
            return RuleMistake(part: .keys, found: "\(keys.count) keys", expected: "at most \(Self.keysMax) keys")
        }
        for (index, key) in keys.enumerated() where keys[..<index].contains(key) {
            return RuleMistake(part: .keys, found: "\(key) twice", expected: "each key once")
        }
        if effectiveAlgorithm == .concurrency { return atOnceMistake }
        return startMistake ?? zoneMistake ?? (effectiveAlgorithm == .tokenBucket ? bucketMistake : windowMistake)
    }

    private var atOnceMistake: RuleMistake? {
        func none(_ part: RuleMistake.Part, _ found: String, _ word: String) -> RuleMistake {
            RuleMistake(part: part, found: found, expected: "no \(word): calls in flight are counted in no window")
        }
        if let burst { return none(.burst, "burst \(burst)", "burst") }
        if let start { return none(.start, "\(start)", "start") }
        if let timeZone { return none(.timeZone, timeZone, "time zone") }
        guard count <= Self.countMaxAtOnce else {
            return RuleMistake(part: .count, found: "\(count)", expected: "at most \(Self.countMaxAtOnce) at once")
        }
        return nil
    }

    private var startMistake: RuleMistake? {
        guard let start, start.unit != window.unit else { return nil }
        return RuleMistake(
            part: .start, found: "\(start)",
            expected: window.unit.startExpected.map { "\($0), because windows are of a \(window.unit.rawValue)" }
                ?? "no start: only windows of a day, week or month have one")
    }

    private var zoneMistake: RuleMistake? {
        guard let timeZone else { return nil }
        guard effectiveAlgorithm != .tokenBucket else {
            return RuleMistake(part: .timeZone, found: timeZone, expected: "no time zone: a token bucket has no windows")
        }
        switch window.unit {
        case .day, .week, .month: return nil
        case .second, .minute, .hour:
            return RuleMistake(
                part: .timeZone, found: timeZone, expected: "no time zone: only windows of a day, week or month have one")
        }
    }

    private var windowMistake: RuleMistake? {
        if let burst {
            return RuleMistake(
                part: .burst, found: "burst \(burst)",
                expected: "no burst: only a token bucket has one, as a limit in seconds is by default")
        }
        guard window.unit != .second || count <= Self.countMaxOfSeconds else {
            return RuleMistake(
                part: .count, found: "\(count)", expected: "at most \(Self.countMaxOfSeconds) in a window of seconds")
        }
        return nil
    }

    private var bucketMistake: RuleMistake? {
        let seconds = window.nominalSeconds
        guard window.unit != .month else {
            return RuleMistake(part: .window, found: "month", expected: "at most 31day: a token bucket fills evenly")
        }
        guard start == nil else {
            return RuleMistake(part: .start, found: "\(start!)", expected: "no start: a token bucket has no windows")
        }
        guard count <= Self.perSecondMax * seconds else {
            return RuleMistake(part: .count, found: "\(count)", expected: "at most \(Self.perSecondMax) a second")
        }
        let capacity = burst ?? count
        guard capacity >= 1, capacity <= Self.countMax else {
            return RuleMistake(part: .burst, found: "burst \(capacity)", expected: "a burst from 1 to \(Self.countMax)")
        }
        guard capacity * seconds <= Self.recoverySecondsMax * count else {
            return RuleMistake(
                part: burst == nil ? .window : .burst,
                found: burst.map { "burst \($0)" } ?? "\(window.units)\(window.unit.rawValue)",
                expected: burst == nil ? "at most 31day for a token bucket" : "a burst that recovers within 31 days")
        }
        return nil
    }

    /// Reads the shorthand, for example `50/s burst 100 per tenant, header x-app` or `20 at once per tenant`.
    package static func parse(_ text: String) throws(GrammarError) -> LimitRule {
        var scanner = LimitScanner(text)
        let countStart = scanner.position
        let count = try scanner.count("a count such as 100 or 10_000")
        var windowStart = scanner.position
        var algorithmStart = windowStart
        var burstStart = windowStart
        var rule = LimitRule.atOnce(count)
        if scanner.takeWord("at") {
            try scanner.word("once", expected: "once: calls in flight are counted by 20 at once")
        } else {
            try scanner.symbol("/", expected: "/ and a unit (s, min, h, day, week or month), or at once")
            windowStart = scanner.position
            rule = LimitRule(count: count, window: try scanner.window())
            algorithmStart = scanner.position
            rule.algorithm = LimitAlgorithm.allCases.first { scanner.takeWord($0.rawValue) }
            if rule.algorithm == .concurrency {
                throw scanner.error(
                    at: algorithmStart, found: "\"concurrency\"", expected: "\(count) at once: calls in flight have no window")
            }
            burstStart = scanner.position
            if scanner.takeWord("burst") {
                burstStart = scanner.position
                rule.burst = try scanner.count("a burst such as 100")
            }
        }
        var keysStart = scanner.position
        if scanner.takeWord("per") {
            keysStart = scanner.position
            rule.keys = try scanner.keys()
        }
        try scanner.refuseKeyOfMapping(beside: rule)
        try scanner.end(
            expected: rule.keys.isEmpty
                ? (rule.burst != nil || rule.algorithm == .concurrency
                    ? "per or the end" : rule.algorithm != nil ? "burst, per or the end" : "an algorithm, burst, per or the end")
                : "a comma or the end")
        if let mistake = rule.mistake {
            let position =
                switch mistake.part {
                case .count: countStart
                case .window: windowStart
                case .burst: burstStart
                case .keys: keysStart
                case .algorithm: algorithmStart
                case .start, .timeZone: windowStart
                }
            throw scanner.error(at: position, found: mistake.found, expected: mistake.expected)
        }
        return rule
    }
}

/// The span that a limit counts over: `units` × `unit`.
///
/// Windows are aligned in UTC: up to days from 1970-01-01, weeks from the Monday behind it, months by the calendar from January of
/// year 0, so that `3month` is a quarter.
package struct LimitWindow: Equatable, Sendable {
    package enum Unit: String, CaseIterable, Sendable {
        case second = "s"
        case minute = "min"
        case hour = "h"
        case day
        case week
        case month

        package var unitsMax: Int {
            switch self {
            case .second: 86_400
            case .minute: 1440
            case .hour: 744
            case .day: 366
            case .week: 53
            case .month: 12
            }
        }
    }

    package var units: Int
    package var unit: Unit

    /// As it is written.
    package var text: String { units == 1 ? unit.rawValue : "\(units)\(unit.rawValue)" }

    package init(units: Int = 1, unit: Unit) {
        self.units = units
        self.unit = unit
    }

    /// A month counts as 30 days.
    package var nominalSeconds: UInt64 {
        let seconds: UInt64 =
            switch unit {
            case .second: 1
            case .minute: 60
            case .hour: 3600
            case .day: 86_400
            case .week: 604_800
            case .month: 2_592_000
            }
        return UInt64(units) * seconds
    }

    /// Reads `[N] UNIT`, for example `s`, `10s` or `30 day`: the map form's `per`.
    package init(parsing text: String) throws(GrammarError) {
        var scanner = LimitScanner(text)
        let window = try scanner.window()
        try scanner.end(expected: "the end")
        guard window.units >= 1, window.units <= window.unit.unitsMax else {
            throw GrammarError(
                column: 1, found: "\(window.units)\(window.unit.rawValue)",
                expected: "1 to \(window.unit.unitsMax) \(window.unit.rawValue)")
        }
        self = window
    }
}

/// How a limit counts, as `algorithm` says it.
package enum LimitAlgorithm: String, CaseIterable, Sendable {
    case fixed
    case sliding
    case tokenBucket = "token_bucket"
    /// Calls in flight.
    case concurrency
}

/// What is counted apart: each different value has a counter of its own.
package enum LimitKey: Hashable, Sendable, CustomStringConvertible {
    case tenant
    /// The client's address, after `trusted_proxies`.
    case address
    /// The full method, `/pkg.Service/Method`, or the path of plain HTTP.
    case method
    /// The members to descend from the token's root.
    case claim([String])
    /// In lower case.
    case header(String)
    case constant(String)

    /// Reads one KEY, for example `tenant` or `claim realm.tenant`: the map form's `key`.
    package init(parsing text: String) throws(GrammarError) {
        var scanner = LimitScanner(text)
        self = try scanner.key()
        try scanner.end(expected: "the end")
    }

    package var description: String {
        switch self {
        case .tenant: "tenant"
        case .address: "address"
        case .method: "method"
        case .claim(let path): "claim \(path.joined(separator: "."))"
        case .header(let name): "header \(name)"
        case .constant(let text): "constant \(text)"
        }
    }
}

/// Parts of a rule that each read well and do not fit together.
package struct RuleMistake: Equatable, Sendable {
    package enum Part: String, Sendable { case count, window, algorithm, burst, start, timeZone, keys }
    package let part: Part
    package let found: String
    package let expected: String
}

/// Where a text left its grammar.
package struct GrammarError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Characters from the start of the text; the first is 1.
    package let column: Int
    package let found: String
    package let expected: String

    package init(column: Int, found: String, expected: String) {
        self.column = column
        self.found = found
        self.expected = expected
    }

    package var description: String { "found \(found), expected \(expected)" }
}
