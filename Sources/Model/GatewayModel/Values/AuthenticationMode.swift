/// `authentication` of a route: what happens to the credentials of its callers. Whether a caller needs any is `allow`'s to say.
package enum AuthenticationMode: Sendable, Equatable {
    /// What is there must be good.
    case on
    /// They are not looked at, and passed on as they are: callers have no identity.
    case off
    /// Bad ones count as none, and are removed.
    case ignoreInvalid
    /// As `on`, and only those of these issuers are good.
    case issuers([String])
}
