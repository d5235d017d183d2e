internal import AccessControl
internal import Config
internal import Transport

/// Holds rules against what the gateway can know of a caller.
struct AccessChecks {
    private let hasAuthentication: Bool
    private let asksForCertificates: Bool
    private let reader: Reader

    /// A section that is there and could not be read counts as there: one mistake is said once.
    init(_ configuration: GatewayConfiguration, _ section: Section) {
        hasAuthentication = section.has("authentication")
        asksForCertificates =
            configuration.listeners.isEmpty || configuration.listeners.contains { $0.tls?.clientCA != nil }
        reader = section.reader
    }

    func check(_ openAPI: OpenAPIConfiguration) {
        check(openAPI.access, at: openAPI.place)
    }

    func check(_ route: RouteConfiguration) {
        check(route.access, at: route.place)
        route.methods.forEach { check($0.access) }
    }

    private func check(_ access: AccessConfiguration, at place: Place) {
        if access.allow?.value.mode != .enforce, !hasAuthentication {
            let found = access.allow == nil ? "no allow" : "allow only in shadow"
            reader.report(
                "found \(found), so only authenticated callers may call, expected authentication in this file, or allow: anyone",
                at: place)
        }
        check(access)
    }

    private func check(_ access: AccessConfiguration) {
        for rule in [access.allow, access.deny].compactMap({ $0 }) {
            if !hasAuthentication, rule.value.rule.asksForToken {
                reader.report("asks for a token, expected authentication in this file", at: rule.place)
            }
            if !asksForCertificates, rule.value.rule.asksForCertificate {
                reader.report("asks for a client certificate, expected client_ca at a listener", at: rule.place)
            }
        }
    }
}

extension AccessRule {
    fileprivate var asksForCertificate: Bool {
        switch self {
        case .clientCertificate: true
        case .any(let rules), .all(let rules): rules.contains { $0.asksForCertificate }
        case .not(let rule): rule.asksForCertificate
        case .anyone, .authenticated, .scopes, .claim, .header, .address: false
        }
    }

    /// Whether a caller without a token may pass it as an `allow`, given the right address, headers and certificate.
    ///
    /// What asks for a token is neither true nor false of such a caller, and neither is its opposite.
    package var admitsStrangers: Bool {
        switch self {
        case .anyone, .header, .address, .clientCertificate: true
        case .authenticated, .scopes, .claim: false
        case .any(let rules): rules.contains { $0.admitsStrangers }
        case .all(let rules): rules.allSatisfy { $0.admitsStrangers }
        case .not(let rule): rule.refusesStrangers
        }
    }

    /// Whether it may be false of a caller without a token.
    private var refusesStrangers: Bool {
        switch self {
        case .anyone, .authenticated, .scopes, .claim: false
        case .header, .address, .clientCertificate: true
        case .any(let rules): rules.allSatisfy { $0.refusesStrangers }
        case .all(let rules): rules.contains { $0.refusesStrangers }
        case .not(let rule): rule.admitsStrangers
        }
    }
}
