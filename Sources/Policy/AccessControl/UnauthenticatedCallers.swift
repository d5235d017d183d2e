extension AccessRule {
    /// Whether a caller without a token may pass it as an `allow`, given the right address, headers and certificate.
    ///
    /// What asks for a token is neither true nor false of such a caller, and neither is its opposite.
    package var admitsUnauthenticated: Bool {
        switch self {
        case .anyone, .header, .httpMethod, .address, .clientCertificate: true
        case .authenticated, .scopes, .claim: false
        case .any(let rules): rules.contains { $0.admitsUnauthenticated }
        case .all(let rules): rules.allSatisfy { $0.admitsUnauthenticated }
        case .not(let rule): rule.refusesUnauthenticated
        }
    }

    /// Whether it may be false of a caller without a token.
    private var refusesUnauthenticated: Bool {
        switch self {
        case .anyone, .authenticated, .scopes, .claim: false
        case .header, .httpMethod, .address, .clientCertificate: true
        case .any(let rules): rules.allSatisfy { $0.refusesUnauthenticated }
        case .all(let rules): rules.contains { $0.refusesUnauthenticated }
        case .not(let rule): rule.admitsUnauthenticated
        }
    }
}
