package import Config

extension Grammar where Value == LimitRule {
    /// A limit as shorthand, or as a mapping for what shorthand cannot say:
    ///
    ///     - 50/s burst 100 per tenant
    ///     - { count: 50, per: s, burst: 100, key: tenant, name: bursts, mode: shadow, before: authentication, counters: 1_000_000 }
    ///     - { count: 1000, per: 2week, algorithm: sliding }
    ///     - { count: 1_000_000, per: month, starts: 15 }
    ///     - { count: 20, algorithm: concurrency, key: tenant }
    package static var limit: Grammar {
        Grammar(expected: "a limit such as 50/s, 10/s burst 100 per tenant, or 10_000/day") { node, reader, expected in
            switch node.content {
            case .scalar(let scalar):
                return scalar.isAbsent ? mismatch(node, reader, expected) : shorthand(scalar, node, reader)
            case .mapping:
                return reader.section(node) { section in
                    LimitRule(in: section, count: section.required("count", .count(1...Int(LimitRule.countMax))))
                }
            case .list: return mismatch(node, reader, expected)
            }
        }
    }

    private static func mismatch(_ node: Node, _ reader: Reader, _ expected: String) -> LimitRule? {
        reader.reportMismatch(node, expected: expected)
        return nil
    }

    private static func shorthand(_ scalar: Node.Scalar, _ node: Node, _ reader: Reader) -> LimitRule? {
        guard !scalar.isBroken else { return nil }
        do throws(GrammarError) {
            return try LimitRule.parse(scalar.text)
        } catch {
            reader.report(error, in: scalar, of: node)
            return nil
        }
    }

}

extension LimitRule {
    /// Reads a limit's mapping.
    ///
    /// - Parameters:
    ///   - count: which has been read; `nil` where it is wrong.
    ///   - amounts: how numbers of what is counted are written.
    ///   - unit: how many of these a hit stands for.
    package init?(
        in section: Section, count: Int?, of amounts: Grammar<Int> = .count(1...Int(LimitRule.countMax)), unit: Int = 1
    ) {
        let algorithm = section.optional("algorithm", .choice) as LimitAlgorithm?
        let window =
            algorithm == .concurrency
            ? section.optional("per", .limitWindow) ?? LimitWindow(unit: .second) : section.required("per", .limitWindow)
        if algorithm == .concurrency, section.has("per") {
            section.report(
                "found beside algorithm: concurrency, expected none: calls in flight are counted in no window", about: "per")
        }
        let burst = section.optional("burst", amounts).map { max(1, $0 / unit) }
        let start = section.optional("starts", .windowStart)
        let timeZone = section.optional("time_zone", .timeZone)
        let counters = section.optional("counters", .count(1...LimitRule.countersMax))
        var rule = LimitRule(uncountedIn: section)
        guard let count, let window else { return nil }
        rule.count = UInt64(count)
        rule.window = window
        rule.algorithm = algorithm
        rule.burst = burst.map(UInt64.init)
        rule.start = start
        rule.timeZone = timeZone
        rule.counters = counters
        if let mistake = rule.mistake {
            section.report("found \(mistake.found), expected \(mistake.expected)", about: mistake.part.key)
            return nil
        }
        self = rule
    }

    /// Reads what a limit says besides how many: its keys, name, mode and stage.
    package init(uncountedIn section: Section) {
        let mode = section.optional("mode", .choice) as ShadowMode?
        let before = section.optional("before", .choice) as BeforeStage?
        self.init(
            name: section.optional("name", .name), count: 0, window: LimitWindow(unit: .second),
            keys: section.value("key", .limitKeys, default: []), isShadow: mode != nil, isBeforeAuthentication: before != nil)
    }
}

/// `mode:` of a rule or limit; enforcing is said by saying nothing.
package enum ShadowMode: String, CaseIterable, Sendable { case shadow }

/// `before:` of a limit: counted before it is known who calls.
private enum BeforeStage: String, CaseIterable { case authentication }

extension RuleMistake.Part {
    /// The key of the map form that holds this part.
    fileprivate var key: String {
        switch self {
        case .count: "count"
        case .window: "per"
        case .algorithm: "algorithm"
        case .burst: "burst"
        case .start: "starts"
        case .timeZone: "time_zone"
        case .keys: "key"
        }
    }
}

extension Grammar where Value == LimitWindow {
    package static var limitWindow: Grammar {
        Grammar(expected: "a span such as s, 10s, min, h, day, week or month") { (text: String) in
            do throws(GrammarError) {
                return .value(try LimitWindow(parsing: text))
            } catch {
                return .mismatch
            }
        }
    }
}

extension Grammar where Value == String {
    /// The name of a file of tzdata: none that leads elsewhere.
    fileprivate static var timeZone: Grammar {
        Grammar(expected: "the name of a time zone such as Europe/Prague") { (text: String) in
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            let isName =
                text.utf8.count <= 64
                && parts.allSatisfy { part in
                    part.first?.isLetter == true
                        && part.utf8.allSatisfy { byte in
                            UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
                                || "_+-".utf8.contains(byte)
                        }
                }
            return isName ? .value(text) : .mismatch
        }
    }
}

extension Grammar where Value == WindowStart {
    fileprivate static var windowStart: Grammar {
        Grammar(expected: "a time such as 06:00, a day such as monday, or a day of the month") { (text: String) in
            WindowStart(parsing: text).map { .value($0) } ?? .mismatch
        }
    }
}

extension Grammar where Value == LimitKey {
    /// As in shorthand, or `{ claim: [name, …] }` for claims whose names hold dots.
    static var limitKey: Grammar {
        let expected = "a key: tenant, address, method, claim P, header H or constant C"
        return Grammar(expected: expected) { node, reader, expected in
            guard let scalar = node.scalar, !scalar.isAbsent else {
                guard node.entries != nil else {
                    reader.reportMismatch(node, expected: expected)
                    return nil
                }
                return reader.section(node) { $0.required("claim", .claimNames) }.map(LimitKey.claim)
            }
            guard !scalar.isBroken else { return nil }
            do throws(GrammarError) {
                return try LimitKey(parsing: scalar.text)
            } catch {
                reader.report(error, in: scalar, of: node)
                return nil
            }
        }
    }
}

extension Grammar where Value == [LimitKey] {
    /// One key, or a list of them.
    static var limitKeys: Grammar {
        Grammar(expected: "\(Grammar<LimitKey>.limitKey.expected), or a list of them") { node, reader, _ in
            node.elements == nil
                ? Grammar<LimitKey>.limitKey.read(node, reader).map { [$0] }
                : Grammar.list(of: .limitKey).read(node, reader)
        }
    }
}

extension Grammar where Value == [String] {
    /// The members to descend from the token's root, each written out, for names that hold dots themselves.
    package static var claimNames: Grammar {
        .list(of: .text("the name of a claim")).expecting("a list of the names to descend, such as [realm, tenant]")
    }
}

extension Reader {
    /// Reports where a text left its grammar, down to the column where the file shows that very text.
    package func report(_ error: GrammarError, in scalar: Node.Scalar, of node: Node) {
        var place = node.place
        guard !scalar.comesFromEnvironment else {
            report("found \(node.found), expected \(error.expected)", at: place)
            return
        }
        // Behind an escape or a line's end the columns of text and file part ways: then the beginning must do.
        let isVerbatim = scalar.text.unicodeScalars.allSatisfy { $0 != "\n" && $0 != "\\" && $0 != "\"" && $0 != "'" }
        if isVerbatim { place.column += error.column - 1 + (scalar.isQuoted ? 1 : 0) }
        report(error.description, at: place)
    }
}
