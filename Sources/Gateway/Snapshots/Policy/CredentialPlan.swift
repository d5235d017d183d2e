package import GatewayModel

/// What is done with the credentials of a route's callers, where they are looked at.
package struct CredentialPlan: Sendable {
    /// Bad ones count as none, and are removed.
    var ignoresInvalid = false
    /// Whether those of each issuer count, by its place; `nil` where all do.
    var issuers: [Bool]?

    package init() {}

    /// `nil` where they are not looked at.
    init?(_ use: CredentialUse, _ authentication: AuthenticationConfiguration?) {
        guard let authentication else { return nil }
        switch use {
        case .unread: return nil
        case .required: break
        case .ignoredWhereInvalid: ignoresInvalid = true
        case .of(let names): issuers = authentication.issuers.map { names.contains($0.name) }
        }
    }
}
