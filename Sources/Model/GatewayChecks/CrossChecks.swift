internal import AccessControl
internal import Config
internal import GRPC
internal import GatewayModel
internal import HTTPModel
internal import LimitRules
internal import RateLimit
internal import Routing
internal import Transport

/// The mistakes that show only when sections are held against each other.
struct CrossChecks {
    private let configuration: GatewayConfiguration
    private let findings: Findings

    init(_ configuration: GatewayConfiguration, _ findings: Findings) {
        self.configuration = configuration
        self.findings = findings
    }

    func run() {
        checkClusterNames()
        forEachRoute(checkListenerNames)
        checkCoverage()
        PreflightChecks(configuration, findings).run()
        forEachRoute(checkConditions)
        ListenerConfiguration.check(configuration.listeners, admin: configuration.admin, findings)
        checkIssuers()
        checkPlans()
        checkUniqueNames()
        let access = AccessChecks(configuration, findings)
        forEachRoute(access.check)
        forEachRoute(checkCredentials)
        if let openAPI = configuration.openAPI { check(openAPI, access) }
        let balancing = BalancingChecks(configuration, findings)
        configuration.clusters.forEach { balancing.check($0) }
        forEachRoute(balancing.check)
        forEachRoute(CORSChecks(findings).check)
        GzipChecks(configuration, findings).run()
        forEachRoute(checkProtocols)
        forEachRoute(checkNativeCalls)
        forEachRoute(checkJSON)
        forEachRoute(checkUsage)
        forEachRoute(checkMirror)
        forEachRoute(checkFault)
        forEachRoute(checkFallback)
        forEachRoute(RetryChecks(configuration.clusters, findings).check)
        forEachRoute(HeaderChecks(configuration, findings).check)
        RemovedHeaderChecks(configuration, findings).run()
        RewriteChecks(configuration, findings).run()
        PrefixRewriteChecks(configuration, findings).run()
        RedirectChecks(configuration, findings).run()
        let limits = LimitChecks(configuration, findings)
        forEachRoute(limits.check)
        configuration.plans.forEach { limits.check($0) }
        limits.checkCounters(configuration)
        limits.checkNumber(configuration)
    }

    private func forEachRoute(_ check: (RouteConfiguration, ConfigurationPath) -> Void) {
        for (index, route) in configuration.routes.enumerated() { check(route, .route(index)) }
    }

    private func checkClusterNames() {
        // Those whose clusters could not be read are among them.
        let names = findings.places.names(below: ConfigurationPath("clusters")) ?? configuration.clusters.map(\.name)
        let known = Set(names)
        var used: Set<String> = []
        forEachRoute { route, path in
            for (name, path) in route.allNamedClusters(at: path) {
                used.insert(name)
                guard !known.contains(name) else { continue }
                findings.report(
                    "found \(Quoted.text(name)), expected the name of a cluster\(Spelling.hint(for: name, among: names))", at: path)
            }
        }
        // Where a route could not be read, or its cluster was misspelt, it is unknown which clusters were meant.
        guard !findings.places.isIncomplete(ConfigurationPath("routes")), used.isSubset(of: known), !used.isEmpty else { return }
        for cluster in configuration.clusters where !used.contains(cluster.name) {
            findings.report("no route leads here", at: ConfigurationPath.cluster(cluster.name).key, severity: .warning)
        }
    }

    private func checkListenerNames(_ route: RouteConfiguration, at path: ConfigurationPath) {
        // Those that could not be read have names, too.
        guard !findings.places.isIncomplete(ConfigurationPath("listeners")) else { return }
        let names = configuration.listeners.map(\.name)
        for (place, name) in route.match.listeners.enumerated() where !names.contains(name) {
            findings.report(
                "found \(Quoted.text(name)), expected the name of a listener\(Spelling.hint(for: name, among: names))",
                at: path["listeners"][place])
        }
    }

    private func checkIssuers() {
        var seen: Set<String> = []
        var names: Set<String> = []
        for (index, issuer) in (configuration.authentication?.issuers ?? []).enumerated() where !issuer.issuer.isEmpty {
            if !seen.insert(issuer.issuer).inserted {
                findings.report(
                    "found \(Quoted.text(issuer.issuer)) twice, expected each issuer once",
                    at: ConfigurationPath.issuer(index)["issuer"])
            } else if !names.insert(issuer.name).inserted {
                findings.report(
                    "found \(Quoted.text(issuer.name)), which another issuer has, expected a name of its own",
                    at: ConfigurationPath.issuer(index)["name"])
            }
        }
    }

