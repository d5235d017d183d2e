internal import Bytes
internal import HTTPModel
internal import JOSE
internal import JSON
internal import Matching
internal import Net

/// Rules as flat memory: each rule a run of nodes, children behind their parent.
struct RuleProgram: Sendable {
    var nodes: [Node] = []
    var claims: [(path: ClaimPath, value: ValueMatcher)] = []
    var scopes: [[[UInt8]]] = []
    var headers: [(name: [UInt8], value: ValueMatcher)] = []
    var methods: [ValueMatcher] = []
    var addresses: [CIDRSet] = []
    var certificates: [[[UInt8]]] = []
    /// How many rules a token's memory could remember.
    var tokenRuleCount: Int32 = 0

    enum Kind: UInt8 { case anyone, authenticated, any, all, not, scopes, claim, header, httpMethod, address, clientCertificate }

    struct Node {
        var kind: Kind
        /// Behind the last node of this rule.
        var end: Int32
        /// Which of the leaf's table.
        var operand: Int32
        /// Where only the token decides, the number under which its memory knows this rule; negative elsewhere.
        var tokenRule: Int32
    }

    enum Outcome: Equatable {
        case fits, fails
        /// Neither, because the caller has no token.
        case needsToken
        /// Fails, and would not with these scopes: an index into `scopes`.
        case lacksScopes(Int32)
    }

    /// How a rule counts that asks something of a token, for a caller without one.
    ///
    /// In an `allow` it is unknown, so that `not` does not let unauthenticated requests in. In a `deny` it is false: such a request has no
    /// claims and no scopes.
    enum UnauthenticatedOutcome { case unknown, fails }

    func outcome(_ index: Int32, _ caller: borrowing CallerFacts, unauthenticated: UnauthenticatedOutcome, generation: UInt64)
        -> Outcome
    {
        let node = nodes[Int(index)]
        guard node.tokenRule >= 0, caller.token != nil, let memory = caller.memory else {
            return evaluate(node, at: index, caller, unauthenticated: unauthenticated, generation: generation)
        }
        switch memory.recall(node.tokenRule, generation: generation) {
        case true?: return .fits
        // The reason is not remembered: refusals work it out again.
        case false?: return evaluate(node, at: index, caller, unauthenticated: unauthenticated, generation: generation)
        case nil:
            let outcome = evaluate(node, at: index, caller, unauthenticated: unauthenticated, generation: generation)
            memory.record(node.tokenRule, fits: outcome == .fits, generation: generation)
            return outcome
        }
    }

    private func evaluate(
        _ node: Node, at index: Int32, _ caller: borrowing CallerFacts, unauthenticated: UnauthenticatedOutcome, generation: UInt64
    ) -> Outcome {
        switch node.kind {
        case .anyone: return .fits
        case .any, .all: return combine(node, at: index, caller, unauthenticated: unauthenticated, generation: generation)
        case .not:
            switch outcome(index + 1, caller, unauthenticated: unauthenticated, generation: generation) {
            case .fits: return .fails
            case .fails, .lacksScopes: return .fits
            case .needsToken: return .needsToken
            }
        case .authenticated, .scopes, .claim:
            guard let token = caller.token else { return unauthenticated == .unknown ? .needsToken : .fails }
            return token { ask(node, of: $0) }
        case .header: return hasHeader(headers[Int(node.operand)], caller) ? .fits : .fails
        case .httpMethod:
            guard let method = caller.fields.first(.method) else { return .fails }
            return methods[Int(node.operand)].tests.matches(method.valueBytes) ? .fits : .fails
        case .address:
            guard let address = caller.address else { return .fails }
            return addresses[Int(node.operand)].contains(address) ? .fits : .fails
        case .clientCertificate:
            guard let names = caller.certificate else { return .fails }
            return names { names in
                certificates[Int(node.operand)].contains { names.contains($0) } ? .fits : .fails
            }
        }
    }

    /// Of several that fail, the answer that helps the caller most: log in, then ask for a scope. Of `all`, the one that helps
    /// least: where one can never fit, the others do not matter.
    private func combine(
        _ node: Node, at index: Int32, _ caller: borrowing CallerFacts, unauthenticated: UnauthenticatedOutcome, generation: UInt64
    ) -> Outcome {
        let isAny = node.kind == .any
        var result: Outcome = isAny ? .fails : .fits
        var child = index + 1
        while child < node.end {
            let outcome = outcome(child, caller, unauthenticated: unauthenticated, generation: generation)
            if isAny {
                if outcome == .fits { return .fits }
                if outcome.rank > result.rank { result = outcome }
            } else {
                if outcome == .fails { return .fails }
                if result == .fits || (outcome != .fits && outcome.rank > result.rank) { result = outcome }
            }
            child = nodes[Int(child)].end
        }
        return result
    }

    private func ask(_ node: Node, of token: VerifiedToken) -> Outcome {
        switch node.kind {
        case .scopes:
            let hasAll = scopes[Int(node.operand)].allSatisfy { name in name.withUnsafeBytes { token.hasScope($0) } }
            return hasAll ? .fits : .lacksScopes(node.operand)
        case .claim:
            let test = claims[Int(node.operand)]
            return test.value.tests.matches(token.claim(test.path)) ? .fits : .fails
        default: return .fits
        }
    }

    private func hasHeader(_ wanted: (name: [UInt8], value: ValueMatcher), _ caller: borrowing CallerFacts) -> Bool {
        var isThere = false
        for index in 0..<caller.headCount {
            let field = caller.fields.fields[index]
            guard field.nameCount == wanted.name.count, field.nameBytes.elementsEqual(wanted.name) else { continue }
            isThere = true
            if wanted.value.tests.matches(field.valueBytes) { return true }
        }
        return !isThere && wanted.value.tests.takesNone
    }
}

extension ValueMatcher.Tests {
    /// Of an array, any element will do.
    fileprivate func matches(_ claim: JSONValue?) -> Bool {
        guard let claim, claim.kind != .null else { return takesNone }
        if takesAny { return true }
        guard claim.kind == .array else { return claim.withScalar { matches($0) } ?? false }
        return claim.elements.contains { $0.withScalar { matches($0) } ?? false }
    }
}

extension RuleProgram.Outcome {
    fileprivate var rank: Int {
        switch self {
        case .fails: 0
        case .lacksScopes: 1
        case .needsToken: 2
        case .fits: 3
        }
    }
}
