internal import Config
internal import GatewayModel
internal import HTTPModel
internal import Transport

/// Holds what routes change of headers against what other sections say of those headers, and variables against what will be known.
struct HeaderChecks {
    /// The headers that carry claims, in lower case.
    private let identity: [String]
    /// Those that only trusted peers may set.
    private let trusted: FieldNameSet
    private let knowledge: CallKnowledge
    private let issuers: [IssuerConfiguration]
    private let findings: Findings

    init(_ configuration: GatewayConfiguration, _ findings: Findings) {
        issuers = configuration.authentication?.issuers ?? []
        identity = issuers.flatMap(\.forwardClaims).map(\.header)
        trusted = FieldNameSet.proxies.adding(configuration.listeners.flatMap(\.trustedHeaders))
        knowledge = CallKnowledge(configuration, findings.places)
        self.findings = findings
    }

    func check(_ route: RouteConfiguration, at path: ConfigurationPath) {
        check(route.requestHeaders, route.responseHeaders, of: route, at: path)
        for method in route.methods {
            check(method.requestHeaders, method.responseHeaders, of: route, at: path.method(method.name))
        }
        for (template, place) in route.answerTemplates(at: path, findings.places) { check(template, of: route, at: place) }
    }

    private func check(
        _ request: HeaderChanges, _ response: HeaderChanges, of route: RouteConfiguration, at path: ConfigurationPath
    ) {
        let (requestPath, responsePath) = (path["request_headers"], path["response_headers"])
        if let only = request.only { checkToken(only, of: route, at: requestPath["only"]) }
        for (key, fields) in [("set", request.set), ("add", request.add)] {
            for field in fields {
                let path = requestPath[key][field.text]
                check(field.value, of: route, at: path)
                checkDollar(field.value, at: path)
                checkTrust(field, isAdded: key == "add", at: path)
            }
        }
        for (key, fields) in [("set", response.set), ("add", response.add)] {
            for field in fields {
                let path = responsePath[key][field.text]
                check(field.value, of: route, at: path)
                checkDollar(field.value, at: path)
                checkIsKept(field.value, response.only ?? route.responseHeaders.only, at: path)
                checkCORS(field.name, isDecided: route.cors != nil, at: path.key)
            }
        }
        guard route.cors != nil else { return }
        for (index, name) in response.remove.enumerated() { checkCORS(name, isDecided: true, at: responsePath["remove"][index]) }
    }

    /// A token is the caller's, whoever says that it goes on.
    private func checkToken(_ only: NameList, of route: RouteConfiguration, at path: ConfigurationPath) {
        let isListed = Array("authorization".utf8).withUnsafeBytes { only.contains($0) }
        guard !isListed, route.credentials != .off else { return }
        for issuer in issuers where issuer.forwardToken {
            if case .issuers(let names) = route.credentials, !names.contains(issuer.name) { continue }
            return findings.report(
                "found only without authorization, though issuer \(Quoted.text(issuer.name)) has forward_token: true: upstreams get no token",
                at: path, severity: .warning)
        }
    }

    /// What an upstream's `only` leaves out is gone before values are made.
    private func checkIsKept(_ value: CallTemplate, _ only: NameList?, at path: ConfigurationPath) {
        guard let only else { return }
        for variable in value.variables {
            guard case .responseHeader(let name) = variable,
                !name.withUnsafeBytes({ only.contains($0) || HeaderChanges.alwaysInResponses.contains($0) })
            else { continue }
            findings.report(
                "found %{\(variable.name)}, expected the header in only too: responses are without it otherwise", at: path)
        }
    }

    /// What tells an upstream who calls, or from where, is the gateway's to say.
    private func checkTrust(_ field: HeaderChanges.Field, isAdded: Bool, at path: ConfigurationPath) {
        let isIdentity = identity.contains { ClaimHeaderName.readsLike($0, field.text) }
        let isTrusted = field.name.withUnsafeBytes { trusted.contains($0) }
        guard isIdentity || isTrusted else { return }
        let name = Quoted.text(findings.places.written(at: path.key) ?? field.text)
        if isIdentity, isAdded {
            findings.report(
                "found \(name), which forward_claims sends, expected it in set: upstreams differ in which of two they read",
                at: path.key)
            return
        }
        guard let variable = field.value.variables.first(where: { !$0.isTrusted }) else { return }
        let why = isIdentity ? "forward_claims says with it who calls" : "only trusted peers may set it"
        findings.report(
            "found \(name) with %{\(variable.name)}, which the caller decides, expected a constant or variables of the identity or "
                + "the connection: \(why)",
            at: path)
    }

    private func checkCORS(_ name: [UInt8], isDecided: Bool, at path: ConfigurationPath) {
        let name = String(decoding: name, as: UTF8.self)
        guard name.hasPrefix("access-control-") else { return }
        guard isDecided else {
            guard name == "access-control-allow-origin" else { return }
            return findings.report(
                "found \(Quoted.text(name)), expected cors on the route: this lets pages of other origins read responses, "
                    + "and leaves preflights to the backend",
                at: path, severity: .warning)
        }
        findings.report(
            "found \(Quoted.text(name)) on a route with cors, expected another header: cors alone decides which origins may read responses",
            at: path)
    }

    /// `$host`, which is a variable elsewhere and would be sent as it is.
    private func checkDollar(_ value: CallTemplate, at path: ConfigurationPath) {
        for text in value.texts {
            guard let dollar = text.firstIndex(of: UInt8(ascii: "$")), dollar + 1 < text.count else { continue }
            let name = String(
                decoding: text[(dollar + 1)...].prefix { $0 == 0x5f || (0x61...0x7a).contains($0 | 0x20) }, as: UTF8.self)
            guard !name.isEmpty else { continue }
            findings.report(
                "found $\(name), which is sent as it is: variables of the call are written %{name}, such as "
                    + "%{\(Self.variables[name] ?? "request.authority")}",
                at: path, severity: .warning)
        }
    }

    /// nginx's names, and ours.
    private static let variables = [
        "host": "request.authority", "http_host": "request.authority", "remote_addr": "client.address",
        "binary_remote_addr": "client.address", "request_uri": "request.path", "uri": "request.path", "scheme": "request.scheme",
        "request_method": "request.method", "request_id": "request.id",
    ]

    private func check(_ template: CallTemplate, of route: RouteConfiguration, at path: ConfigurationPath) {
        for variable in template.variables {
            guard let problem = knowledge.problem(of: variable, on: route) else { continue }
            findings.report(problem, at: path)
        }
    }
}

extension HeaderChanges.Field {
    fileprivate var text: String { String(decoding: name, as: UTF8.self) }
}
