internal import AccessControl
internal import Balancing
internal import Config
internal import GatewayModel
internal import HTTPModel
internal import JOSE
internal import LimitRules
internal import Matching
internal import Net
internal import RateLimit
internal import Routing
internal import Transport

/// Finds what asks for headers that no request has: those that only trusted peers may set where no peer is trusted, those that
/// `forward_claims` sends, and those of connections, which are removed from every request. Such a rule or limit would be none, without a word.
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
        if case .header(let name, _) = configuration.authentication?.plan {
            report(name, .plan, of: nil, at: WrittenAuthentication.path["plan"])
        }
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
        check(route.requestHeaders, route.responseHeaders, of: route, at: path)
        check(route.access, of: route, at: path)
        check(route.limits, of: route, at: path)
        check(route.traffic.sticky, of: route, at: path["sticky"])
        for method in route.methods {
            check(method.access, of: route, at: path.method(method.name))
            check(method.limits, of: route, at: path.method(method.name))
            check(method.requestHeaders, method.responseHeaders, of: route, at: path.method(method.name))
        }
        for (template, place) in route.answerTemplates(at: path, findings.places) { check(template, of: route, at: place) }
    }

    private func check(
        _ request: HeaderChanges, _ response: HeaderChanges, of route: RouteConfiguration, at path: ConfigurationPath
    ) {
        for (section, changes) in [("request_headers", request), ("response_headers", response)] {
            for (key, fields) in [("set", changes.set), ("add", changes.add)] {
                for field in fields {
                    check(field.value, of: route, at: path[section][key][String(decoding: field.name, as: UTF8.self)])
                }
            }
        }
    }

    private func check(_ template: CallTemplate, of route: RouteConfiguration?, at path: ConfigurationPath) {
        for case .requestHeader(let name) in template.variables {
            report(String(decoding: name, as: UTF8.self), .variable, of: route, at: path)
        }
    }

    private func check(_ access: AccessRules, of route: RouteConfiguration, at path: ConfigurationPath) {
        for (key, named) in [("allow", access.allow), ("deny", access.deny)] {
            for (name, use) in named?.rule.wantedHeaders() ?? [] { report(name, use, of: route, at: path[key]) }
        }
    }

    private func check(_ limits: [LimitConfiguration], of route: RouteConfiguration?, at path: ConfigurationPath) {
        for (index, limit) in limits.enumerated() {
            let path = path["limits"][index]
            for case .header(let name) in limit.rule.keys { report(name, .limitKey, of: route, at: path) }
            for (name, use) in limit.when?.wantedHeaders() ?? [] { report(name, use, of: route, at: path["when"]) }
            guard case .serviceDescriptors(let descriptors) = limit.effect else { continue }
            for (index, descriptor) in descriptors.enumerated() {
                for (place, entry) in descriptor.enumerated() {
                    check(entry.value, of: route, at: path["descriptors"][index][place]["value"])
                }
            }
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
        if Self.ofConnections.contains(name) {
            why = "as it says something of one connection"
            instead = "another header"
        } else if let claim = claims.first(where: { ClaimHeaderName.readsLike($0.header, name) }) {
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
    fileprivate enum Use {
        case match
        case rule
        /// Within `not`.
        case negatedRule
        case limitKey
        case hash
        case variable
        case plan

        var consequence: String {
            switch self {
            case .match: "nothing matches"
            case .rule: "the condition never holds"
            case .negatedRule: "the condition never holds, and so not always does"
            case .limitKey: "no call has this key"
            case .hash: "no call has this value"
            case .variable: "%{…} has no value"
            case .plan: "no call names its plan"
            }
        }

        func replacement(forClaim claim: String) -> String {
            switch self {
            case .match: "claim: { \(claim): … } in allow or deny: routes are chosen before tokens are read"
            case .rule, .negatedRule: "claim: { \(claim): … }"
            case .limitKey, .hash, .plan: "claim \(claim)"
            case .variable: "%{claim.\(claim)}"
            }
        }

        /// What says the same of a client that is connected itself.
        func replacement(forHeader name: String) -> String? {
            if self == .variable, name == "x-request-id" { return "%{request.id}" }
            if RemovedHeaderChecks.schemes.contains(name) {
                if self == .match { return "listeners: [NAME]" }
                if self == .variable { return "%{request.scheme}" }
            }
            guard RemovedHeaderChecks.addresses.contains(name) else { return nil }
            switch self {
            case .match, .plan: return nil
            case .rule, .negatedRule: return "address: [BLOCK]"
            case .limitKey: return "the key address"
            case .hash: return "address"
            case .variable: return "%{client.address}"
            }
        }
    }

    /// Removed from requests of HTTP/1.1, and not among those of HTTP/2 (RFC 9113, section 8.2.2), or of no meaning there.
    private static let ofConnections = [
        "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "te", "expect", "http2-settings",
    ]
    private static let schemes = ["x-forwarded-proto", "x-scheme", "x-forwarded-scheme", "front-end-https", "x-forwarded-ssl"]
    private static let addresses = [
        "forwarded", "x-forwarded-for", "x-real-ip", "x-client-ip", "client-ip", "true-client-ip", "cf-connecting-ip",
        "x-cluster-client-ip", "x-envoy-external-address", "fastly-client-ip", "fly-client-ip", "x-remote-addr", "x-remote-ip",
    ]
}

extension AccessRule {
    /// The headers that it asks for, where a request without them does not fit.
    fileprivate func wantedHeaders(isNegated: Bool = false) -> [(name: String, use: RemovedHeaderChecks.Use)] {
        switch self {
        case .header(let header): header.value.tests.contains(.absent) ? [] : [(header.name, isNegated ? .negatedRule : .rule)]
        case .any(let rules), .all(let rules): rules.flatMap { $0.wantedHeaders(isNegated: isNegated) }
        case .not(let rule): rule.wantedHeaders(isNegated: !isNegated)
        case .anyone, .authenticated, .scopes, .claim, .httpMethod, .address, .clientCertificate: []
        }
    }
}