    /// The issuers that a route names, and whether there are credentials that it could say something of.
    private func checkCredentials(_ route: RouteConfiguration, at path: ConfigurationPath) {
        let path = path["authentication"]
        if !WrittenAuthentication(configuration, findings.places).isThere {
            switch route.credentials {
            case .on, .off: return
            case .issuers, .ignoreInvalid:
                return findings.report("expected authentication in this file: no credentials are looked at", at: path)
            }
        }
        guard case .issuers(let wanted) = route.credentials, let authentication = configuration.authentication,
            !findings.places.isIncomplete(WrittenAuthentication.path["issuers"])
        else { return }
        let known = authentication.issuers.map(\.name)
        for (index, name) in wanted.enumerated() {
            if !known.contains(name) {
                findings.report(
                    "found \(Quoted.text(name)), expected the name of an issuer\(Spelling.hint(for: name, among: known))",
                    at: path[index])
            } else if wanted.firstIndex(of: name) != index {
                findings.report("found \(Quoted.text(name)) twice, expected each issuer once", at: path[index])
            }
        }
    }

    /// What one of a route's clusters is sent could not be said to another that speaks differently.
    private func checkProtocols(_ route: RouteConfiguration, at path: ConfigurationPath) {
        func speaks(_ name: String) -> ClusterConfiguration.HTTPVersion? {
            configuration.clusters.first { $0.name == name }?.speaks
        }
        guard let first = route.clusters.first, let wanted = speaks(first) else { return }
        for (name, path) in route.allNamedClusters(at: path).dropFirst() {
            guard let spoken = speaks(name), spoken != wanted else { continue }
            findings.report(
                "found \(Quoted.text(name)), which speaks \(spoken.rawValue), "
                    + "expected a cluster that speaks \(wanted.rawValue) as \(Quoted.text(first)) does",
                at: path)
        }
    }

    /// HTTP/1.1 carries no gRPC, as it ends without trailers and in one direction first.
    private func checkNativeCalls(_ route: RouteConfiguration, at path: ConfigurationPath) {
        let methods = route.match.httpMethods
        guard route.match.isOfServices, route.protocols.contains(.grpc), methods.isEmpty || methods.contains("POST"),
            let cluster = configuration.clusters.first(where: { route.clusters.contains($0.name) }), cluster.speaks == .http1
        else { return }
        findings.report(
            "found before cluster \(Quoted.text(cluster.name)), which speaks http1: native gRPC is refused with UNIMPLEMENTED, and gRPC-Web, Connect "
                + "and JSON are passed on as they are. Expected a cluster that speaks http2, or protocols without grpc",
            at: path["service"], severity: .warning)
    }

    /// Only RPCs are converted.
    private func checkJSON(_ route: RouteConfiguration, at path: ConfigurationPath) {
        let clusters = configuration.clusters.filter { route.clusters.contains($0.name) }
        guard route.json != nil, let cluster = clusters.first, clusters.allSatisfy({ $0.speaks == .http1 }) else { return }
        findings.report(
            "never applies: cluster \(Quoted.text(cluster.name)) speaks http1, and what it answers is passed on as it is",
            at: path["json"], severity: .warning)
    }

    /// Without tenants there is no usage of theirs.
    private func checkUsage(_ route: RouteConfiguration, at path: ConfigurationPath) {
        guard route.action == .serve(.usage) else { return }
        if configuration.authentication?.tenant == nil {
            findings.report("found usage, expected authentication with a tenant, whose usage it is", at: path["serve"])
        } else if route.credentials == .off {
            findings.report(
                "found usage beside authentication: off, expected tokens to be verified: they name the tenant", at: path["serve"])
        }
    }

    private func checkMirror(_ route: RouteConfiguration, at path: ConfigurationPath) {
        guard let mirror = route.namedMirror(at: path), route.clusters.contains(mirror.name) else { return }
        findings.report(
            "found \(Quoted.text(mirror.name)), which the route leads to itself: it gets those calls twice", at: mirror.path,
            severity: .warning)
    }

