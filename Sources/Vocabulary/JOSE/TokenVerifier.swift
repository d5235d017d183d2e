internal import Bytes
internal import JSON
package import Time

/// Decides whether a token counts.
package enum TokenVerifier {
    /// A token that fits several keys is tried with this many of them.
    package static let keysTriedMax = 4

    /// Takes the token apart, finds its issuer and key, checks the signature, and only then what the claims say: so
    /// an attacker learns nothing of what a forged token got right.
    ///
    /// - Parameter accepts: whether an issuer, by its place, is accepted here. A token of another counts as one of an unknown issuer.
    package static func verify(
        _ token: UnsafeRawBufferPointer, trusting issuers: [TrustedIssuer], accepting accepts: (Int) -> Bool = { _ in true },
        at now: WallTime
    ) throws(TokenFailure) -> VerifiedToken {
        let parts = try CompactToken.read(token)
        let algorithm = try parts.algorithm()
        let keyID = try parts.keyID()
        let index = try issuerIndex(of: parts.claims, among: issuers)
        guard accepts(index) else { throw .unknownIssuer }
        let policy = issuers[index].policy
        guard let keys = issuers[index].keys else { throw .keySetUnavailable }
        let signed = UnsafeRawBufferPointer(rebasing: token[..<parts.signedCount])
        let key = try keys.key(named: keyID, algorithm: algorithm, verifying: parts.signature, over: signed)
        let times = try Times(parts.claims)
        try times.check(policy, at: now.seconds)
        try checkAudience(parts.claims, policy)
        return try VerifiedToken(
            issuerIndex: index, claims: parts.claims, key: key, expirySeconds: times.expiry,
            validUntilSeconds: times.end(policy))
    }

    /// The issuer that a token names, which need not be valid otherwise; `nil` where there is none or it cannot be read.
    package static func issuerIndex(of token: UnsafeRawBufferPointer, among issuers: [TrustedIssuer]) -> Int? {
        do throws(TokenFailure) {
            return try issuerIndex(of: CompactToken.read(token).claims, among: issuers)
        } catch { return nil }
    }

    private static func issuerIndex(
        of claims: JSONValue, among issuers: [TrustedIssuer]
    ) throws(TokenFailure) -> Int {
        guard let name = claims["iss"] else { throw .unknownIssuer }
        guard name.kind == .string else { throw .badClaims }
        let index = issuers.firstIndex { issuer in
            issuer.policy.issuerBytes.withUnsafeBytes { name.isString($0) }
        }
        guard let index else { throw .unknownIssuer }
        return index
    }

    /// RFC 7519, section 4.1.3: one string, or an array of them. `aud` takes precedence over `audience_claim`.
    private static func checkAudience(_ claims: JSONValue, _ policy: IssuerPolicy) throws(TokenFailure) {
        guard let wanted = policy.audienceBytes else { return }
        guard let audience = claims["aud"] ?? policy.audienceClaim.flatMap({ $0.find(in: claims) }) else { throw .wrongAudience }
        switch audience.kind {
        case .string: break
        case .array:
            guard audience.elements.allSatisfy({ $0.kind == .string }) else { throw .badClaims }
        default: throw .badClaims
        }
        guard audience.holdsAny(of: wanted) else { throw .wrongAudience }
    }
}

extension JSONValue {
    /// Whether this is one of the strings, or an array that holds one of them.
    func holdsAny(of wanted: [[UInt8]]) -> Bool {
        wanted.contains { name in
            name.withUnsafeBytes { name in
                kind == .array ? elements.contains { $0.isString(name) } : isString(name)
            }
        }
    }
}

/// When a token counts, in whole seconds of wall time.
private struct Times {
    let expiry: Int64
    private let notBefore: Int64?

    /// `iat` is not looked at: it says how old a token is, and nothing here asks.
    init(_ claims: JSONValue) throws(TokenFailure) {
        guard let expiry = claims["exp"] else { throw .missingExpiry }
        self.expiry = try Self.seconds(expiry)
        notBefore = try claims["nbf"].map { (claim) throws(TokenFailure) in try Self.seconds(claim) }
    }

    /// NumericDate (RFC 7519, section 2) may have a fraction, which is cut off: a second too early is safe for `exp`,
    /// and for `nbf` within any leeway. Far beyond any date is a mistake, and must not overflow below.
    private static func seconds(_ claim: JSONValue) throws(TokenFailure) -> Int64 {
        guard let second = claim.floor?.exactly(in: -(1 << 53)...(1 << 53)) else { throw .badClaims }
        return second
    }

    /// The first second in which the token no longer counts.
    func end(_ policy: IssuerPolicy) -> Int64 { expiry + policy.leewaySeconds }

    func check(_ policy: IssuerPolicy, at now: Int64) throws(TokenFailure) {
        if now >= end(policy) { throw .expired }
        if let notBefore, now + policy.leewaySeconds < notBefore { throw .notYetValid }
    }
}
