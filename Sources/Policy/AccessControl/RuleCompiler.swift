internal import HTTPModel
internal import JOSE
internal import Matching
internal import Net

/// Turns rules into a `RuleProgram`; rules that are the same share their nodes.
struct RuleCompiler {
    /// What the files hold that rules compare with, by their paths.
    let files: [String: ValueList]
    private(set) var program = RuleProgram()
    private var roots: [AccessRule: Int32] = [:]
    private var tokenRules: [AccessRule: Int32] = [:]

    init(files: [String: ValueList]) { self.files = files }

    /// The first node of the rule.
    mutating func root(of rule: AccessRule) -> Int32 {
        if let root = roots[rule] { return root }
        let root = emit(rule, isInsideTokenRule: false)
        roots[rule] = root
        return root
    }

    private mutating func emit(_ rule: AccessRule, isInsideTokenRule: Bool) -> Int32 {
        let index = program.nodes.count
        var node = RuleProgram.Node(kind: rule.kind, end: 0, operand: -1, tokenRule: -1)
        // Only the outermost is remembered: what lies inside is never asked apart from it.
        if !isInsideTokenRule, rule.dependsOnlyOnToken { node.tokenRule = tokenRule(rule) }
        node.operand = keepOperand(of: rule)
        program.nodes.append(node)
        for child in rule.children { _ = emit(child, isInsideTokenRule: isInsideTokenRule || node.tokenRule >= 0) }
        program.nodes[index].end = Int32(program.nodes.count)
        return Int32(index)
    }

    private mutating func tokenRule(_ rule: AccessRule) -> Int32 {
        if let number = tokenRules[rule] { return number }
        let number = program.tokenRuleCount
        program.tokenRuleCount += 1
        tokenRules[rule] = number
        return number
    }

    private mutating func keepOperand(of rule: AccessRule) -> Int32 {
        switch rule {
        case .scopes(let names): return Self.keep(names.map { Array($0.utf8) }, in: &program.scopes)
        case .claim(let path, let value):
            // The configuration never makes an empty path.
            guard let path = ClaimPath(names: path) else { preconditionFailure("a claim without a name") }
            return Self.keep((path: path, value: ValueMatcher(value, files: files)), in: &program.claims)
        case .header(let condition):
            let value = ValueMatcher(condition.value, files: files)
            return Self.keep((name: Array(condition.name.utf8), value: value), in: &program.headers)
        case .httpMethod(let methods):
            return Self.keep(ValueMatcher(ValueMatch(anyOf: methods.map { .exact($0) })), in: &program.methods)
        case .address(let blocks): return Self.keep(CIDRSet(blocks), in: &program.addresses)
        case .clientCertificate(let names): return Self.keep(names.map(CertificateNames.key), in: &program.certificates)
        case .anyone, .authenticated, .any, .all, .not: return -1
        }
    }

    private static func keep<Element>(_ element: Element, in table: inout [Element]) -> Int32 {
        table.append(element)
        return Int32(table.count - 1)
    }
}

extension AccessRule {
    fileprivate var kind: RuleProgram.Kind {
        switch self {
        case .anyone: .anyone
        case .authenticated: .authenticated
        case .any: .any
        case .all: .all
        case .not: .not
        case .scopes: .scopes
        case .claim: .claim
        case .header: .header
        case .httpMethod: .httpMethod
        case .address: .address
        case .clientCertificate: .clientCertificate
        }
    }

    fileprivate var children: [AccessRule] {
        switch self {
        case .any(let rules), .all(let rules): rules
        case .not(let rule): [rule]
        default: []
        }
    }

    /// Whether a token alone decides, and there is something in it to look up.
    fileprivate var dependsOnlyOnToken: Bool {
        switch self {
        case .scopes, .claim: true
        case .any(let rules), .all(let rules): !rules.isEmpty && rules.allSatisfy(\.dependsOnlyOnToken)
        case .not(let rule): rule.dependsOnlyOnToken
        case .anyone, .authenticated, .header, .httpMethod, .address, .clientCertificate: false
        }
    }

    /// Whether a caller must have a token for the rule to be decided by everything it asks: for the checker, which makes
    /// this a mistake where no `authentication` is configured.
    package var asksForToken: Bool {
        switch self {
        case .authenticated, .scopes, .claim: true
        case .any(let rules), .all(let rules): rules.contains(where: \.asksForToken)
        case .not(let rule): rule.asksForToken
        case .anyone, .header, .httpMethod, .address, .clientCertificate: false
        }
    }

    /// Whether `text` can be a scope (RFC 6749, section 3.3), and so stand in a `www-authenticate` header as it is.
    package static func isScope(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
    }
}
