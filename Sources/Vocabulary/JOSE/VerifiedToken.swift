package import JSON

/// A token whose signature, times, issuer and audience were good. Immutable and safe to share.
package final class VerifiedToken: Sendable {
    /// Which of the trusted issuers, counted as they were given.
    package let issuerIndex: Int
    package let claims: JSONValue
    /// `sub`, where the token has one.
    package let subject: String?
    /// `exp`, in seconds of wall time.
    package let expirySeconds: Int64
    /// The first second in which the token no longer counts: `exp` and the leeway.
    package let validUntilSeconds: Int64
    package let algorithm: SigningAlgorithm
    /// The name of the key that verified it, as the key set has it.
    package let keyID: [UInt8]?
    /// From `scope` (RFC 8693, section 4.2) and `scp`, each once, in the order met.
    package let scopes: [String]
    /// The scopes with one space before and after each.
    private let scopeText: [UInt8]

    init(
        issuerIndex: Int, claims: JSONValue, key: VerificationKey, expirySeconds: Int64, validUntilSeconds: Int64
    ) throws(TokenFailure) {
        self.issuerIndex = issuerIndex
        self.claims = claims
        self.expirySeconds = expirySeconds
        self.validUntilSeconds = validUntilSeconds
        algorithm = key.algorithm
        keyID = key.keyID
        if let subject = claims["sub"] {
            guard subject.kind == .string else { throw .badClaims }
            self.subject = subject.string
        } else {
            subject = nil
        }
        scopes = Self.scopes(in: claims)
        scopeText = scopes.isEmpty ? [] : Array((" " + scopes.joined(separator: " ") + " ").utf8)
    }

    /// Issuers disagree: a string with spaces or an array, under either name. Any other shape grants nothing.
    private static func scopes(in claims: JSONValue) -> [String] {
        var found: [String] = []
        func take(_ value: JSONValue) {
            for name in (value.string ?? "").split(separator: " ") where !found.contains(String(name)) {
                found.append(String(name))
            }
        }
        for claim in [claims["scope"], claims["scp"]] {
            guard let claim else { continue }
            if claim.kind == .array { claim.elements.forEach(take) } else { take(claim) }
        }
        return found
    }

    /// Whether the token carries this scope, byte for byte. Allocates nothing.
    package func hasScope(_ name: UnsafeRawBufferPointer) -> Bool {
        let space = UInt8(ascii: " ")
        guard name.count > 0, !name.contains(space) else { return false }
        return scopeText.withUnsafeBytes { text in
            // Every scope begins behind a space and ends before one.
            var start = 1
            while start + name.count < text.count {
                if text[start + name.count] == space,
                    UnsafeRawBufferPointer(rebasing: text[start..<(start + name.count)]).elementsEqual(name)
                {
                    return true
                }
                while text[start] != space { start += 1 }
                start += 1
            }
            return false
        }
    }

    /// About how much memory this token keeps: for the bounds of a cache.
    package var approximateBytes: Int { 512 + claims.approximateBytes + 2 * scopeText.count }
}
