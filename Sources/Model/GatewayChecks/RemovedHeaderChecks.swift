internal import AccessControl
internal import Balancing
internal import Config
internal import GatewayModel
internal import HTTPModel
internal import JOSE
internal import Matching
internal import Net
internal import RateLimit
internal import Routing
internal import Transport

/// Finds what asks for headers that no request has: those that only trusted peers may set where nobody is trusted, and those that
/// `forward_claims` sends, which are removed from every request. Such a rule or limit would be none, without a word.
struct RemovedHeaderChecks {
    private let configuration: GatewayConfiguration
    private let trustsNobody: Bool
    private let claims: [ForwardedClaim]
    private let findings: Findings

    init(_ configuration: GatewayConfiguration, _ findings: Findings) {
        self.configuration = configuration
        trustsNobody =
            configuration.trustedProxies.isEmpty && !findings.places.isIncomplete(ConfigurationPath("trusted_proxies"))
        claims = configuration.authentication?.issuers.flatMap(\.forwardClaims) ?? []
        self.findings = findings
    }

    func run() {
        checkProxies()
        for (index, route) in configuration.routes.enumerated() { check(route, at: .route(index)) }
        for plan in configuration.plans { check(plan.limits, of: nil, at: .plan(plan.name)) }
        for cluster in configuration.clusters {
            check(cluster.balancing.hash, of: nil, at: ConfigurationPath.cluster(cluster.name)["load_balancing"]["hash"])
        }
    }

    private func checkProxies() {
        for (index, block) in configuration.trustedProxies.enumerated() where Self.everyone.contains(block) {
            findings.report(
                "every peer is trusted: any client can choose its address, and set headers such as x-forwarded-for and x-real-ip",
                at: ConfigurationPath("trusted_proxies")[index], severity: .warning)
        }
        guard trustsNobody else { return }
        for (index, listener) in configuration.listeners.enumerated() where !listener.trustedHeaders.isEmpty {
            findings.report(
                "found without trusted_proxies: nobody may set these headers, and they are removed from every request",
                at: ConfigurationPath("listeners")[index]["trusted_headers"], severity: .warning)
        }
    }

    private static let everyone = ["0.0.0.0/0", "::/0"].compactMap { try? CIDR($0) }

    private func check(_ route: RouteConfiguration, at path: ConfigurationPath) {
        for header in route.match.headers where !header.value.tests.contains(.absent) {
            report(header.name, .match, of: route, at: path["headers"][header.name])
        }
        check(route.access, of: route, at: path)
        check(route.limits, of: route, at: path)
        check(route.traffic.sticky, of: route, at: path["sticky"])
        for method in route.methods {
            check(method.access, of: route, at: path.method(method.name))
            check(method.limits, of: route, at: path.method(method.name))
        }
    }

    private func check(_ access: AccessRules, of route: RouteConfiguration, at path: ConfigurationPath) {
        for (key, named) in [("allow", access.allow), ("deny", access.deny)] {
            for name in named?.rule.wantedHeaders ?? [] { report(name, .rule, of: route, at: path[key]) }
        }
    }

    private func check(_ limits: [LimitConfiguration], of route: RouteConfiguration?, at path: ConfigurationPath) {
        for (index, limit) in limits.enumerated() {
            let path = path["limits"][index]
            for case .header(let name) in limit.rule.keys { report(name, .limitKey, of: route, at: path) }
            for name in limit.when?.wantedHeaders ?? [] { report(name, .rule, of: route, at: path["when"]) }
        }
    }

    private func check(_ sources: [HashSource], of route: RouteConfiguration?, at path: ConfigurationPath) {
        for (index, source) in sources.enumerated() {
            if case .header(let name) = source { report(name, .hash, of: route, at: path[index]) }
        }
    }

    private func report(_ name: String, _ use: Use, of route: RouteConfiguration?, at path: ConfigurationPath) {
        let why: String
        let instead: String
        if let claim = claims.first(where: { ClaimHeaderName.readsLike($0.header, name) }) {
            why = "as forward_claims alone sends it"
            instead = use.replacement(forClaim: claim.path.description)
        } else if trustsNobody, isTrusted(name, of: route) {
            why = "as trusted_proxies is empty"
            instead =
                (use.replacement(forHeader: name).map { "\($0), or " } ?? "") + "the proxies that set it in trusted_proxies"
        } else {
            return
        }
        findings.report(
            "found \(name), which is removed from every request, \(why): \(use.consequence). Expected \(instead)", at: path,
            severity: .warning)
    }

    /// Whether only trusted peers may set a header, whichever listener a request of the route comes in by.
    private func isTrusted(_ name: String, of route: RouteConfiguration?) -> Bool {
        if name == "x-request-id" || Array(name.utf8).withUnsafeBytes({ FieldNameSet.proxies.contains($0) }) { return true }
        let own = route?.match.listeners ?? []
        let listeners = configuration.listeners.filter { own.isEmpty || own.contains($0.name) }
        return !listeners.isEmpty
            && listeners.allSatisfy { $0.trustedHeaders.contains { ClaimHeaderName.readsLike($0, name) } }
    }
}

extension RemovedHeaderChecks {
    /// What a header is asked for by.
    private enum Use {
        case match
        case rule
        case limitKey
        case hash

        var consequence: String {
            switch self {
            case .match: "nothing matches"
            case .rule: "the condition never holds"
            case .limitKey: "no call has this key"
            case .hash: "no call has this value"
            }
        }

        func replacement(forClaim claim: String) -> String {
            switch self {
            case .match: "claim: { \(claim): … } in allow or deny: routes are chosen before tokens are read"
            case .rule: "claim: { \(claim): … }"
            case .limitKey, .hash: "claim \(claim)"
            }
        }

        /// What says the same of a client that is connected itself.
        func replacement(forHeader name: String) -> String? {
            if RemovedHeaderChecks.schemes.contains(name), self == .match { return "listeners: [NAME]" }
            guard RemovedHeaderChecks.addresses.contains(name) else { return nil }
            switch self {
            case .match: return nil
            case .rule: return "address: [BLOCK]"
            case .limitKey: return "the key address"
            case .hash: return "address"
            }
        }
    }

    private static let schemes = ["x-forwarded-proto", "x-scheme", "x-forwarded-scheme", "front-end-https", "x-forwarded-ssl"]
    private static let addresses = [
        "forwarded", "x-forwarded-for", "x-real-ip", "x-client-ip", "client-ip", "true-client-ip", "cf-connecting-ip",
        "x-cluster-client-ip", "x-envoy-external-address", "fastly-client-ip", "fly-client-ip", "x-remote-addr", "x-remote-ip",
    ]
}

extension AccessRule {
    /// The headers that it asks for, where a request without them does not fit.
    fileprivate var wantedHeaders: [String] {
        switch self {
        case .header(let header): header.value.tests.contains(.absent) ? [] : [header.name]
        case .any(let rules), .all(let rules): rules.flatMap(\.wantedHeaders)
        case .not(let rule): rule.wantedHeaders
        case .anyone, .authenticated, .scopes, .claim, .httpMethod, .address, .clientCertificate: []
        }
    }
}