    private func checkFault(_ route: RouteConfiguration, at path: ConfigurationPath) {
        guard let fault = route.traffic.fault, configuration.trustedProxies.isEmpty,
            !findings.places.isWritten(ConfigurationPath("trusted_proxies"))
        else { return }
        for (key, isByHeader) in [("delay", fault.delay?.isByHeader), ("abort", fault.abort?.isByHeader)] where isByHeader == true {
            findings.report(
                "found header: true, expected trusted_proxies in this file: only they may ask for faults",
                at: path["fault"][key]["header"])
        }
    }

    /// A cluster that cannot be reached is no help to itself, and callers of RPCs read no page.
    private func checkFallback(_ route: RouteConfiguration, at path: ConfigurationPath) {
        if let fallback = route.namedFallback(at: path), route.clusters.contains(fallback.name) {
            if route.clusters.count == 1 {
                findings.report(
                    "found \(Quoted.text(fallback.name)), which the route leads to itself, expected another cluster",
                    at: fallback.path)
            } else {
                findings.report(
                    "found \(Quoted.text(fallback.name)), which is among the route's clusters: calls that it was chosen for have no fallback",
                    at: fallback.path, severity: .warning)
            }
        }
        guard case .respond? = route.fallback else { return }
        let clusters = configuration.clusters.filter { route.clusters.contains($0.name) }
        let isOfRPCs = route.match.isOfServices && clusters.allSatisfy { $0.schema == nil && $0.speaks == .http2 }
        guard isOfRPCs && !clusters.isEmpty || !route.protocols.contains(.http) else { return }
        findings.report(
            "found respond where every caller speaks gRPC, gRPC-Web or Connect, expected a cluster: they read no such response, and are "
                + "refused with UNAVAILABLE as without a fallback",
            at: path["fallback"]["respond"])
    }

    private func checkCoverage() {
        let routes = configuration.routes
        for finding in RouteCoverage.findings(in: routes.map(\.match), listeners: configuration.listeners.map(\.name)) {
            let earlier = ([finding.coveredBy] + finding.elsewhere).map {
                "\(findings.places.place(of: .route($0)).path) (\(Quoted.text(routes[$0].name)))"
            }
            findings.report(
                "never reached: \(earlier.joined(separator: " and ")) \(earlier.count > 1 ? "take" : "takes") every request that fits it",
                at: place(of: finding.part, at: .route(finding.route)))
        }
    }

    private func place(of part: RouteCoverage.Part?, at route: ConfigurationPath) -> ConfigurationPath {
        switch part {
        case nil: return route
        case .listener(let place): return route["listeners"][place]
        case .authority(let place): return route["authority"][place]
        case .target(let place):
            let key = ["service", "path", "prefix"].first { findings.places.isWritten(route[$0]) }
            return key.map { route[$0][place] } ?? route
        }
    }

    /// gRPC and gRPC-Web call by POST and without a query, Connect too but for what a schema allows; only a schema, or a cluster of
    /// plain HTTP, brings a service other calls.
    private func checkConditions(_ route: RouteConfiguration, at path: ConfigurationPath) {
        let clusters = configuration.clusters.filter { cluster in route.clusters.contains(cluster.name) }
        let isPlain = !clusters.isEmpty && clusters.allSatisfy { $0.schema == nil && $0.speaks == .http2 }
        let why: String
        if route.match.isOfServices, isPlain {
            why = "without a schema of its cluster, no call of a service has"
        } else if !route.protocols.contains(.http), !route.protocols.contains(.connectUnary) {
            why = "no call by its protocols has"
        } else {
            return
        }
        if let odd = route.match.httpMethods.first(where: { $0 != "POST" && $0 != "OPTIONS" }) {
            findings.report("found \(Quoted.text(odd)), expected POST: \(why) another method", at: path["http_method"])
        }
        func check(_ access: AccessRules, at path: ConfigurationPath) {
            for (key, rule) in [("allow", access.allow), ("deny", access.deny)] {
                guard let odd = rule?.rule.httpMethods.first(where: { $0 != "POST" }) else { continue }
                findings.report(
                    "found http_method \(Quoted.text(odd)), expected POST: \(why) another method", at: path[key], severity: .warning
                )
            }
        }
        check(route.access, at: path)
        for method in route.methods { check(method.access, at: path.method(method.name)) }
        if !route.requestQuery.isEmpty { findings.report("never applies: \(why) a query", at: path["request_query"]) }
        if !route.match.query.isEmpty { findings.report("never matches: \(why) a query", at: path["query"]) }
    }

