internal import AccessControl
internal import Config
internal import GatewayModel
internal import LimitRules
internal import RateLimit

/// Holds limits against what will be known of a caller when they are counted, and what the store can count.
///
/// A limit whose key is missing would be no limit, or one for all callers: either is reported here.
struct LimitChecks {
    private let hasTenant: Bool
    private let storeIsService: Bool
    private let access: AccessChecks
    private let knowledge: CallKnowledge
    private let findings: Findings
    private let plans: [PlanConfiguration]

    init(_ configuration: GatewayConfiguration, _ findings: Findings) {
        // Where callers are not authenticated, or the section could not be read, that is the mistake to mend first.
        let authentication = WrittenAuthentication(configuration, findings.places)
        hasTenant = !authentication.isThere || authentication.hasTenant
        if case .service = configuration.rateLimits.store { storeIsService = true } else { storeIsService = false }
        access = AccessChecks(configuration, findings)
        knowledge = CallKnowledge(configuration, findings.places)
        self.findings = findings
        plans = configuration.plans
    }

    /// That plans need a tenant and a claim is said where plans are configured.
    func check(_ plan: PlanConfiguration) {
        for (index, limit) in plan.limits.enumerated() {
            let path = ConfigurationPath.plan(plan.name)["limits"][index]
            if limit.rule.isBeforeAuthentication {
                findings.report("found before: authentication, expected none: only a token names a plan", at: path)
            }
            checkStore(limit, at: path)
            checkCondition(limit, at: path)
            if let when = limit.when { access.check(when, at: path["when"]) }
        }
        checkExemptions(plan.limits, at: .plan(plan.name))
    }

    func check(_ route: RouteConfiguration, at path: ConfigurationPath) {
        let routeAdmits = route.access.admitsUnauthenticated ?? false
        for (index, limit) in route.limits.enumerated() {
            let limitPath = path["limits"][index]
            check(limit, at: limitPath, admitsUnauthenticated: routeAdmits)
            check(limit, of: route, at: limitPath)
            guard !routeAdmits, limit.rule.isFromToken else { continue }
            for method in route.methods where method.access.admitsUnauthenticated == true {
                findings.report(
                    "admits callers without a token, but the route's limit \(Quoted.text(text(limit, at: limitPath))) "
                        + "counts what only a token says",
                    at: path.method(method.name)["allow"])
            }
        }
        for method in route.methods {
            let methodAdmits = method.access.admitsUnauthenticated ?? routeAdmits
            for (index, limit) in method.limits.enumerated() {
                let limitPath = path.method(method.name)["limits"][index]
                check(limit, at: limitPath, admitsUnauthenticated: methodAdmits)
                check(limit, of: route, at: limitPath)
            }
            checkExemptions(method.limits, at: path.method(method.name))
        }
        checkExemptions(route.limits, followedBy: route.methods.flatMap(\.limits), at: path)
        checkCost(route, at: path)
    }

    /// That there is a limit which a route's or a method's cost is charged to, and that none of them is too small for it.
    private func checkCost(_ route: RouteConfiguration, at path: ConfigurationPath) {
        func check(_ cost: UInt64, _ limits: [LimitConfiguration], at path: ConfigurationPath) {
            guard findings.places.isWritten(path["cost"]) else { return }
            let charged = (limits + plans.flatMap(\.limits)).filter { $0.ownCost == nil && $0.limitsCalls }
            if charged.isEmpty {
                findings.report(
                    "found \(cost), expected a limit or a plan that it is charged to, without a cost of its own", at: path["cost"],
                    severity: .warning)
            }
            guard let small = charged.first(where: { $0.capacity.map { $0 < cost } ?? false }) else { return }
            findings.report(
                "found \(cost), more than \(Quoted.text(small.rule.name ?? small.text)) ever admits: it refuses all of these calls",
                at: path["cost"], severity: .warning)
        }
        check(route.cost, route.limits + route.methods.flatMap(\.limits), at: path)
        for method in route.methods {
            check(method.cost ?? route.cost, route.limits + method.limits, at: path.method(method.name))
        }
    }

    /// That its condition and its descriptors can be known on the route.
    private func check(_ limit: LimitConfiguration, of route: RouteConfiguration, at path: ConfigurationPath) {
        if let when = limit.when { access.check(when, isUnread: route.credentials == .off, at: path["when"]) }
        if case .response = limit.cost, route.action != .cluster {
            findings.report(
                "found a cost that answers say on a route without a cluster, expected a number: no backend says one",
                at: path["cost"])
        }
        guard case .serviceDescriptors(let descriptors) = limit.effect else { return }
        for (index, descriptor) in descriptors.enumerated() {
            for (place, entry) in descriptor.enumerated() {
                for variable in entry.value.variables {
                    let problem =
                        variable == .cluster && !route.traffic.split.isEmpty
                        ? "found %{cluster} on a route with clusters, expected another variable: limits are judged before one is picked"
                        : knowledge.problem(of: variable, on: route)
                    if let problem { findings.report(problem, at: path["descriptors"][index][place]["value"]) }
                }
            }
        }
    }

