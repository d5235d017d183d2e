internal import Config
internal import HTTPModel
internal import Transport

/// Holds what routes change of headers against what other sections say of those headers, and variables against what will be known.
struct HeaderChecks {
    /// The headers that carry claims, in lower case.
    private let identity: [String]
    /// Those that only trusted peers may set.
    private let trusted: FieldNameSet
    private let knowledge: CallKnowledge
    private let reader: Reader

    init(_ configuration: GatewayConfiguration, _ section: Section) {
        identity = configuration.authentication?.issuers.flatMap(\.forwardClaims).map(\.header) ?? []
        trusted = FieldNameSet.proxies.adding(configuration.listeners.flatMap(\.trustedHeaders))
        knowledge = CallKnowledge(configuration, section)
        reader = section.reader
    }

    func check(_ route: RouteConfiguration, _ node: Node) {
        check(route.requestHeaders, route.responseHeaders, of: route, node)
        for method in route.methods {
            guard let node = node.child("methods")?.child(method.name.value) else { continue }
            check(method.requestHeaders, method.responseHeaders, of: route, node)
        }
        if case .redirect(let redirect) = route.action, case .whole(let path) = redirect.path,
            let place = node.child("redirect")?.child("path")?.place
        {
            check(path, of: route, at: place)
        }
    }

    private func check(
        _ request: HeaderChanges, _ response: HeaderChanges, of route: RouteConfiguration, _ node: Node
    ) {
        let (requestNode, responseNode) = (node.child("request_headers"), node.child("response_headers"))
        for (key, fields) in [("set", request.set), ("add", request.add)] {
            for field in fields {
                guard let entry = requestNode?.child(key)?.entry(header: field.name) else { continue }
                check(field.value, of: route, at: entry.value.place)
                checkTrust(field, isAdded: key == "add", entry)
            }
        }
        for (key, fields) in [("set", response.set), ("add", response.add)] {
            for field in fields {
                guard let entry = responseNode?.child(key)?.entry(header: field.name) else { continue }
                check(field.value, of: route, at: entry.value.place)
                if route.cors != nil { checkCORS(field.name, at: entry.key.place) }
            }
        }
        guard route.cors != nil, let removed = responseNode?.child("remove") else { return }
        for name in response.remove {
            let text = String(decoding: name, as: UTF8.self)
            let place = (removed.elements ?? [removed]).first { $0.scalar?.text.lowercased() == text }?.place
            checkCORS(name, at: place ?? removed.place)
        }
    }

    /// What tells an upstream who calls, or from where, is the gateway's to say.
    private func checkTrust(_ field: HeaderChanges.Field, isAdded: Bool, _ entry: Node.Entry) {
        let isIdentity = identity.contains { ForwardedHeader.readsLike($0, String(decoding: field.name, as: UTF8.self)) }
        let isTrusted = field.name.withUnsafeBytes { trusted.contains($0) }
        let name = Quoted.text(entry.key.value)
        if isIdentity, isAdded {
            reader.report(
                "found \(name), which forward_claims sends, expected it in set: upstreams differ in which of two they read",
                at: entry.key.place)
            return
        }
        guard isIdentity || isTrusted, let variable = field.value.variables.first(where: { !$0.isTrusted }) else { return }
        let why = isIdentity ? "forward_claims says with it who calls" : "only trusted peers may set it"
        reader.report(
            "found \(name) with %{\(variable.name)}, which the caller decides, expected a constant or variables of the identity or "
                + "the connection: \(why)",
            at: entry.value.place)
    }

    private func checkCORS(_ name: [UInt8], at place: Place) {
        let name = String(decoding: name, as: UTF8.self)
        guard name.hasPrefix("access-control-") else { return }
        reader.report(
            "found \(Quoted.text(name)) on a route with cors, expected another header: cors alone decides which origins may read responses",
            at: place)
    }

    private func check(_ template: CallTemplate, of route: RouteConfiguration, at place: Place) {
        for variable in template.variables {
            let missing: String
            if route.action != .cluster, variable == .cluster || variable == .endpoint {
                missing = "found %{\(variable.name)}, expected it on a route with a cluster: no upstream has these calls"
            } else if let needed = knowledge.needed(by: variable) {
                missing = "found %{\(variable.name)}, expected \(needed)"
            } else {
                continue
            }
            reader.report(missing, at: place)
        }
    }
}

/// What the sections of a configuration let a gateway know of its calls.
private struct CallKnowledge {
    private let authentication: Node?
    private let asksForCertificates: Bool

    init(_ configuration: GatewayConfiguration, _ section: Section) {
        authentication = section.node("authentication")
        asksForCertificates = configuration.listeners.isEmpty || configuration.listeners.contains { $0.tls?.clientCA != nil }
    }

    /// What a variable would need to have a value ever; `nil` where it can have one.
    func needed(by variable: CallVariable) -> String? {
        switch variable {
        case .identitySubject, .identityIssuer, .claim: authentication == nil ? Self.noCaller : nil
        case .identityTenant: needed("tenant", "what a tenant is")
        case .identityPlan: needed("plan", "what a plan is")
        case .clientCertificateURI, .clientCertificateSubject:
            asksForCertificates ? nil : "client_ca at a listener: no client is asked for a certificate"
        default: nil
        }
    }

    private static let noCaller = "authentication to say whose tokens are believed: no caller has an identity"

    private func needed(_ key: String, _ what: String) -> String? {
        guard let authentication else { return Self.noCaller }
        // A section that could not be read is the mistake to mend first.
        return authentication.entries == nil || authentication.has(key) ? nil : "authentication.\(key) to say \(what)"
    }
}

extension Node {
    fileprivate func entry(header name: [UInt8]) -> Entry? {
        entries?.first { $0.key.value.lowercased() == String(decoding: name, as: UTF8.self) }
    }
}
