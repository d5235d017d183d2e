package import Config
package import JOSE

/// The section `authentication`: which issuers' tokens are trusted, and which claims are the tenant and the plan.
package struct AuthenticationConfiguration: Sendable, Equatable {
    /// Never empty, no two with one `iss`.
    package var issuers: [IssuerConfiguration]
    /// Where a token names its tenant; `nil` where tenants do not matter.
    package var tenant: ClaimPath?
    /// What names a caller's plan; with it, every authenticated caller needs a tenant and a plan.
    package var plan: PlanSource?
    /// For callers with no plan, or an unknown one.
    package var defaultPlan: String?
    /// Failed verifications of one client address; `nil` where they are not limited.
    package var failedLogins: Rate?
    /// Verified tokens remembered by each worker; zero where none are.
    package var tokenCache: Int

    package static let failedLoginsDefault = Rate(perSecond: 10, burst: 100)
    package static let tokenCacheDefault = 10_000
}

/// What names the plan of an authenticated caller.
package enum PlanSource: Sendable, Equatable {
    case claim(ClaimPath)
    /// A header, in lower case. `isCallers`: any caller may set it, not only the peers that listeners trust with it.
    case header(String, isCallers: Bool)
}

/// One entry of `authentication.issuers`.
package struct IssuerConfiguration: Sendable, Equatable {
    /// What routes name it by, each once; the text of `issuer` where it is left out.
    package var name: String
    /// Exactly the `iss` claim.
    package var issuer: String
    /// A token must name one of them; never empty. `nil` where it may be for anyone.
    package var audiences: [String]?
    /// What names it in tokens without `aud`.
    package var audienceClaim: ClaimPath?
    package var keys: KeySource
    /// What an RSA key without `alg` verifies.
    package var algorithm: SigningAlgorithm
    /// How far clocks may be apart.
    package var leeway: Duration
    /// Claims sent upstream as headers; header names in lower case, each once.
    package var forwardClaims: [ForwardedClaim]
    /// Whether the upstream sees the token itself.
    package var forwardToken: Bool
}

/// Where an issuer's keys come from.
package enum KeySource: Sendable, Equatable {
    /// The path of a JSON Web Key Set.
    case file(String)
    /// Fetched and refreshed; `ca` is a PEM file with the certificates that the server's must lead to.
    case https(address: NetworkAddress, authority: String, path: String, ca: String?)
    /// The same in the clear.
    case http(address: NetworkAddress, authority: String, path: String)
    /// A JSON Web Key Set written out in the configuration, as JSON.
    case inline(String)
}

package struct ForwardedClaim: Sendable, Equatable {
    package var header: String
    package var path: ClaimPath
}
