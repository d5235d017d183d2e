internal import AccessControl
internal import Config
internal import GRPC
internal import RateLimit
internal import Routing
internal import Transport

/// The mistakes that show only when sections are held against each other.
struct CrossChecks {
    private let configuration: GatewayConfiguration
    /// The root of the file.
    private let section: Section

    init(_ configuration: GatewayConfiguration, _ section: Section) {
        self.configuration = configuration
        self.section = section
    }

    func run() {
        checkClusterNames()
        checkCoverage()
        configuration.routes.forEach(checkConditions)
        AdminSection.check(configuration.admin, against: configuration.listeners, section.reader)
        checkPlans()
        checkUniqueNames()
        let access = AccessChecks(configuration, section)
        configuration.routes.forEach { access.check($0) }
        if let openAPI = configuration.openAPI { check(openAPI, access) }
        let balancing = BalancingChecks(section)
        configuration.clusters.forEach { balancing.check($0) }
        configuration.routes.forEach { balancing.check($0) }
        configuration.routes.forEach(checkProtocols)
        configuration.routes.forEach(checkMirror)
        configuration.routes.forEach(RetryChecks(configuration.clusters, section).check)
        let nodes = RouteNodes(configuration, section)
        let headers = HeaderChecks(configuration, section)
        for (index, route) in configuration.routes.enumerated() { nodes[index].map { headers.check(route, $0) } }
        RewriteChecks(configuration, nodes, section.reader).run()
        let limits = LimitChecks(configuration, section)
        configuration.routes.forEach(limits.check)
        configuration.plans.forEach(limits.check)
        limits.checkCounters(configuration, section)
    }

    /// The names written below a key, whether or not what they name could be read.
    private func names(below key: String) -> [String] { section.node(key)?.entries?.map(\.key.value) ?? [] }

    private func checkClusterNames() {
        let names = names(below: "clusters")
        var used: Set<String> = []
        for cluster in configuration.routes.flatMap({ $0.clusters + [$0.traffic.mirror?.cluster].compactMap { $0 } }) {
            let name = cluster.value
            used.insert(name)
            guard !names.contains(name) else { continue }
            section.reader.report(
                "found \(Quoted.text(name)), expected the name of a cluster\(Spelling.hint(for: name, among: names))",
                at: cluster.place)
        }
        // Where a route could not be read, or its cluster was misspelt, it is unknown which clusters were meant.
        let isWhole = configuration.routes.count == section.node("routes")?.elements?.count && used.isSubset(of: names)
        guard isWhole, !used.isEmpty else { return }
        for cluster in configuration.clusters where !used.contains(cluster.name.value) {
            section.reader.report("no route leads here", at: cluster.name.place, severity: .warning)
        }
    }

    /// What one of a route's clusters is sent could not be said to another that speaks differently.
    private func checkProtocols(_ route: RouteConfiguration) {
        func speaks(_ name: Located<String>) -> ClusterConfiguration.HTTPVersion? {
            configuration.clusters.first { $0.name.value == name.value }?.speaks
        }
        guard let first = route.clusters.first, let wanted = speaks(first) else { return }
        for other in route.clusters.dropFirst() + [route.traffic.mirror?.cluster].compactMap({ $0 }) {
            guard let spoken = speaks(other), spoken != wanted else { continue }
            section.reader.report(
                "found \(Quoted.text(other.value)), which speaks \(spoken.rawValue), "
                    + "expected a cluster that speaks \(wanted.rawValue) as \(Quoted.text(first.value)) does",
                at: other.place)
        }
    }

    private func checkMirror(_ route: RouteConfiguration) {
        guard let mirror = route.traffic.mirror?.cluster, route.clusters.contains(where: { $0.value == mirror.value }) else {
            return
        }
        section.reader.report(
            "found \(Quoted.text(mirror.value)), which the route leads to itself: it gets those calls twice", at: mirror.place,
            severity: .warning)
    }

    private func checkCoverage() {
        let routes = configuration.routes
        for finding in RouteCoverage.findings(in: routes.map(\.match)) {
            let (route, earlier) = (routes[finding.route], routes[finding.coveredBy])
            section.reader.report(
                "never reached: \(earlier.place.path) (\(Quoted.text(earlier.name))) takes every request that fits it",
                at: route.place)
        }
    }

    /// gRPC and gRPC-Web call by POST and without a query, Connect too but for what a schema allows; only a schema, or a cluster of
    /// plain HTTP, brings a service other calls.
    private func checkConditions(_ route: RouteConfiguration) {
        let clusters = configuration.clusters.filter { cluster in route.clusters.contains { $0.value == cluster.name.value } }
        let isPlain = !clusters.isEmpty && clusters.allSatisfy { $0.schema == nil && $0.speaks == .http2 }
        let why: String
        if case .service = route.match.target, isPlain {
            why = "without a schema of its cluster, no call of a service has"
        } else if !route.protocols.contains(.http), !route.protocols.contains(.connectUnary) {
            why = "no call by its protocols has"
        } else {
            return
        }
        if let place = route.httpMethodPlace, let odd = route.match.httpMethods.first(where: { $0 != "POST" && $0 != "OPTIONS" }) {
            section.reader.report("found \(Quoted.text(odd)), expected POST: \(why) another method", at: place)
        }
        if let place = route.queryPlace { section.reader.report("never matches: \(why) a query", at: place) }
    }

    private func check(_ openAPI: OpenAPIConfiguration, _ access: AccessChecks) {
        access.check(openAPI)
        let paths = [openAPI.document.value, openAPI.page?.value].compactMap(\.self)
        for route in configuration.routes {
            guard case .path(let path) = route.match.target, paths.contains(path) else { continue }
            section.reader.report("never reached: openapi is served at \(path)", at: route.place)
        }
        if configuration.clusters.allSatisfy({ $0.schema == nil }) {
            section.reader.report(
                "found where no cluster has a schema, so that nothing can be told", at: openAPI.place, severity: .warning)
        }
    }

    private func checkPlans() {
        let names = names(below: "plans")
        guard let authentication = configuration.authentication, let plan = authentication.plan else {
            if !configuration.plans.isEmpty, section.node("authentication")?.has("plan") != true {
                section.report("found without authentication.plan: no token would name one of them", about: "plans")
            }
            return
        }
        if names.isEmpty {
            section.reader.report("found without plans: no caller's plan would be known", at: plan.place)
        }
        if let name = authentication.defaultPlan, !names.contains(name.value) {
            section.reader.report(
                "found \(Quoted.text(name.value)), expected the name of a plan\(Spelling.hint(for: name.value, among: names))",
                at: name.place)
        }
    }

    /// Logs, counters and the descriptors of an RLS service know limits and rules by their names only.
    private func checkUniqueNames() {
        var limits: Set<String> = []
        var rules: Set<String> = []
        func check(_ located: [Located<LimitRule>]) {
            for limit in located {
                guard let name = limit.value.name, !limits.insert(name).inserted else { continue }
                section.reader.report(
                    "found the name \(Quoted.text(name)), which another limit has, expected one of its own", at: limit.place)
            }
        }
        func check(_ access: AccessConfiguration) {
            for rule in [access.allow, access.deny].compactMap({ $0 }) where !rules.insert(rule.value.name).inserted {
                section.reader.report(
                    "found the name \(Quoted.text(rule.value.name)), which another rule has, expected one of its own",
                    at: rule.place)
            }
        }
        configuration.plans.forEach { check($0.limits) }
        for route in configuration.routes {
            check(route.limits)
            check(route.access)
            for method in route.methods {
                check(method.limits)
                check(method.access)
            }
        }
    }
}
