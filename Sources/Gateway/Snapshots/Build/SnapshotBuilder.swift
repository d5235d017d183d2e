internal import AccessControl
package import Balancing
internal import Bridging
package import Config
internal import Crypto
package import GatewayModel
internal import JOSE
internal import LimitRules
internal import Matching
internal import Metrics
internal import Net
internal import Protobuf
package import RateLimit
internal import Routing
package import Schemas
package import TLS
package import Time
internal import Transcoding
package import Transport
internal import Upstreams

/// Makes a snapshot of a configuration: opens the files it names, and reports what only shows then.
///
/// `martlet check` runs the same builder as `martlet serve`. Every mistake is reported at the path of its part, and the
/// rest is still checked.
package struct SnapshotBuilder {
    /// What does not come from the configuration.
    package struct Surroundings {
        package var readFile: (String) -> Result<[UInt8], FileFailure>
        package var counters: CounterRegistry
        package var ticketKeys: TicketKeys
        package var metrics: GatewayMetrics
        package var now: WallTime
        package var clusters: ClusterRegistry
        package var schemas: SchemaStore
        package var folders: SchemaFolders

        package init(
            readFile: @escaping (String) -> Result<[UInt8], FileFailure>, counters: CounterRegistry, ticketKeys: TicketKeys,
            metrics: GatewayMetrics, now: WallTime, clusters: ClusterRegistry = ClusterRegistry(),
            schemas: SchemaStore = SchemaStore(), folders: SchemaFolders = .none
        ) {
            self.folders = folders
            self.schemas = schemas
            self.clusters = clusters
            self.readFile = readFile
            self.counters = counters
            self.ticketKeys = ticketKeys
            self.metrics = metrics
            self.now = now
        }
    }

    package struct Product {
        package var snapshot: Snapshot
        package var listeners: [ListenerPlan]
    }

    let configuration: GatewayConfiguration
    let surroundings: Surroundings
    var files: FileOpener
    private var zones: [String: ZoneOffsets] = [:]

    /// - Parameter places: none where the configuration was not read from a text.
    package init(_ configuration: GatewayConfiguration, writtenAt places: PlaceIndex = .none, _ surroundings: Surroundings) {
        self.configuration = configuration
        self.surroundings = surroundings
        files = FileOpener(read: surroundings.readFile, places: places, now: surroundings.now)
    }

    /// - Parameter generation: another one for every snapshot of the process, from 1.
    /// - Returns: `nil` with at least one error among the issues; warnings come with either.
    package mutating func build(generation: UInt64) -> (Product?, [Issue]) {
        let lists = files.valueLists(of: configuration)
        zones = files.timeZones(of: configuration)
        var builder = RuleBookBuilder(files: lists)
        let listeners = files.listenerPlans(
            configuration.listeners, speaking: [.http2, .http1], ticketKeys: surroundings.ticketKeys)
        let clusters = configuration.clusters.map { clusterPlan($0) }
        let schemas = configuration.clusters.map { transcoding($0) }
        let authentication = configuration.authentication.map { authenticationPlan($0) }
        let store = storePlan(configuration.rateLimits)
        checkStreams(schemas)
        files.add(SchemaNames.issues(of: configuration, schemas.map { $0?.schema }, files.places))
        let documents = OpenAPIDocuments(configuration)
        var routes = documents.routes(&builder, surroundings.metrics)
        let pageCount = routes.count
        routes += configuration.routes.enumerated().map { index, route in
            self.route(route, at: pageCount + index, schemas, documents, lists, &builder)
        }
        for finding in SchemaConflicts(routes.map(\.described), clusters: clusters.map(\.name)).findings {
            files.report(finding.text, at: .route(finding.route), severity: .warning)
        }
        let table = table(routes[..<pageCount].map(\.match), lists) { $0 }
        let matchesHeaders = configuration.routes.contains { !$0.match.headers.isEmpty }
        let answersPreflights = configuration.routes.contains { $0.cors != nil }
        let preflights =
            matchesHeaders && answersPreflights ? self.table(routes[..<pageCount].map(\.match), lists, \.announced) : nil
        let plans = configuration.plans.map { plan in
            PlanLimits(name: plan.name, limits: limits(plan.limits, place: "plans.\(plan.name)", &builder))
        }
        let issues = files.issues
        guard !issues.hasErrors else { return (nil, issues) }
        let snapshot = Snapshot(
            generation: generation, table: table, preflights: preflights, listeners: configuration.listeners.map(\.name),
            routes: routes,
            rules: builder.book(generation: generation),
            clusters: clusters, trustedProxies: CIDRSet(configuration.trustedProxies), authentication: authentication,
            plans: plans, store: store,
            overload: configuration.overload,
            memory: MemoryLimits(configuration.memory, workers: configuration.workers ?? Processors.available),
            title: configuration.openAPI?.title ?? "", addressPrefix: configuration.addressPrefix,
            limitHeaders: configuration.rateLimits.headers)
        return (Product(snapshot: snapshot, listeners: listeners), issues)
    }

    /// - Parameter view: what of the matches counts.
    private func table(_ pages: [RouteMatch], _ lists: [String: ValueList], _ view: (RouteMatch) -> RouteMatch) -> RouteTable {
        RouteTable(
            pages.map { .init($0) } + configuration.routes.map { .init(view($0.match), methods: $0.methods.map(\.name)) },
            listeners: configuration.listeners.map(\.name), files: lists, seed: RandomBytes.uint64())
    }

    /// What is wrong with the files that a configuration names, though it has mistakes itself and nothing can be built of it.
    package mutating func fileIssues() -> [Issue] {
        _ = files.listenerPlans(
            configuration.listeners, speaking: [.http2, .http1], ticketKeys: surroundings.ticketKeys)
        var schemas: [Schema?] = []
        for cluster in configuration.clusters {
            _ = clusterPlan(cluster)
            schemas.append(transcoding(cluster)?.schema)
        }
        files.add(SchemaNames.issues(of: configuration, schemas, files.places))
        for (index, issuer) in (configuration.authentication?.issuers ?? []).enumerated() {
            _ = files.keys(of: issuer, at: .issuer(index))
        }
        _ = files.valueLists(of: configuration)
        _ = files.timeZones(of: configuration)
        _ = storePlan(configuration.rateLimits)
        return files.issues
    }

    // MARK: Routes

    private func route(
        _ route: RouteConfiguration, at index: Int, _ schemas: [TranscodingPlan?], _ documents: OpenAPIDocuments,
        _ lists: [String: ValueList], _ builder: inout RuleBookBuilder
    ) -> Route {
        let credentials = CredentialPlan(route.credentials, configuration.authentication)
        let target = configuration.clusters.firstIndex { $0.name == route.cluster }
        let leadsToHTTP1 = target.map { configuration.clusters[$0].speaks == .http1 } ?? false
        let traffic = TrafficPlan(route.traffic) { name in configuration.clusters.firstIndex { $0.name == name } ?? 0 }
        let hasSchema = !leadsToHTTP1 && target.map { configuration.clusters[$0].schema != nil } ?? false
        var needsGRPC = hasSchema
        if route.match.isOfServices, !leadsToHTTP1 { needsGRPC = true }
        let answer: Route.DirectAnswer? =
            switch route.action {
            case .cluster: nil
            case .redirect(let redirect): .redirect(redirect)
            case .respond(let respond): .respond(respond)
            case .serve(.usage): .usage
            }
        let fallback: Route.Fallback? =
            switch route.fallback {
            case nil: nil
            case .cluster(let name): configuration.clusters.firstIndex { $0.name == name }.map { .cluster($0) }
            case .respond(let respond): .respond(respond)
            }
        let rewrite = route.rewrite == RewriteConfiguration() ? nil : route.rewrite
        let gzip = route.gzip ?? configuration.gzip
        let compresses = if case .on = gzip { true } else { false }
        let base = limits(route.limits, place: "routes.\(route.name)", &builder)
        var settings = CallPolicy.Settings(access: builder.policy(route: route.access))
        settings.timeout = route.timeout
        settings.maxStreamDuration = route.attempts.maxStreamDuration
        settings.attempts = route.attempts.policy()
        settings.limits = base
        settings.cost = route.cost
        settings.exposesRules = route.expose
        settings.credentials = credentials
        settings.needsGRPC = needsGRPC
        settings.refusesGRPC = leadsToHTTP1
        settings.allowedProtocols = route.protocols
        settings.terms = documents.terms(of: route)
        settings.answersItself = answer != nil
        settings.tellsUsage = route.action == .serve(.usage)
        settings.shapes = traffic != nil
        settings.streamLimits = StreamLimits(route)
        settings.hasCORS = route.cors != nil
        settings.compresses = compresses
        settings.rewrite = rewrite
        settings.query = route.requestQuery
        settings.requestHeaders = route.requestHeaders
        settings.responseHeaders = route.responseHeaders
        let policies =
            [CallPolicy(settings)]
            + route.methods.map { method in
                var own = settings
                own.timeout = method.timeout ?? route.timeout
                own.maxStreamDuration = method.attempts.maxStreamDuration ?? route.attempts.maxStreamDuration
                own.attempts = route.attempts.policy(for: method.attempts)
                own.access = builder.policy(route: route.access, method: method.access)
                own.limits += limits(method.limits, place: "routes.\(route.name).\(method.name)", &builder)
                own.cost = method.cost ?? route.cost
                own.terms = documents.terms(of: route, method)
                own.requestHeaders = route.requestHeaders.followed(by: method.requestHeaders)
                own.responseHeaders = route.responseHeaders.followed(by: method.responseHeaders)
                return CallPolicy(own)
            }
        let calls = surroundings.metrics.calls.group(route.name)
        for service in route.match.services {
            for method in route.methods { surroundings.metrics.calls.reserve(calls, method: "\(service)/\(method.name)") }
        }
        return Route(
            index: index, name: route.name, match: route.match, cluster: target ?? 0, policies: policies, calls: calls,
            priority: route.priority, leadsToHTTP1: leadsToHTTP1, cors: route.cors.map { CORSPolicy($0, files: lists) },
            errorResponses: route.errorResponses, gzip: gzip,
            json: route.json, transcoding: target.flatMap { schemas[$0] }, hasSchema: hasSchema,
            traffic: traffic, answer: answer, fallback: fallback, methods: route.methods.map(\.name))
    }

    private func limits(
        _ configurations: [LimitConfiguration], place: String, _ builder: inout RuleBookBuilder
    ) -> [AppliedLimit.Entry] {
        configurations.enumerated().flatMap { index, configuration in
            let rule = configuration.rule
            let name = rule.name ?? "\(index)"
            let when = configuration.when.map { builder.policy(route: AccessRules(allow: NamedRule(name: "when", $0))) }
            let warnPercent = configuration.warnPercent ?? self.configuration.rateLimits.warnPercent
            let series =
                configuration.effect == .exempt ? nil : surroundings.metrics.limitSeries(name, warns: warnPercent > 0)
            func entry(_ limit: Limit?, _ descriptor: [LimitConfiguration.DescriptorEntry]? = nil) -> AppliedLimit.Entry {
                AppliedLimit.Entry(configuration, limit: limit, when: when, descriptor: descriptor, series: series)
            }
            switch configuration.effect {
            case .count:
                let zone = rule.timeZone.flatMap { zones[$0] }
                let limit = Limit(
                    rule, name: name, place: place, zone: zone, counters: surroundings.counters, warnPercent: warnPercent,
                    logsKey: configuration.logsKey, series: series)
                return [entry(limit)]
            case .refuse, .exempt: return [entry(nil)]
            case .serviceDescriptors(let descriptors):
                return descriptors.map { descriptor in
                    var rule = rule
                    rule.keys = descriptor.map { .constant($0.key) }
                    let limit = Limit(
                        rule, name: name, place: place, descriptor: descriptor.map(\.key), counters: surroundings.counters,
                        warnPercent: warnPercent, series: series)
                    return entry(limit, descriptor)
                }
            }
        }
    }

    private mutating func storePlan(_ store: StoreConfiguration) -> StorePlan {
        let location: StorePlan.Location
        let path = ConfigurationPath("rate_limits")
        switch store.store {
        case .memory: location = .memory
        case .redis(let redis):
            location = .redis(redis, tls: files.storeTLS(redis))
        case .service(let address, let tls):
            location = .service(
                EndpointAddress(address), authority: address.authority ?? "localhost",
                tls: tls.flatMap { files.upstreamTLS($0, protocols: [.http2], at: path["tls"], of: path["store"]) })
        }
        return StorePlan(
            location: location, domain: store.domain, timeout: store.timeout, whenUnavailable: store.whenUnavailable,
            lease: store.lease, heartbeatTimeout: store.heartbeatTimeout)
    }

    // MARK: Authentication

    private mutating func authenticationPlan(_ authentication: AuthenticationConfiguration) -> AuthenticationPlan {
        var issuers: [AuthenticationPlan.Issuer] = []
        for (index, issuer) in authentication.issuers.enumerated() {
            let (keys, source) = files.keys(of: issuer, at: .issuer(index))
            issuers.append(
                AuthenticationPlan.Issuer(
                    policy: IssuerPolicy(
                        issuer: issuer.issuer, audiences: issuer.audiences, audienceClaim: issuer.audienceClaim,
                        leewaySeconds: issuer.leeway.nanoseconds / 1_000_000_000),
                    keys: keys, source: source, forwardsToken: issuer.forwardToken,
                    forwardedClaims: issuer.forwardClaims.map { claim in
                        (Array(claim.header.utf8), claim.path)
                    }))
        }
        let failures = authentication.failedLogins.map { rate in
            Limit(
                LimitRule(
                    name: "failed_logins", count: UInt64(rate.perSecond), window: LimitWindow(unit: .second),
                    burst: UInt64(rate.burst), keys: [.address]),
                name: "failed_logins", place: "authentication", counters: surroundings.counters)
        }
        return AuthenticationPlan(
            issuers: issuers, tenant: authentication.tenant,
            plan: authentication.plan,
            defaultPlan: authentication.defaultPlan.flatMap { name in
                configuration.plans.firstIndex { $0.name == name }
            },
            failedLogins: failures, tokenCacheEntries: authentication.tokenCache)
    }
}
