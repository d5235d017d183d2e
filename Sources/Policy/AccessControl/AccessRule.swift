package import HTTPModel
package import Matching
package import Net

/// Which callers are allowed, as in `allow:` and `deny:`.
///
/// Compiled by `RuleBook`. What a rule asks of a token can only be known of a caller who has one: to a caller without a
/// token such a rule in an `allow` is neither true nor false, so `not` around it does not let unauthenticated requests in.
package indirect enum AccessRule: Hashable, Sendable {
    /// Every caller, also without a token: anonymous access is explicit.
    case anyone
    /// A caller with a verified token; what a route without `allow` asks.
    case authenticated
    /// At least one of them; none of none.
    case any([AccessRule])
    /// Every one of them.
    case all([AccessRule])
    case not(AccessRule)
    /// The token has all of these scopes.
    case scopes([String])
    /// The claim at `path` is as `value` asks, or an array that contains such a one. Numbers and booleans compare by their text; a claim
    /// of `null` is none.
    case claim(path: [String], value: ValueMatch)
    /// Some header of that name fits.
    case header(FieldMatch)
    /// The HTTP method is any of these, as the request has it and case and all: HEAD is not GET. RPCs are called by POST, but for those
    /// that are called by HTTP and JSON, or by Connect's GET.
    case httpMethod([String])
    /// The client address (behind trusted proxies: the one they name) is in any of these blocks.
    case address([CIDR])
    /// The verified client certificate has any of these names.
    case clientCertificate([String])
}

/// A rule with the name under which logs and counters know it.
package struct NamedRule: Hashable, Sendable {
    package var name: String
    package var rule: AccessRule
    package var mode: Mode

    package enum Mode: Hashable, Sendable {
        case enforce
        /// Evaluated, counted and logged, never enforced: the rules that are left decide, as if this one were not written.
        case shadow
    }

    package init(name: String, _ rule: AccessRule, mode: Mode = .enforce) {
        self.name = name
        self.rule = rule
        self.mode = mode
    }
}

/// The rules written at one place: on a route, or on one of its methods.
///
/// `deny` is asked first and always, a method's in addition to its route's; a method's `allow` replaces its route's. With
/// no `allow` at either place, the caller must be authenticated.
package struct AccessRules: Hashable, Sendable {
    package var allow: NamedRule?
    package var deny: NamedRule?

    package init(allow: NamedRule? = nil, deny: NamedRule? = nil) {
        self.allow = allow
        self.deny = deny
    }
}

extension AccessRule {
    /// The names of the request headers that it asks about.
    var headers: [String] {
        switch self {
        case .header(let match): [match.name]
        case .any(let rules), .all(let rules): rules.flatMap(\.headers)
        case .not(let rule): rule.headers
        case .anyone, .authenticated, .scopes, .claim, .httpMethod, .address, .clientCertificate: []
        }
    }
}
