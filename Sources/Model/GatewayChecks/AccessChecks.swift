internal import AccessControl
internal import Config
internal import GatewayModel
internal import Transport

/// Holds rules against what the gateway can know of a caller.
struct AccessChecks {
    private let hasAuthentication: Bool
    private let asksForCertificates: Bool
    private let findings: Findings

    init(_ configuration: GatewayConfiguration, _ findings: Findings) {
        hasAuthentication = WrittenAuthentication(configuration, findings.places).isThere
        asksForCertificates = configuration.asksForCertificates
        self.findings = findings
    }

    func check(_ openAPI: OpenAPIConfiguration) { checkCallers(openAPI.access, at: ConfigurationPath("openapi")) }

    func check(_ route: RouteConfiguration, at path: ConfigurationPath) {
        if route.credentials == .off { return checkUnread(route, at: path) }
        checkCallers(route.access, at: path)
        for method in route.methods { check(method.access, at: path.method(method.name)) }
    }

    /// Where credentials are not looked at, no caller has an identity.
    private func checkUnread(_ route: RouteConfiguration, at path: ConfigurationPath) {
        func check(_ access: AccessRules, at path: ConfigurationPath) {
            for (key, named) in [("allow", access.allow), ("deny", access.deny)] {
                if let rule = named?.rule { self.check(rule, isUnread: true, at: path[key]) }
            }
        }
        if route.access.allow?.mode != .enforce, route.access.allow != nil || !findings.places.isWritten(path["allow"]) {
            findings.report(
                "found off where only authenticated callers may call, expected allow: anyone, or a rule without identity, beside it",
                at: path["authentication"])
        }
        check(route.access, at: path)
        for method in route.methods { check(method.access, at: path.method(method.name)) }
    }

    /// Of what has no other rules above it.
    private func checkCallers(_ access: AccessRules, at path: ConfigurationPath) {
        // One that could not be read is reported already.
        let isUnread = access.allow == nil && findings.places.isWritten(path["allow"])
        if access.allow?.mode != .enforce, !hasAuthentication, !isUnread {
            let found = access.allow == nil ? "no allow" : "allow only in shadow"
            findings.report(
                "found \(found), so only authenticated callers may call, expected authentication in this file, or allow: anyone",
                at: path)
        }
        check(access, at: path)
    }

    private func check(_ access: AccessRules, at path: ConfigurationPath) {
        for (key, named) in [("allow", access.allow), ("deny", access.deny)] {
            if let rule = named?.rule { check(rule, at: path[key]) }
        }
        checkConditions(access.allow, at: path["allow"])
    }

    /// Who writes `allow: { http_method: [GET] }` beside tokens seldom means that everyone may GET.
    private func checkConditions(_ allow: NamedRule?, at path: ConfigurationPath) {
        guard hasAuthentication, let allow, allow.mode == .enforce, allow.rule.admitsUnauthenticated,
            allow.rule.saysNothingOfCallers
        else { return }
        findings.report(
            "found conditions alone, which take the place of authenticated: callers without a token are allowed. Expected them in deny or on "
                + "the route itself, or all: [authenticated, …]; all: [anyone, …] where everyone is meant",
            at: path, severity: .warning)
    }

    /// - Parameter isUnread: where the credentials of calls are not looked at.
    func check(_ rule: AccessRule, isUnread: Bool = false, at path: ConfigurationPath) {
        if rule.asksForToken {
            if isUnread {
                findings.report(
                    "asks for a token, which authentication: off does not look at, expected rules without identity", at: path)
            } else if !hasAuthentication {
                findings.report("asks for a token, expected authentication in this file", at: path)
            }
        }
        if !asksForCertificates, rule.asksForCertificate {
            findings.report("asks for a client certificate, expected client_ca at a listener", at: path)
        }
    }
}

extension AccessRule {
    /// It goes by headers and HTTP methods, which anybody can send.
    fileprivate var saysNothingOfCallers: Bool {
        switch self {
        case .header, .httpMethod: true
        case .any(let rules), .all(let rules): rules.allSatisfy(\.saysNothingOfCallers)
        case .not(let rule): rule.saysNothingOfCallers
        case .anyone, .authenticated, .scopes, .claim, .address, .clientCertificate: false
        }
    }

    fileprivate var asksForCertificate: Bool {
        switch self {
        case .clientCertificate: true
        case .any(let rules), .all(let rules): rules.contains { $0.asksForCertificate }
        case .not(let rule): rule.asksForCertificate
        case .anyone, .authenticated, .scopes, .claim, .header, .httpMethod, .address: false
        }
    }
}
