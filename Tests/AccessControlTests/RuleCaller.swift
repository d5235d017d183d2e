import Bytes
import BytesTesting
import Crypto
import HTTPModel
import JSON
import Net
import TLS

@testable import AccessControl
@testable import JOSE

/// A caller with everything that rules may ask of one.
final class RuleCaller {
    let token: VerifiedToken?
    let memory = Record.allocate(RuleMemo())
    var fields = FieldBlock()
    var address: IPAddress?
    var certificate: CertificateNames?
    var usesMemory = true

    /// - Parameter claims: the token's; without them the caller is unauthenticated.
    init(
        _ claims: String? = nil, _ headers: [(String, String)] = [], address: String? = nil, certificate: [CertificateName]? = nil
    ) throws {
        token = try claims.map { text throws in
            try VerifiedToken(
                issuerIndex: 0, claims: JSONValue.parse(text),
                key: VerificationKey(secret: SecretBytes([UInt8](repeating: 1, count: 32)), algorithm: .hs256, keyID: nil),
                expirySeconds: 1, validUntilSeconds: 1)
        }
        for (name, value) in headers { fields.append(name, value) }
        self.address = address.flatMap { IPAddress($0) }
        self.certificate = certificate.map(CertificateNames.init)
    }

    deinit {
        memory.deallocate()
        fields.destroy()
    }

    var facts: CallerFacts {
        CallerFacts(
            token: token.map { Borrowed($0) }, memory: usesMemory ? memory : nil, fields: fields, headCount: fields.count,
            address: address,
            certificate: certificate.map { Borrowed($0) })
    }

    func verdict(_ policy: AccessPolicy, in book: RuleBook) -> AccessVerdict {
        withExtendedLifetime(self) { book.check(policy, facts) }
    }

    /// What one rule, as a route's `allow`, says of this caller.
    func answer(to rule: AccessRule) -> Answer { answer(AccessRules(allow: NamedRule(name: "rule", rule))) }

    func answer(_ route: AccessRules, method: AccessRules? = nil) -> Answer {
        var builder = RuleBookBuilder()
        let policy = builder.policy(route: route, method: method)
        let book = builder.book(generation: 1)
        return Answer(verdict(policy, in: book), policy, book)
    }
}

/// A verdict in words.
struct Answer: Equatable, CustomStringConvertible {
    var reason: String
    var rule: String?
    var shadow: [String]

    static let allowed = Answer(reason: "allowed", rule: nil, shadow: [])

    init(reason: String, rule: String?, shadow: [String] = []) {
        (self.reason, self.rule, self.shadow) = (reason, rule, shadow)
    }

    init(_ verdict: AccessVerdict, _ policy: AccessPolicy, _ book: RuleBook) {
        shadow = book.shadowRules(verdict, of: policy).map(book.name)
        switch verdict.decision {
        case .allowed: (reason, rule) = ("allowed", nil)
        case .denied(let why, let id):
            rule = book.name(of: id)
            switch why {
            case .needsAuthentication: reason = "needs authentication"
            case .denied, .notAllowed: reason = "denied"
            case .insufficientScope(let scopes): reason = "needs scopes " + book.withScopes(scopes) { $0.text }
            }
        }
    }

    var description: String { "\(reason) by \(rule ?? "-"), shadow \(shadow)" }
}
