import BytesTesting
import HTTPModel
import Matching
import Random
import Testing

@testable import AccessControl

@Suite struct RuleBookTests {
    private static func claim(_ name: String, _ value: String) -> AccessRule { .claim(path: [name], value: .exact(value)) }

    private static func shadow(_ name: String, _ rule: AccessRule) -> NamedRule { NamedRule(name: name, rule, mode: .shadow) }

    @Test(
        "what reads like a header that a rule asks about, and is another, is known",
        arguments: [
            ("x-banned", false), ("x_banned", true), ("x.banned", true), ("x_other", false), ("x_own", false), ("x.own", true),
            ("x_deep_one", true), ("x-deep_one", true), ("x_bannedd", false),
        ])
    func lookAlikes(name: String, isAlike: Bool) throws {
        var builder = RuleBookBuilder()
        let deep = AccessRule.not(.any([.anyone, .all([.header(try FieldMatch(header: "x-deep-one", .present))])]))
        _ = builder.policy(
            route: AccessRules(
                allow: NamedRule(name: "a", deep), deny: NamedRule(name: "d", .header(try FieldMatch(header: "X-Banned", .present)))
            ))
        _ = builder.policy(route: AccessRules(deny: NamedRule(name: "o", .header(try FieldMatch(header: "x_own", .present)))))
        let book = builder.book(generation: 1)
        #expect(Array(name.utf8).withUnsafeBytes { book.hasLookAlike(of: $0) } == isAlike)
    }

    @Test("a route without allow needs an authenticated caller")
    func defaultAllow() throws {
        #expect(try RuleCaller().answer(AccessRules()) == Answer(reason: "needs authentication", rule: "default"))
        #expect(try RuleCaller("{}").answer(AccessRules()) == .allowed)
    }

    @Test("deny is asked before allow, and a method's in addition to its route's")
    func deny() throws {
        let route = AccessRules(allow: NamedRule(name: "allow", .anyone), deny: NamedRule(name: "route", Self.claim("a", "1")))
        let method = AccessRules(deny: NamedRule(name: "method", Self.claim("b", "1")))
        #expect(try RuleCaller(#"{"a":1,"b":1}"#).answer(route, method: method) == Answer(reason: "denied", rule: "route"))
        #expect(try RuleCaller(#"{"b":1}"#).answer(route, method: method) == Answer(reason: "denied", rule: "method"))
        #expect(try RuleCaller(#"{"b":1}"#).answer(route) == .allowed)
        #expect(try RuleCaller("{}").answer(route, method: method) == .allowed)
    }

