internal import AccessControl
internal import Config
internal import LimitRules
internal import RateLimit

extension Grammar where Value == LimitConfiguration {
    /// A limit, or a mapping that has conditions beside its parts:
    ///
    ///     - { count: 50, per: min, key: header x-team, when: { header: { x-team: "*" } }, when_missing: skip }
    ///     - { count: unlimited, key: tenant, when: { claim: { role: admin } } }
    ///     - { descriptors: [[{ key: path, value: "%{request.path}" }]] }
    static var limit: Grammar {
        Grammar(expected: Grammar<LimitRule>.limit.expected) { node, reader, expected in
            guard node.entries != nil else {
                return Grammar<LimitRule>.limit.expecting(expected).read(node, reader).map { LimitConfiguration($0) }
            }
            return reader.section(node) { section in
                section.has("descriptors") ? LimitConfiguration(descriptorsIn: section) : LimitConfiguration(in: section)
            }
        }
    }
}

extension LimitConfiguration {
    fileprivate init?(in section: Section) {
        let when = section.optional("when", .accessRule)
        let whenMissing = section.optional("when_missing", .choice) as MissingKey?
        let cost = section.optional("cost", .limitCost)
        let warnPercent = section.optional("warn_at", .warnAt)
        let logsKey = section.value("log_key", .boolean, default: false)
        let measure = section.optional("of", Grammar<LimitConfiguration.StreamMeasure?>.word("calls", or: .choice)) ?? nil
        let over = section.value("over", .choice, default: Overflow.refuse)
        let isOfBytes = measure?.isOfBytes == true
        let amount = section.required("count", isOfBytes ? .byteAmount : .amount)
        let rule: LimitRule
        switch amount {
        case .limit(let count):
            let unit = isOfBytes ? StreamCounting.unit(for: count) : 1
            let amounts = isOfBytes ? Grammar<Int>.byteSize(1...Int.max) : .count(1...Int(LimitRule.countMax))
            guard let read = LimitRule(in: section, count: count / unit, of: amounts, unit: unit) else { return nil }
            guard let measure else {
                (rule, effect) = (read, .count)
                break
            }
            stream = StreamCounting(measure: measure, isHeld: over == .hold, unit: unit)
            var counted = read
            (counted.measure, counted.unit) = (measure.rawValue, UInt64(unit))
            (rule, effect) = (counted, .count)
        case .nothing:
            // `per` is accepted and ignored: translated configurations write 0 with a unit.
            _ = section.optional("per", .limitWindow)
            (rule, effect) = (LimitRule(uncountedIn: section), .refuse)
        case .unlimited: (rule, effect) = (LimitRule(uncountedIn: section), .exempt)
        case nil:
            _ = LimitRule(in: section, count: nil)
            return nil
        }
        if effect == .exempt, rule.isShadow {
            section.report("found shadow, expected none: an exemption has no refusal that could only be logged", about: "mode")
        }
        // Without its condition it would apply to more calls than meant.
        if section.has("when"), when == nil { return nil }
        if section.has("when_missing"), whenMissing == nil { return nil }
        self.rule = rule
        self.cost = cost
        self.warnPercent = warnPercent
        self.logsKey = logsKey
        self.when = when
        self.whenMissing = whenMissing
        if whenMissing != nil, rule.keys.isEmpty {
            section.report(
                "found without keys, expected key: beside it: there is nothing that could be missing", about: "when_missing")
        }
        if logsKey { checkLoggedKeys(in: section) }
        checkStream(in: section, over)
        for key in ["cost", "warn_at"] where section.has(key) && effect != .count {
            section.report("found beside a count that nothing is charged to, expected a count from 1", about: key)
        }
        if effect == .count, case .hits(let hits) = cost, hits > rule.capacity {
            section.report(
                "found \(hits), expected at most \(rule.capacity): a call that costs more than there ever is would always be refused",
                about: "cost")
        }
        if case .response = cost, rule.effectiveAlgorithm == .concurrency {
            section.report("found a cost of the answer, expected a number: calls in flight have no answer yet", about: "cost")
        }
        if whenMissing == .share, effect != .count {
            section.report("found share, expected skip or refuse: nothing is counted here", about: "when_missing")
        }
    }

    /// Credentials are in no log.
    private func checkLoggedKeys(in section: Section) {
        if effect != .count {
            section.report("found beside a count that nothing is charged to, expected a count from 1", about: "log_key")
        }
        for case .header(let name) in rule.keys where CallVariable.requestHeader(Array(name.utf8)).isCredential {
            section.report("found beside the key header \(name), which is a credential, expected false", about: "log_key")
        }
    }

    private func checkStream(in section: Section, _ over: Overflow) {
        guard stream != nil else {
            if section.has("over") {
                section.report("found without of: what streams carry, expected refuse: calls are not held", about: "over")
            }
            if section.has("of"), effect != .count {
                section.report("found beside a count that nothing is charged to, expected a count from 1", about: "of")
            }
            return
        }
        if rule.algorithm == .concurrency {
            section.report("found beside algorithm: concurrency, expected none: calls in flight are counted as calls", about: "of")
        }
        for key in ["cost", "warn_at"] where section.has(key) {
            section.report("found beside of, expected none: what streams carry is counted as it is", about: key)
        }
        // What waits for longer is not held up but lost.
        if over == .hold,
            rule.window.units > 1 && rule.window.unit != .second || ![.second, .minute].contains(rule.window.unit)
                || rule.window.unit == .second && rule.window.units > 60
        {
            section.report("found hold, expected refuse: no call waits for longer than a minute", about: "over")
        }
    }