    /// That an exemption exempts from something: from a later entry of its list, with the same keys and at the same stage.
    ///
    /// - Parameter following: entries that stand behind the list.
    private func checkExemptions(
        _ limits: [LimitConfiguration], followedBy following: [LimitConfiguration] = [], at path: ConfigurationPath
    ) {
        func isLimited(_ others: some Collection<LimitConfiguration>, like exemption: LimitConfiguration) -> Bool {
            others.contains {
                $0.effect != .exempt && $0.rule.keys == exemption.rule.keys
                    && $0.rule.isBeforeAuthentication == exemption.rule.isBeforeAuthentication
            }
        }
        for (index, limit) in limits.enumerated() where limit.effect == .exempt {
            guard !isLimited(limits[(index + 1)...] + following, like: limit) else { continue }
            let why =
                isLimited(limits[..<index], like: limit)
                ? "expected it before the limit with the same keys"
                : "expected a limit with the same key, and the same before, behind it in this list"
            findings.report("exempts from nothing, \(why)", at: path["limits"][index], severity: .warning)
        }
    }

    private func check(_ limit: LimitConfiguration, at path: ConfigurationPath, admitsUnauthenticated: Bool) {
        checkStore(limit, at: path)
        guard limit.rule.isFromToken else { return checkCondition(limit, at: path) }
        let found = "found \(Quoted.text(text(limit, at: path)))"
        if limit.rule.isBeforeAuthentication {
            findings.report("\(found) before authentication, expected keys that need no token", at: path)
        } else if admitsUnauthenticated, limit.when == nil, limit.whenMissing == nil {
            findings.report("\(found) where callers without a token are allowed, expected keys that every caller has", at: path)
        } else if !hasTenant, limit.rule.keys.contains(.tenant) {
            findings.report("\(found), expected authentication.tenant to say what a tenant is", at: path)
        } else {
            checkCondition(limit, at: path)
        }
    }

    /// Before authentication a condition cannot know a token; and calls without a header or claim that a limit counts by would share a counter in
    /// silence.
    private func checkCondition(_ limit: LimitConfiguration, at path: ConfigurationPath) {
        if limit.rule.isBeforeAuthentication, limit.when?.asksForToken == true {
            findings.report("found a condition on the token before authentication, expected one that needs none", at: path["when"])
        }
        guard !limit.rule.isBeforeAuthentication || !limit.rule.isFromToken, limit.when == nil, limit.whenMissing == nil,
            let key = limit.rule.keys.first(where: \.mayBeMissing)
        else { return }
        findings.report(
            "found the key \(key) without when_missing: calls without it share one counter. Expected when_missing: share, skip or refuse",
            at: path, severity: .warning)
    }

    /// A store is asked about all limits of a call at once, and a request to it has room for so many.
    func checkNumber(_ configuration: GatewayConfiguration) {
        let most = LimitRequest.limitsMax
        func count(_ limits: [LimitConfiguration]) -> Int { limits.reduce(0) { $0 + $1.slotCount } }
        let ofPlans = configuration.plans.map { count($0.limits) }.max() ?? 0
        for (index, route) in configuration.routes.enumerated() {
            let lists =
                [(route.limits, ConfigurationPath.route(index))]
                + route.methods.map { (route.limits + $0.limits, ConfigurationPath.route(index).method($0.name)) }
            for (limits, path) in lists where count(limits) + ofPlans > most {
                findings.report(
                    "found \(count(limits) + ofPlans) limits for one call, those of its plan among them, expected at most \(most)",
                    at: path["limits"])
            }
        }
        guard storeIsService, ofPlans == 0,
            configuration.routes.allSatisfy({ route in
                count(route.limits) == 0 && route.methods.allSatisfy { count($0.limits) == 0 }
            })
        else { return }
        findings.report(
            "found a rate-limit service and no limits: it is never asked. Expected limits, or descriptors for rules of its own",
            at: ConfigurationPath("rate_limits")["store"], severity: .warning)
    }

