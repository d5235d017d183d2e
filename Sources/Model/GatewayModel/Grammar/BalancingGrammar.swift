internal import Balancing
internal import Config
internal import HTTPModel

extension Grammar where Value == BalancingConfiguration {
    static var balancing: Grammar {
        let word = Grammar<PolicyName>.choice
        return Grammar(expected: "\(word.expected), or a mapping with policy") { node, reader, expected in
            guard node.entries == nil else { return reader.section(node, expected: expected) { read($0) } }
            guard let name = word.read(node, reader) else { return nil }
            if name == .ringHash || name == .maglev {
                reader.report(
                    "found \(Quoted.text(name.rawValue)) without a hash, "
                        + "expected a mapping such as { policy: \(name.rawValue), hash: [header x-user] }",
                    at: node.place)
            }
            return BalancingConfiguration(settings: BalancingSettings(policy: policy(name)), hash: [])
        }
    }

    private static func policy(_ name: PolicyName) -> BalancingPolicy {
        switch name {
        case .leastRequest: .leastRequest
        case .roundRobin: .roundRobin
        case .random: .random
        case .ringHash: .ringHashDefault
        case .maglev: .maglevDefault
        }
    }

    private static func read(_ section: Section) -> BalancingConfiguration? {
        let name = section.required("policy", .choice) as PolicyName?
        let hash = section.optional("hash", .list(of: .hashSource))
        let entriesMin = section.value("minimum_ring_size", .count(1...(8 << 20)), default: 1024)
        let entriesMax = section.value("maximum_ring_size", .count(1...(8 << 20)), default: max(entriesMin, 8 << 20))
        let tableSize = section.value("table_size", .prime(5_000_011), default: 65_537)
        let slowStart = section.optional("slow_start", .slowStart)
        let panic = section.value("panic_threshold", .percent, default: 50)
        guard let name else { return nil }
        let wantsHash = name == .ringHash || name == .maglev
        if entriesMax < entriesMin {
            section.report("found \(entriesMax), expected at least minimum_ring_size, \(entriesMin)", about: "maximum_ring_size")
        }
        for (key, names) in [
            ("hash", [PolicyName.ringHash, .maglev]), ("minimum_ring_size", [.ringHash]), ("maximum_ring_size", [.ringHash]),
            ("table_size", [.maglev]), ("slow_start", [.leastRequest, .roundRobin, .random]),
        ] where section.has(key) && !names.contains(name) {
            section.report(
                "found with policy \(name.rawValue), expected \(Quoted.alternatives(names.map(\.rawValue)))", about: key)
        }
        if wantsHash, !section.has("hash") {
            section.report("the key \"hash\" is missing, expected a list such as [header x-user, address]")
        }
        var policy = policy(name)
        if name == .ringHash { policy = .ringHash(entriesMin: entriesMin, entriesMax: entriesMax) }
        if name == .maglev { policy = .maglev(tableSize: tableSize) }
        return BalancingConfiguration(
            settings: BalancingSettings(policy: policy, panicPercent: panic, slowStart: slowStart), hash: hash ?? [])
    }
}

extension Grammar where Value == SlowStart {
    fileprivate static var slowStart: Grammar {
        .section(expected: "a mapping with window") { section in
            let window = section.required("window", .timeout)
            let aggression = section.value("aggression", .factor, default: 1)
            let minimum = section.value("minimum_weight", .percent, default: 10)
            if section.has("minimum_weight"), minimum == 0 {
                section.report(
                    "found \"0%\", expected at least 1%: an endpoint without calls never warms up", about: "minimum_weight")
            }
            return window.map { SlowStart(window: $0, aggression: aggression, minimumPercent: max(1, minimum)) }
        }
    }
}

extension Grammar where Value == Double {
    /// A positive number such as 1 or 1.5.
    fileprivate static var factor: Grammar {
        Grammar(expected: "a number above 0 such as 1 or 1.5") { (text: String) in
            let isPlain = text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2e }
            guard isPlain, let value = Double(text), value > 0, value <= 100 else { return .mismatch }
            return .value(value)
        }
    }
}

extension Grammar where Value == Int {
    fileprivate static func prime(_ maximum: Int) -> Grammar {
        Grammar(expected: "a prime number from 3 to \(maximum)") { (text: String) in
            guard let count = Number.count(text), count >= 3, count <= maximum else { return .mismatch }
            var divisor = 2
            while divisor * divisor <= count {
                if count % divisor == 0 { return .mismatch }
                divisor += 1
            }
            return .value(count)
        }
    }
}

extension Grammar where Value == HashSource {
    static var hashSource: Grammar {
        Grammar(expected: "a source: header H, claim P, tenant, cookie C or address") { (text: String) in
            let words = text.split(separator: " ").map(String.init)
            switch (words.first, words.count) {
            case ("tenant", 1): return .value(.tenant)
            case ("address", 1): return .value(.address)
            case ("header", 2) where words[1].utf8.allSatisfy(HTTPGrammar.isToken): return .value(.header(words[1].lowercased()))
            case ("cookie", 2) where words[1].utf8.allSatisfy(HTTPGrammar.isToken): return .value(.cookie(words[1]))
            case ("claim", 2): return Reading(ClaimText.path(words[1]).map { .claim($0) })
            default:
                let kinds = ["header", "claim", "tenant", "cookie", "address"]
                guard let word = words.first, !kinds.contains(word) else { return .mismatch }
                return .mismatch(hint: Spelling.hint(for: word, among: kinds))
            }
        }
    }
}

private enum PolicyName: String, CaseIterable {
    case leastRequest = "least_request"
    case roundRobin = "round_robin"
    case random
    case ringHash = "ring_hash"
    case maglev
}