    /// A service's own rules are asked by these descriptors; those that the call has no value for are left out.
    fileprivate init?(descriptorsIn section: Section) {
        let when = section.optional("when", .accessRule)
        let cost = section.optional("cost", .limitHits)
        let warnPercent = section.optional("warn_at", .warnAt)
        let descriptors = section.required("descriptors", Grammar<[[DescriptorEntry]]>.list(of: .list(of: .descriptorEntry)))
        guard let descriptors, !section.has("when") || when != nil else { return nil }
        var rule = LimitRule(count: LimitRule.countMax, window: LimitWindow(unit: .day))
        rule.name = section.optional("name", .name)
        self.init(rule, effect: .serviceDescriptors(descriptors), when: when, whenMissing: .skip)
        self.cost = cost
        self.warnPercent = warnPercent
    }

    /// A route's list and a method's are judged as one, whose exemptions are remembered for twice as many.
    static let listMax = 64

    /// With a name for logs and counters: its own, or one that tells its place.
    func named(_ name: String) -> Self {
        var limit = self
        limit.rule.name = rule.name ?? name
        return limit
    }
}

extension Grammar where Value == LimitConfiguration.DescriptorEntry {
    fileprivate static var descriptorEntry: Grammar {
        let value = Grammar<CallTemplate>.callTemplate("a text such as %{request.path}") { template in
            if let variable = template.variables.first(where: \.isOfAnswer) {
                return "a text without %{\(variable.name)}: limits are judged before there is an answer"
            }
            return template.variables.contains(where: \.isCredential)
                ? "no credential of the caller: rate-limit services keep and log what they count by" : nil
        }
        return .section(expected: "a mapping with key and value") { section in
            let key = section.required("key", .text("the key of a descriptor's entry"))
            let value = section.required("value", value)
            guard let key, let value else { return nil }
            return LimitConfiguration.DescriptorEntry(key: key, value: value)
        }
    }
}

extension Grammar where Value == UInt64 {
    /// Of a route or a method, where zero means that its calls cost nothing.
    static var cost: Grammar { Grammar<Int>.count(0...LimitConfiguration.costMax).map(UInt64.init) }

}

extension Grammar where Value == LimitConfiguration.Cost {
    fileprivate static var limitHits: Grammar { Grammar<Int>.count(1...LimitConfiguration.costMax).map { .hits(UInt64($0)) } }

    /// A number, or `{ header: x-cost, default: 1, maximum: 500 }`.
    fileprivate static var limitCost: Grammar {
        let hits = limitHits
        return Grammar(expected: "\(hits.expected), or a mapping with header") { node, reader, expected in
            guard node.entries != nil else { return hits.expecting(expected).read(node, reader) }
            return Grammar<LimitConfiguration.ResponseCost>.responseCost.read(node, reader).map { .response($0) }
        }
    }
}

extension Grammar where Value == LimitConfiguration.ResponseCost {
    fileprivate static var responseCost: Grammar {
        .section(expected: "a mapping with header") { section in
            let header = section.required("header", .responseHeaderName)
            let otherwise = section.value("default", .cost, default: 1)
            let maximum = section.value("maximum", .cost, default: UInt64(LimitConfiguration.costMax))
            if otherwise > maximum {
                section.report("found \(otherwise), expected at most the maximum, \(maximum)", about: "default")
            }
            return header.map { LimitConfiguration.ResponseCost(header: $0, otherwise: otherwise, maximum: maximum) }
        }
    }
}

/// `over`: what happens to what is over a limit inside streams.
private enum Overflow: String, CaseIterable { case refuse, hold }

/// What `count` says.
private enum Amount {
    case nothing
    case limit(Int)
    case unlimited
}

extension Grammar where Value == Amount {
    /// Of bytes.
    fileprivate static var byteAmount: Grammar {
        Grammar<Int>.byteSize(1...(1 << 50)).map { .limit($0) }
    }

    fileprivate static var amount: Grammar {
        Grammar<Int?>.word("unlimited", or: .count(0...Int(LimitRule.countMax)))
            .map { $0.map { $0 == 0 ? .nothing : .limit($0) } ?? .unlimited }
    }
}

extension Grammar where Value == [LimitConfiguration] {
    /// The limits of one list, judged in its order.
    static var limitList: Grammar {
        let list = Grammar.list(of: .limit, isEmptyAllowed: true)
        return Grammar(expected: list.expected) { node, reader, expected in
            if let count = node.elements?.count, count > LimitConfiguration.listMax {
                reader.report("found \(count) limits, expected at most \(LimitConfiguration.listMax) in one list", at: node.place)
                return nil
            }
            return list.expecting(expected).read(node, reader)
        }
    }
}