    /// That what limits are promised can be kept: counters are addressed by so many bits, and a limit that may have more than
    /// its guarantee and the pool never will.
    func checkCounters(_ configuration: GatewayConfiguration) {
        let pool = configuration.rateLimits.counters
        let most = CounterTable.guaranteed + pool
        var promised = configuration.authentication?.failedLogins == nil ? 0 : CounterTable.guaranteed
        var count = 0
        func promise(_ limits: [LimitConfiguration], at path: ConfigurationPath) {
            for (index, limit) in limits.enumerated() {
                if case .serviceDescriptors(let descriptors) = limit.effect {
                    count += descriptors.count
                    promised += descriptors.count * CounterTable.guaranteed
                }
                guard limit.effect == .count else { continue }
                count += 1
                promised += min(limit.rule.counters ?? CounterTable.maximumDefault, CounterTable.guaranteed)
                guard let wanted = limit.rule.counters, wanted > most else { continue }
                findings.report(
                    "found counters: \(wanted), of which it can have \(most): \(CounterTable.guaranteed) and what "
                        + "rate_limits.counters adds",
                    at: path["limits"][index], severity: .warning)
            }
        }
        for (index, route) in configuration.routes.enumerated() {
            promise(route.limits, at: .route(index))
            for method in route.methods { promise(method.limits, at: .route(index).method(method.name)) }
        }
        for plan in configuration.plans { promise(plan.limits, at: .plan(plan.name)) }
        guard promised + pool > CounterCells.cellsMax else { return }
        findings.report(
            "found \(count) limits, to which \(promised) counters are guaranteed, and rate_limits.counters \(pool), "
                + "expected at most \(CounterCells.cellsMax) together",
            at: ConfigurationPath("rate_limits"))
    }

    /// As it is written where it is written in short, so that it can be found.
    private func text(_ limit: LimitConfiguration, at path: ConfigurationPath) -> String {
        findings.places.written(at: path) ?? limit.text
    }

    /// An RLS override is a count and one unit (RateLimitDescriptor.RateLimitOverride).
    private func checkStore(_ limit: LimitConfiguration, at path: ConfigurationPath) {
        if limit.effect == .refuse, limit.when == nil, limit.whenMissing != .skip, !limit.rule.isShadow {
            findings.report(
                "refuses every call, expected when beside it, to say which calls", at: path["count"], severity: .warning)
        }
        if case .serviceDescriptors = limit.effect, !storeIsService {
            findings.report(
                "found descriptors, expected rate_limits.store to be a grpc:// service, which has rules for them", at: path)
        }
        guard storeIsService, limit.effect == .count else { return }
        if case .response = limit.cost {
            findings.report(
                "found a cost that answers say, expected a number: a rate-limit service is asked once, before the call",
                at: path["cost"])
        }
        if limit.stream != nil {
            findings.report(
                "found what streams carry, expected a limit of calls: a rate-limit service is asked once, before the call",
                at: path["of"])
        }
        guard let problem = limit.rule.unknownToServices else { return }
        findings.report(
            "found \(Quoted.text(text(limit, at: path))), expected \(problem): a rate-limit service cannot be asked for it",
            at: path)
    }
}

extension LimitRule {
    /// What an RLS override cannot say of it.
    fileprivate var unknownToServices: String? {
        if effectiveAlgorithm == .concurrency { return "a count in a window" }
        if burst != nil { return "no burst" }
        if let algorithm { return "no algorithm, not \(algorithm.rawValue)" }
        if start != nil { return "no start of its windows" }
        if timeZone != nil { return "no time zone" }
        if window.units != 1 { return "one unit of time, not \(window.units)" }
        if window.unit == .week { return "a day or a month" }
        return count > UInt64(UInt32.max) ? "a count of at most \(UInt32.max)" : nil
    }
}

extension LimitConfiguration {
    /// It is charged what calls cost.
    fileprivate var limitsCalls: Bool {
        switch effect {
        case .count, .serviceDescriptors: stream == nil
        case .refuse, .exempt: false
        }
    }
}

extension LimitKey {
    fileprivate var isFromToken: Bool {
        switch self {
        case .tenant, .claim: true
        case .address, .method, .header, .constant: false
        }
    }

    /// A call need not have it, whoever may make it.
    fileprivate var mayBeMissing: Bool {
        switch self {
        case .header, .claim: true
        case .tenant, .address, .method, .constant: false
        }
    }
}

extension AccessRules {
    /// What `allow` says about callers without a token; `nil` where it says nothing. In shadow it is as if not written.
    fileprivate var admitsUnauthenticated: Bool? {
        guard let allow, allow.mode == .enforce else { return nil }
        return allow.rule.admitsUnauthenticated
    }
}

extension LimitRule {
    fileprivate var isFromToken: Bool { keys.contains(where: \.isFromToken) }
}
