internal import AccessControl
internal import Config
internal import JOSE
internal import LimitRules
internal import RateLimit

extension Grammar where Value == NamedRule {
    /// A rule as `allow:` and `deny:` hold it: with `name` and `mode` beside its conditions, where it is a mapping.
    static func namedRule(_ defaultName: String) -> Grammar {
        Grammar(expected: AccessRule.expected) { node, reader, expected in
            if node.entries == nil {
                return Grammar<AccessRule>.accessRule.expecting(expected).read(node, reader)
                    .map { NamedRule(name: defaultName, $0) }
            }
            return reader.section(node) { section in
                let name = section.value("name", .name, default: defaultName)
                let mode = section.optional("mode", .choice) as ShadowMode?
                return AccessRule(in: section).map { NamedRule(name: name, $0, mode: mode == nil ? .enforce : .shadow) }
            }
        }
    }
}

extension Grammar where Value == AccessRule {
    /// A word, or a mapping of conditions, all of which must hold.
    static var accessRule: Grammar {
        Grammar(expected: AccessRule.expected) { node, reader, expected in
            if node.entries != nil { return reader.section(node, AccessRule.init(in:)) }
            return Grammar(expected: expected) { (text: String) in
                switch text {
                case "anyone": .value(AccessRule.anyone)
                case "authenticated": .value(.authenticated)
                default: .mismatch(hint: Spelling.hint(for: text, among: ["anyone", "authenticated"]))
                }
            }.read(node, reader)
        }
    }
}

extension AccessRule {
    fileprivate static let expected = "anyone, authenticated, or a mapping such as { scopes: [orders.read] }"

    /// Reads the conditions of one mapping. `nil` where any of them is wrong: what is left would be a wider rule.
    fileprivate init?(in section: Section) {
        var conditions: [AccessRule] = []
        var isWhole = true
        func take<Value>(_ key: String, _ grammar: Grammar<Value>, _ rules: (Value) -> [AccessRule]) {
            guard section.has(key) else { return }
            guard let value = section.optional(key, grammar) else { isWhole = false; return }
            conditions += rules(value)
        }
        take("any", .list(of: .accessRule)) { [.any($0)] }
        take("all", .list(of: .accessRule)) { [.all($0)] }
        take("not", .accessRule) { [.not($0)] }
        take("scopes", .list(of: .scope)) { [.scopes($0)] }
        take("claim", .claimConditions) { $0 }
        take("header", .headerMatches) { $0.map(AccessRule.header) }
        take("http_method", .httpMethods) { [.httpMethod($0)] }
        take("address", .list(of: .cidr)) { [.address($0)] }
        take("client_certificate", .list(of: .text("a name in a client certificate"))) { [.clientCertificate($0)] }
        Self.know(section)
        guard isWhole else { return nil }
        guard let first = conditions.first else {
            if !section.hasUnknownKeys {
                section.report("found no condition, expected \(Quoted.alternatives(Self.keys))")
            }
            return nil
        }
        self = conditions.count == 1 ? first : .all(conditions)
    }

    private static let keys = ["any", "all", "not", "scopes", "claim", "header", "http_method", "address", "client_certificate"]

    /// Makes every key known, also those that were not there to be taken.
    private static func know(_ section: Section) {
        for key in keys { _ = section.has(key) }
    }
}

extension Grammar where Value == String {
    /// RFC 6749, section 3.3.
    fileprivate static var scope: Grammar {
        Grammar(expected: "a scope without blanks such as orders.read") { (text: String) in
            let isScope = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }
            return Reading(isScope ? text : nil)
        }
    }
}