    @Test("a method's allow replaces its route's, and its deny does not")
    func methodAllow() throws {
        let route = AccessRules(allow: NamedRule(name: "read", .scopes(["read"])))
        let method = AccessRules(allow: NamedRule(name: "write", .scopes(["write"])))
        let writer = try RuleCaller(#"{"scope":"write"}"#)
        #expect(writer.answer(route) == Answer(reason: "needs scopes read", rule: "read"))
        #expect(writer.answer(route, method: method) == .allowed)
        #expect(
            try RuleCaller(#"{"scope":"read"}"#).answer(route, method: method)
                == Answer(reason: "needs scopes write", rule: "write"))
        let denying = AccessRules(deny: NamedRule(name: "no", Self.claim("a", "1")))
        #expect(try RuleCaller(#"{"scope":"read"}"#).answer(route, method: denying) == .allowed)
        #expect(writer.answer(route, method: denying) == Answer(reason: "needs scopes read", rule: "read"))
    }

    @Test("a deny counts a stranger as one without claims or scopes")
    func denyStranger() throws {
        let open = NamedRule(name: "open", .anyone)
        let banned = AccessRules(allow: open, deny: NamedRule(name: "banned", Self.claim("role", "banned")))
        #expect(try RuleCaller().answer(banned) == .allowed)
        #expect(try RuleCaller(#"{"role":"banned"}"#).answer(banned) == Answer(reason: "denied", rule: "banned"))
        let unscoped = AccessRules(allow: open, deny: NamedRule(name: "unscoped", .not(.scopes(["x"]))))
        #expect(try RuleCaller().answer(unscoped) == Answer(reason: "needs authentication", rule: "unscoped"))
        #expect(try RuleCaller("{}").answer(unscoped) == Answer(reason: "denied", rule: "unscoped"))
        #expect(try RuleCaller(#"{"scope":"x"}"#).answer(unscoped) == .allowed)
        let legacy = AccessRules(
            allow: open, deny: NamedRule(name: "legacy", .header(try FieldMatch(header: "x-legacy", .present))))
        #expect(try RuleCaller(nil, [("x-legacy", "")]).answer(legacy) == Answer(reason: "denied", rule: "legacy"))
    }

    @Test("a shadow rule is reported where it would have refused, and refuses nothing")
    func shadowRules() throws {
        let strict = Self.shadow("strict", .scopes(["x"]))
        let caller = try RuleCaller(#"{"a":1}"#)
        #expect(caller.answer(AccessRules(allow: strict)) == Answer(reason: "allowed", rule: nil, shadow: ["strict"]))
        #expect(
            caller.answer(AccessRules(deny: Self.shadow("a", Self.claim("a", "1"))))
                == Answer(reason: "allowed", rule: nil, shadow: ["a"]))
        #expect(caller.answer(AccessRules(deny: Self.shadow("b", Self.claim("a", "2")))) == .allowed)
        #expect(try RuleCaller(#"{"scope":"x"}"#).answer(AccessRules(allow: strict)) == .allowed)
        let route = AccessRules(deny: Self.shadow("route", Self.claim("a", "1")))
        let method = AccessRules(allow: Self.shadow("allow", .scopes(["x"])), deny: Self.shadow("method", .authenticated))
        #expect(caller.answer(route, method: method) == Answer(reason: "allowed", rule: nil, shadow: ["route", "method", "allow"]))
    }

    @Test("a shadow allow leaves what was in force in force")
    func shadowAllow() throws {
        // On a route without another allow, that is the default: a stranger stays out.
        let open = AccessRules(allow: Self.shadow("open", .anyone))
        #expect(try RuleCaller().answer(open) == Answer(reason: "needs authentication", rule: "default"))
        // On a method it is the route's.
        let route = AccessRules(allow: NamedRule(name: "read", .scopes(["read"])))
        let method = AccessRules(allow: Self.shadow("write", .scopes(["write"])))
        #expect(
            try RuleCaller(#"{"scope":"read"}"#).answer(route, method: method)
                == Answer(reason: "allowed", rule: nil, shadow: ["write"]))
        #expect(
            try RuleCaller(#"{"scope":"write"}"#).answer(route, method: method) == Answer(reason: "needs scopes read", rule: "read")
        )
        // And a method's enforced allow replaces a route's shadow.
        let enforced = AccessRules(allow: NamedRule(name: "any", .authenticated))
        #expect(try RuleCaller("{}").answer(AccessRules(allow: Self.shadow("s", .scopes(["x"]))), method: enforced) == .allowed)
    }

    @Test("a refused call is not asked about shadow rules")
    func shadowOfRefused() throws {
        let route = AccessRules(allow: NamedRule(name: "x", .scopes(["x"])), deny: Self.shadow("s", .anyone))
        #expect(try RuleCaller("{}").answer(route) == Answer(reason: "needs scopes x", rule: "x"))
    }

    @Test("what a token was found to be is remembered for one book of rules and forgotten with it")
    func memory() throws {
        func book(_ scope: String, generation: UInt64) -> (RuleBook, AccessPolicy) {
            var builder = RuleBookBuilder()
            let policy = builder.policy(route: AccessRules(allow: NamedRule(name: "r", .scopes([scope]))))
            return (builder.book(generation: generation), policy)
        }
        let caller = try RuleCaller(#"{"scope":"a"}"#)
        let (first, firstPolicy) = book("a", generation: 1)
        let (second, secondPolicy) = book("b", generation: 2)
        for _ in 0..<3 {
            #expect(caller.verdict(firstPolicy, in: first).decision == .allowed)
            #expect(caller.verdict(secondPolicy, in: second).decision != .allowed)
            #expect(caller.verdict(secondPolicy, in: second).decision != .allowed)
        }
    }

    @Test("rules beyond a token's memory are decided as those within", arguments: [true, false])
    func manyRules(usesMemory: Bool) throws {
        var builder = RuleBookBuilder()
        let policies = (0..<300).map { index in
            builder.policy(route: AccessRules(allow: NamedRule(name: "rule \(index)", .scopes(["s\(index)"]))))
        }
        let book = builder.book(generation: 9)
        let granted = Set([0, 1, 63, 64, 65, 127, 128, 129, 255, 299])
        let caller = try RuleCaller(#"{"scope":"\#(granted.map { "s\($0)" }.joined(separator: " "))"}"#)
        caller.usesMemory = usesMemory
        for _ in 0..<2 {
            for (index, policy) in policies.enumerated() {
                let answer = Answer(caller.verdict(policy, in: book), policy, book)
                #expect(
                    answer == (granted.contains(index) ? .allowed : Answer(reason: "needs scopes s\(index)", rule: "rule \(index)"))
                )
            }
        }
    }

    @Test("the same rules at many routes are kept once")
    func interning() {
        var builder = RuleBookBuilder()
        let route = AccessRules(allow: NamedRule(name: "r", .scopes(["a"])), deny: NamedRule(name: "d", .not(.authenticated)))
        let policies = Set((0..<1_000).map { _ in builder.policy(route: route) })
        #expect(policies.count == 1)
        #expect(builder.book(generation: 1).ruleCount == 2)
    }

    @Test("random rules answer as their plain reading does", arguments: 0..<20)
    func againstModel(round: UInt64) throws {
        var generator = RandomGenerator(seed: round)
        for _ in 0..<100 {
            let rule = RuleModel.randomRule(&generator, depth: 4)
            for token in RuleModel.tokens {
                for headers in [[], [("x", "1")]] {
                    let answer = try RuleCaller(token?.claims, headers).answer(to: rule)
                    switch RuleModel.truth(rule, token, hasHeader: !headers.isEmpty) {
                    case true?: #expect(answer == .allowed, "\(rule)")
                    case false?: #expect(answer.reason == "denied" || answer.reason.hasPrefix("needs scopes"), "\(rule)")
                    case nil: #expect(answer.reason == "needs authentication", "\(rule)")
                    }
                }
            }
        }
    }
}

/// Three-valued logic, word for word: `nil` is what cannot be known without a token.
enum RuleModel {
    struct Token {
        var claims: String
        var scopes: Set<String> = []
        var values: Set<String> = []
    }

    static let tokens: [Token?] = [
        nil, Token(claims: "{}"), Token(claims: #"{"scope":"a"}"#, scopes: ["a"]), Token(claims: #"{"c":"1"}"#, values: ["1"]),
        Token(claims: #"{"scope":"a b","c":["1","2"]}"#, scopes: ["a", "b"], values: ["1", "2"]),
    ]

    static func truth(_ rule: AccessRule, _ token: Token?, hasHeader: Bool) -> Bool? {
        switch rule {
        case .anyone: return true
        case .authenticated: return token.map { _ in true }
        case .not(let inner): return truth(inner, token, hasHeader: hasHeader).map { !$0 }
        case .any(let rules):
            let values = rules.map { truth($0, token, hasHeader: hasHeader) }
            return values.contains(true) ? true : values.contains(nil) ? nil : false
        case .all(let rules):
            let values = rules.map { truth($0, token, hasHeader: hasHeader) }
            return values.contains(false) ? false : values.contains(nil) ? nil : true
        case .scopes(let names): return token.map { $0.scopes.isSuperset(of: names) }
        case .claim(_, let value): return token.map { $0.values.contains { value == .exact($0) } }
        case .header: return hasHeader
        case .httpMethod, .address, .clientCertificate: return false
        }
    }

    static func randomRule(_ generator: inout RandomGenerator, depth: Int) -> AccessRule {
        switch Int.random(in: 0..<(depth == 0 ? 6 : 10), using: &generator) {
        case 0: return .anyone
        case 1: return .authenticated
        case 2: return .scopes(["a"])
        case 3: return .scopes(["a", "b"])
        case 4: return .claim(path: ["c"], value: .exact("1"))
        case 5: return .header(try! FieldMatch(header: "x", .exact("1")))
        case 6: return .not(randomRule(&generator, depth: depth - 1))
        case 7, 8: return .any((0..<Int.random(in: 0...3, using: &generator)).map { _ in randomRule(&generator, depth: depth - 1) })
        default: return .all((0..<Int.random(in: 0...3, using: &generator)).map { _ in randomRule(&generator, depth: depth - 1) })
        }
    }
}
