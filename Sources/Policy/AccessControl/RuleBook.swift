package import Bytes
internal import HTTPModel
package import Matching

/// All rules of one snapshot, compiled: who may call which route and method.
///
/// Immutable and shared by the workers. `AccessPolicy` values are meaningful only to the book they were made for.
package final class RuleBook: Sendable {
    private let program: RuleProgram
    private let steps: [Step]
    private let names: [String]
    private let scopeTexts: [[UInt8]]
    /// Another one for every book, so that no token keeps results of another book's rules.
    private let generation: UInt64
    /// The headers that rules ask about, as they are written, and with all that read like them.
    private let headers: [[UInt8]]
    private let headersAlike: FieldNameSet

    /// One rule of a policy.
    struct Step: Sendable {
        var root: Int32
        var rule: RuleID
        var effect: Effect
        var isShadow: Bool
        var asksForToken: Bool

        enum Effect { case allow, deny }
    }

    init(program: RuleProgram, steps: [Step], names: [String], headers: [String], generation: UInt64) {
        self.headers = headers.map { Array($0.utf8) }
        headersAlike = FieldNameSet(names: headers)
        self.program = program
        self.steps = steps
        self.names = names
        self.generation = generation
        scopeTexts = program.scopes.map { Array($0.joined(separator: [UInt8(ascii: " ")])) }
    }

    /// How many named rules there are; `RuleID.index` is below it. For tests.
    package var ruleCount: Int { names.count }

    /// Whether a field's name is none that a rule asks about, but reads like one: servers that take it for that would be told what the
    /// rules have not seen.
    package func hasLookAlike(of name: BorrowedBytes) -> Bool {
        headersAlike.contains(name) && !headers.contains { $0.withUnsafeBytes { $0.equals(name) } }
    }

    package func name(of rule: RuleID) -> String { names[Int(rule.index)] }

    /// The scopes a denial asks for, with spaces between them, as `www-authenticate` carries them (RFC 6750, section 3).
    package func withScopes<Result>(_ scopes: ScopesID, _ body: (BorrowedBytes) -> Result) -> Result {
        scopeTexts[Int(scopes.index)].withUnsafeBytes(body)
    }

    /// Decides on a call. Allocates nothing.
    ///
    /// Shadow rules are asked only about calls that all others let pass: what they report is what they would change.
    package func check(_ policy: AccessPolicy, _ caller: borrowing CallerFacts) -> AccessVerdict {
        var verdict = AccessVerdict(decision: .allowed, shadowed: 0)
        let range = Int(policy.firstStep)..<Int(policy.firstStep + policy.stepCount)
        for index in range where !steps[index].isShadow {
            if let reason = refusal(by: steps[index], caller) {
                verdict.decision = .denied(reason, rule: steps[index].rule)
                return verdict
            }
        }
        guard policy.hasShadow else { return verdict }
        for index in range where steps[index].isShadow {
            if refusal(by: steps[index], caller) != nil { verdict.shadowed |= 1 << UInt8(index - range.lowerBound) }
        }
        return verdict
    }

    /// The shadow rules that would have refused the call.
    package func shadowRules(_ verdict: AccessVerdict, of policy: AccessPolicy) -> [RuleID] {
        (0..<Int(policy.stepCount)).filter { verdict.shadowed & 1 << UInt8($0) != 0 }
            .map { steps[Int(policy.firstStep) + $0].rule }
    }

    private func refusal(by step: Step, _ caller: borrowing CallerFacts) -> AccessVerdict.Reason? {
        switch step.effect {
        case .deny:
            let outcome = program.outcome(step.root, caller, unauthenticated: .fails, generation: generation)
            guard outcome == .fits else { return nil }
            return caller.token == nil && step.asksForToken ? .needsAuthentication : .denied
        case .allow:
            switch program.outcome(step.root, caller, unauthenticated: .unknown, generation: generation) {
            case .fits: return nil
            case .fails: return .notAllowed
            case .needsToken: return .needsAuthentication
            case .lacksScopes(let scopes): return .insufficientScope(ScopesID(index: scopes))
            }
        }
    }
}

/// A named rule of a `RuleBook`: small numbers from zero, for counters.
package struct RuleID: Hashable, Sendable {
    package let index: Int32
}

/// A list of scopes of a `RuleBook`.
package struct ScopesID: Hashable, Sendable {
    let index: Int32
}

