internal import Config
internal import GRPC
package import RateLimit

/// The rules of all domains, made once from the configuration and shared by all workers.
///
/// A descriptor is walked entry by entry, one level of the tree each: the rule for exactly this key and value, else the
/// first pattern that fits as written, else the rule for the key alone, else nothing. There is no going back, and only a
/// rule at exactly the descriptor's depth applies: envoyproxy/ratelimit's lookup.
package final class RuleTree: Sendable {
    /// A limit as it is counted.
    struct Rule: Sendable {
        /// Zero refuses everything.
        var requests: UInt32
        var unit: RateLimitUnit
        var isUnlimited: Bool
        var isShadow: Bool
        var isQuota = false
        /// The domain's number.
        var domain = 0
        /// Its keys, and the values that are written with them.
        var path: [String] = []
        /// By depth: whether metrics tell the values of that entry apart; empty where of none.
        var valuesInMetric: [Bool] = []
        /// By depth: the pattern that all it matches are counted by; empty where there is none.
        var shared: [[UInt8]?] = []
        var name: [UInt8]
        /// A number for its name; -1 for a rule without one.
        var nameNumber: Int
        /// The names' numbers; one that no rule has is left out.
        var replaces: [Int]
        /// `nil` where it is unlimited; held by the tree.
        var limit: Unmanaged<Limit>?
        /// Of its windows.
        var seconds: UInt64 = 0
    }

    private struct Node: Sendable {
        var rule: Int
        var level: Int
    }

    private struct Level: Sendable {
        var index: EntryIndex
        var patterns: [(key: [UInt8], pattern: WildcardPattern, node: Int)]
    }

    private let domains: EntryIndex
    /// By a domain's number.
    private let firstLevels: [Int]
    let domainNames: [String]
    private let levels: [Level]
    private let nodes: [Node]
    let rules: [Rule]
    /// Different names of rules.
    let nameCount: Int
    private let limits: [Limit]
    let answers: AnswerSettings
    /// By a domain's number: how its requests are charged.
    private let chargings: [LimitRequest.Charging]

    package init(_ domains: [LimitDomain], answers: AnswerSettings = AnswerSettings(), counters: CounterRegistry) {
        self.answers = answers
        var builder = Builder(counters: counters)
        var roots: [(key: [UInt8], value: [UInt8]?, target: Int)] = []
        for (number, domain) in domains.enumerated() {
            let path = RulePath(domain.name, number: number)
            roots.append((Array(domain.name.utf8), nil, builder.add(level: domain.descriptors, path)))
        }
        // Their targets are numbers of domains.
        self.domains = EntryIndex(roots.enumerated().map { ($1.key, $1.value, $0) })
        firstLevels = roots.map(\.target)
        domainNames = domains.map(\.name)
        levels = builder.levels
        nodes = builder.nodes
        rules = builder.finishedRules()
        nameCount = builder.names.count
        limits = builder.limits
        chargings = domains.map(\.charging)
    }

    /// Where a rule stands: its counters are found by it again after a reload.
    private struct RulePath {
        let domain: String
        let number: Int
        private(set) var texts: [String] = []
        private(set) var keys: [[UInt8]] = []
        private(set) var valuesInMetric: [Bool] = []
        private(set) var shared: [[UInt8]?] = []
        /// No two paths have the same.
        private(set) var identity: [UInt8] = []

        init(_ domain: String, number: Int) {
            self.domain = domain
            self.number = number
        }

        mutating func append(_ descriptor: LimitDescriptor) {
            texts.append(descriptor.value.map { "\(descriptor.key)_\($0)" } ?? descriptor.key)
            keys.append(Array(descriptor.key.utf8))
            valuesInMetric.append(descriptor.hasValueInMetric && !descriptor.sharesThreshold)
            shared.append(descriptor.sharesThreshold ? descriptor.value.map { Array($0.utf8) } : nil)
            identity += [descriptor.key, descriptor.value].flatMap { Self.counted($0) }
        }

        func identity(seconds: UInt64) -> [UInt8] { Self.counted(domain) + identity + Array("@\(seconds)".utf8) }

        private static func counted(_ text: String?) -> [UInt8] {
            guard let text else { return [UInt8(ascii: "-")] }
            return Array("\(text.utf8.count):\(text)".utf8)
        }

        var name: String { texts.joined(separator: ".") }
    }

    private struct Builder {
        let counters: CounterRegistry
        var limits: [Limit] = []
        var levels: [Level] = []
        var nodes: [Node] = []
        var rules: [(rule: Rule, replaces: [String])] = []
        var names: [String: Int] = [:]

        mutating func add(level descriptors: [LimitDescriptor], _ path: RulePath) -> Int {
            var entries: [(key: [UInt8], value: [UInt8]?, target: Int)] = []
            var patterns: [(key: [UInt8], pattern: WildcardPattern, node: Int)] = []
            for descriptor in descriptors {
                let node = add(descriptor, path)
                let key = Array(descriptor.key.utf8)
                let value = descriptor.value.map { Array($0.utf8) }
                if let value, let pattern = WildcardPattern(value) {
                    patterns.append((key, pattern, node))
                } else {
                    entries.append((key, value, node))
                }
            }
            levels.append(Level(index: EntryIndex(entries), patterns: patterns))
            return levels.count - 1
        }

        private mutating func add(_ descriptor: LimitDescriptor, _ above: RulePath) -> Int {
            var path = above
            path.append(descriptor)
            let level = descriptor.descriptors.isEmpty ? -1 : add(level: descriptor.descriptors, path)
            var rule = -1
            if let limit = descriptor.limit {
                rule = rules.count
                rules.append((Rule(limit, descriptor), limit.replaces))
                rules[rule].rule.domain = path.number
                rules[rule].rule.path = path.texts
                if descriptor.isDetailed {
                    rules[rule].rule.valuesInMetric = path.shared.map { $0 == nil }
                } else if path.valuesInMetric.contains(true) {
                    rules[rule].rule.valuesInMetric = path.valuesInMetric
                }
                if path.shared.contains(where: { $0 != nil }) { rules[rule].rule.shared = path.shared }
                if let unit = rules[rule].rule.unit.seconds, !rules[rule].rule.isUnlimited {
                    let seconds = unit * UInt64(limit.multiplier)
                    let counted = Limit(
                        ofService: path.domain, keys: path.keys, name: path.name, requests: rules[rule].rule.requests,
                        seconds: seconds, isShadow: descriptor.isShadow || descriptor.isQuota,
                        table: counters.table(path.identity(seconds: seconds), place: path.domain, name: path.name),
                        counters: counters)
                    limits.append(counted)
                    rules[rule].rule.limit = .passUnretained(counted)
                    rules[rule].rule.seconds = seconds
                }
                if let name = limit.name {
                    let number = names[name] ?? names.count
                    names[name] = number
                    rules[rule].rule.nameNumber = number
                }
            }
            nodes.append(Node(rule: rule, level: level))
            return nodes.count - 1
        }

        /// With the names that are replaced, which may stand behind the rule that replaces them.
        func finishedRules() -> [Rule] {
            rules.map { entry in
                var rule = entry.rule
                rule.replaces = entry.replaces.compactMap { names[$0] }
                return rule
            }
        }
    }

    /// A line for each rule, as `/rlconfig` of envoyproxy/ratelimit has them.
    package var text: String {
        rules.map { rule in
            let path = ([domainNames[rule.domain]] + rule.path).joined(separator: ".")
            let limit =
                rule.isUnlimited
                ? "unlimited"
                : "unit=" + "\(rule.unit)".uppercased()
                    + (rule.seconds == rule.unit.seconds ? "" : ", unit_multiplier=\(rule.seconds / (rule.unit.seconds ?? 1))")
                    + ", requests_per_unit=\(rule.requests)"
            return "\(path): \(limit), shadow_mode: \(rule.isShadow)" + (rule.isQuota ? ", quota_mode: true" : "") + "\n"
        }.joined()
    }

    /// The domain's number; -1 for a domain without rules.
    func number(ofDomain name: UnsafeRawBufferPointer) -> Int { domains.find(key: name) }

    /// The first level of the domain with this number.
    func level(ofDomain number: Int) -> Int { firstLevels[number] }

    func replacesOthers(_ rule: Int) -> Bool { !rules[rule].replaces.isEmpty }

    /// Puts the limit of a rule that is not unlimited into a request, with the values of its entries.
    func add(_ rule: Int, _ entries: ArraySlice<LimitQuery.Entry>, to request: LimitRequest, hits: UInt64) {
        rules[rule].limit?._withUnsafeGuaranteedRef { request.begin($0, hits: hits) }
        guard !rules[rule].shared.isEmpty else {
            for entry in entries { request.add(key: entry.value) }
            return
        }
        for (entry, pattern) in zip(entries, rules[rule].shared) {
            if let pattern {
                pattern.withUnsafeBytes { request.add(key: $0) }
            } else {
                request.add(key: entry.value)
            }
        }
    }

    /// How requests of the domain with this number are charged.
    func charging(ofDomain number: Int) -> LimitRequest.Charging { chargings[number] }

    /// The rule for a descriptor; -1 for none.
    func rule(from start: Int, _ entries: ArraySlice<LimitQuery.Entry>) -> Int {
        var level = start
        var rule = -1
        for entry in entries {
            guard level >= 0 else { return -1 }
            let node = node(at: level, entry)
            guard node >= 0 else { return -1 }
            rule = nodes[node].rule
            level = nodes[node].level
        }
        return rule
    }

    private func node(at level: Int, _ entry: LimitQuery.Entry) -> Int {
        let exact = levels[level].index.find(key: entry.key, value: entry.value)
        if exact >= 0 { return exact }
        for pattern in levels[level].patterns
        where pattern.key.elementsEqual(entry.key) && pattern.pattern.matches(entry.value) {
            return pattern.node
        }
        return levels[level].index.find(key: entry.key)
    }
}

extension RuleTree.Rule {
    init(_ limit: ServiceLimit, _ descriptor: LimitDescriptor) {
        let isShadow = descriptor.isShadow
        switch limit.amount {
        case .unlimited: self.init(requests: 0, unit: .unknown, isUnlimited: true, isShadow: isShadow)
        case .requests(let count, let unit):
            self.init(requests: count, unit: RateLimitUnit(unit), isUnlimited: false, isShadow: isShadow)
        }
        name = Array((limit.name ?? "").utf8)
        isQuota = descriptor.isQuota && !isShadow
    }

    private init(requests: UInt32, unit: RateLimitUnit, isUnlimited: Bool, isShadow: Bool) {
        self.init(
            requests: requests, unit: unit, isUnlimited: isUnlimited, isShadow: isShadow, name: [], nameNumber: -1,
            replaces: [])
    }
}

extension RateLimitUnit {
    init(_ unit: ServiceLimit.Unit) {
        switch unit {
        case .second: self = .second
        case .minute: self = .minute
        case .hour: self = .hour
        case .day: self = .day
        case .week: self = .week
        case .month: self = .month
        case .year: self = .year
        }
    }
}
