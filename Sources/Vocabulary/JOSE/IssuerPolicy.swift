/// What is asked of one issuer's tokens.
package struct IssuerPolicy: Sendable {
    /// Exactly the `iss` claim.
    package let issuer: String
    /// Any of these in `aud`. Where there is none, no token passes; `nil` where a token may be for anyone.
    package let audiences: [String]?
    /// What says it of tokens without `aud`.
    package let audienceClaim: ClaimPath?
    /// How far the issuer's clock and ours may be apart.
    package let leewaySeconds: Int64

    let issuerBytes: [UInt8]
    let audienceBytes: [[UInt8]]?

    package init(issuer: String, audiences: [String]?, audienceClaim: ClaimPath? = nil, leewaySeconds: Int64 = 60) {
        precondition(leewaySeconds >= 0 && leewaySeconds <= 1 << 32)
        self.issuer = issuer
        self.audiences = audiences
        self.audienceClaim = audienceClaim
        self.leewaySeconds = leewaySeconds
        issuerBytes = Array(issuer.utf8)
        audienceBytes = audiences.map { $0.map { Array($0.utf8) } }
    }
}

/// An issuer and its keys of the moment; `nil` where they were never loaded.
package struct TrustedIssuer: Sendable {
    package let policy: IssuerPolicy
    package let keys: KeySet?

    package init(_ policy: IssuerPolicy, keys: KeySet?) {
        self.policy = policy
        self.keys = keys
    }
}
