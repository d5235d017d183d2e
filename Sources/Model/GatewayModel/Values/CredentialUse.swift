/// `authentication` of a route: what happens to the credentials of its callers. Whether a caller needs any is `allow`'s to say.
package enum CredentialUse: Sendable, Equatable {
    /// What is there must be good.
    case required
    /// They are not looked at, and passed on as they are: callers have no identity.
    case unread
    /// Bad ones count as none, and are removed.
    case ignoredWhereInvalid
    /// As `required`, and only those of these issuers are good.
    case of([String])
}