    private func check(_ openAPI: OpenAPIConfiguration, _ access: AccessChecks) {
        access.check(openAPI)
        let paths = [openAPI.document, openAPI.page].compactMap(\.self)
        for (index, route) in configuration.routes.enumerated() {
            for (place, target) in route.match.targets.enumerated() {
                guard case .path(let path) = target, paths.contains(path) else { continue }
                let isAll = route.match.targets.count == 1
                findings.report(
                    "never reached: openapi is served at \(path)", at: isAll ? .route(index) : .route(index)["path"][place])
            }
        }
        if configuration.clusters.allSatisfy({ $0.schema == nil }) {
            findings.report(
                "found where no cluster has a schema, so that nothing can be told", at: ConfigurationPath("openapi"),
                severity: .warning)
        }
    }

    private func checkPlans() {
        let names = findings.places.names(below: ConfigurationPath("plans")) ?? configuration.plans.map(\.name)
        let path = WrittenAuthentication.path
        guard let authentication = configuration.authentication, authentication.plan != nil else {
            if !configuration.plans.isEmpty, !findings.places.isWritten(path["plan"]) {
                findings.report(
                    "found without authentication.plan: no caller would have one of them", at: ConfigurationPath("plans"))
            }
            return
        }
        if names.isEmpty { findings.report("found without plans: no caller's plan would be known", at: path["plan"]) }
        if case .header(let name, let isCallers) = authentication.plan {
            checkPlanHeader(name, isCallers: isCallers, at: path["plan"])
        }
        if let name = authentication.defaultPlan, !names.contains(name) {
            findings.report(
                "found \(Quoted.text(name)), expected the name of a plan\(Spelling.hint(for: name, among: names))",
                at: path["default_plan"])
        }
    }

    /// What names a plan decides how much its caller may use up.
    private func checkPlanHeader(_ name: String, isCallers: Bool, at path: ConfigurationPath) {
        guard !isCallers else {
            return findings.report(
                "found from: anyone: whoever sends \(name) with the name of a larger plan has it", at: path, severity: .warning)
        }
        for listener in configuration.listeners {
            let guarded = FieldNameSet.proxies.adding(listener.trustedHeaders)
            guard !Array(name.utf8).withUnsafeBytes({ guarded.contains($0) }) else { continue }
            return findings.report(
                "found header \(name), which callers of listener \(Quoted.text(listener.name)) may set themselves. Expected it in the "
                    + "listener's trusted_headers, or { header: \(name), from: anyone }",
                at: path)
        }
    }

    /// Logs, counters and the descriptors of an RLS service know limits and rules by their names only.
    private func checkUniqueNames() {
        var limits: Set<String> = []
        var rules: Set<String> = []
        func check(_ configured: [LimitConfiguration], at path: ConfigurationPath) {
            for (index, limit) in configured.enumerated() {
                guard let name = limit.rule.name, !limits.insert(name).inserted else { continue }
                findings.report(
                    "found the name \(Quoted.text(name)), which another limit has, expected one of its own",
                    at: path["limits"][index])
            }
        }
        func check(_ access: AccessRules, at path: ConfigurationPath) {
            for (key, rule) in [("allow", access.allow), ("deny", access.deny)] {
                guard let name = rule?.name, !rules.insert(name).inserted else { continue }
                findings.report(
                    "found the name \(Quoted.text(name)), which another rule has, expected one of its own", at: path[key])
            }
        }
        for plan in configuration.plans { check(plan.limits, at: .plan(plan.name)) }
        forEachRoute { route, path in
            check(route.limits, at: path)
            check(route.access, at: path)
            for method in route.methods {
                check(method.limits, at: path.method(method.name))
                check(method.access, at: path.method(method.name))
            }
        }
    }
}

extension AccessRule {
    /// Those that it asks for.
    fileprivate var httpMethods: [String] {
        switch self {
        case .httpMethod(let methods): methods
        case .any(let rules), .all(let rules): rules.flatMap(\.httpMethods)
        case .not(let rule): rule.httpMethods
        default: []
        }
    }
}