/// The result of the rules for one call.
package struct AccessVerdict: Equatable {
    package var decision: Decision
    /// One bit for each step of the policy.
    var shadowed: UInt8

    package var hasShadowRefusals: Bool { shadowed != 0 }

    package enum Decision: Equatable, Sendable {
        case allowed
        case denied(Reason, rule: RuleID)
    }

    package enum Reason: Equatable, Sendable {
        /// UNAUTHENTICATED: with a token the answer might be another.
        case needsAuthentication
        /// PERMISSION_DENIED, and the scopes that were asked for.
        case insufficientScope(ScopesID)
        /// PERMISSION_DENIED: a `deny` fits.
        case denied
        /// PERMISSION_DENIED: the `allow` does not.
        case notAllowed
    }
}

/// Which rules of a `RuleBook` a route, or one of its methods, is under.
package struct AccessPolicy: Hashable, Sendable {
    let firstStep: Int32
    let stepCount: Int32
    let hasShadow: Bool
    /// Anyone may call, and no rule is in shadow mode: there is nothing to check.
    package let allowsAnyone: Bool
    /// A token is enough to call, and no rule is in shadow mode.
    package let allowsAuthenticated: Bool
}

/// Gathers the rules of a snapshot.
package struct RuleBookBuilder {
    private var compiler: RuleCompiler
    private var steps: [RuleBook.Step] = []
    private var names: [String] = []
    private var rules: [NamedRule: RuleID] = [:]
    private var headers: Set<String> = []
    private var policies: [[NamedRule?]: AccessPolicy] = [:]

    /// The rule of a route without `allow`.
    package static let defaultAllow = NamedRule(name: "default", .authenticated)

    /// - Parameter files: what the files hold that rules compare with, by their paths.
    package init(files: [String: ValueList] = [:]) { compiler = RuleCompiler(files: files) }

    /// The policy of a route, or with `method` that of one of its methods.
    package mutating func policy(route: AccessRules, method: AccessRules? = nil) -> AccessPolicy {
        let allows = Self.allows(route: route, method: method)
        let key = [route.deny, method?.deny, allows.enforced, allows.shadow]
        if let policy = policies[key] { return policy }
        let first = steps.count
        for rule in [route.deny, method?.deny] { if let rule { addStep(rule, .deny) } }
        addStep(allows.enforced, .allow)
        if let shadow = allows.shadow { addStep(shadow, .allow) }
        let policy = AccessPolicy(
            firstStep: Int32(first), stepCount: Int32(steps.count - first), hasShadow: steps[first...].contains { $0.isShadow },
            allowsAnyone: steps.count - first == 1 && allows.enforced.rule == .anyone,
            allowsAuthenticated: steps.count - first == 1 && allows.enforced.rule == .authenticated)
        policies[key] = policy
        return policy
    }

    /// The rule that decides who may call: a method's `allow` replaces its route's; one in shadow mode leaves the enforced one in
    /// force.
    package static func enforcedAllow(route: AccessRules, method: AccessRules?) -> AccessRule {
        allows(route: route, method: method).enforced.rule
    }

    private static func allows(route: AccessRules, method: AccessRules?) -> (enforced: NamedRule, shadow: NamedRule?) {
        var enforced = defaultAllow
        var shadow: NamedRule?
        for rule in [route.allow, method?.allow] {
            guard let rule else { continue }
            switch rule.mode {
            case .enforce: (enforced, shadow) = (rule, nil)
            case .shadow: shadow = rule
            }
        }
        return (enforced, shadow)
    }

    private mutating func addStep(_ rule: NamedRule, _ effect: RuleBook.Step.Effect) {
        let id = rules[rule] ?? RuleID(index: Int32(names.count))
        if rules.updateValue(id, forKey: rule) == nil { names.append(rule.name) }
        headers.formUnion(rule.rule.headers)
        steps.append(
            RuleBook.Step(
                root: compiler.root(of: rule.rule), rule: id, effect: effect, isShadow: rule.mode == .shadow,
                asksForToken: rule.rule.asksForToken))
    }

    /// - Parameter generation: another one for every book of the process, and not zero.
    package func book(generation: UInt64) -> RuleBook {
        precondition(generation != 0)
        return RuleBook(
            program: compiler.program, steps: steps, names: names, headers: headers.sorted(), generation: generation)
    }
}
