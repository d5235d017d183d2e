package import GatewayModel

/// What is done with the credentials of a route's callers, where they are looked at.
package struct CredentialPlan: Sendable {
    /// Bad ones count as none, and are removed.
    var ignoresInvalid = false
    /// Whether those of each issuer count, by its place; `nil` where all do.
    var issuers: [Bool]?

    package init() {}

    /// `nil` where they are not looked at.
    init?(_ use: AuthenticationMode, _ authentication: AuthenticationConfiguration?) {
        guard let authentication else { return nil }
        switch use {
        case .off: return nil
        case .on: break
        case .ignoreInvalid: ignoresInvalid = true
        case .issuers(let names): issuers = authentication.issuers.map { names.contains($0.name) }
        }
    }
}
