internal import AccessControl
internal import Config
internal import RateLimit

/// Holds limits against what will be known of a caller when they are counted, and what the store can count.
///
/// A limit whose key is missing would be no limit, or one for all callers: either is reported here.
struct LimitChecks {
    private let hasTenant: Bool
    private let storeIsService: Bool
    private let reader: Reader

    init(_ configuration: GatewayConfiguration, _ section: Section) {
        // Where callers are not authenticated, or the section could not be read, that is the mistake to mend first.
        hasTenant = section.node("authentication").map { $0.entries == nil || $0.has("tenant") } ?? true
        if case .service = configuration.rateLimits.store.value { storeIsService = true } else { storeIsService = false }
        reader = section.reader
    }

    /// That plans need a tenant and a claim is said where plans are configured.
    func check(_ plan: PlanConfiguration) {
        for limit in plan.limits {
            if limit.value.isBeforeAuthentication {
                reader.report("found before: authentication, expected none: only a token names a plan", at: limit.place)
            }
            checkStore(limit)
        }
    }

    func check(_ route: RouteConfiguration) {
        let routeAdmits = route.access.admitsStrangers ?? false
        for limit in route.limits {
            check(limit, admitsStrangers: routeAdmits)
            guard !routeAdmits, limit.value.isFromToken else { continue }
            for method in route.methods where method.access.admitsStrangers == true {
                guard let allow = method.access.allow else { continue }
                reader.report(
                    "admits callers without a token, but the route's limit \(Quoted.text(text(limit))) "
                        + "counts what only a token says",
                    at: allow.place)
            }
        }
        for method in route.methods {
            let methodAdmits = method.access.admitsStrangers ?? routeAdmits
            method.limits.forEach { check($0, admitsStrangers: methodAdmits) }
        }
    }

    private func check(_ limit: Located<LimitRule>, admitsStrangers: Bool) {
        checkStore(limit)
        guard limit.value.isFromToken else { return }
        if limit.value.isBeforeAuthentication {
            reader.report(
                "found \(Quoted.text(text(limit))) before authentication, expected keys that need no token", at: limit.place)
        } else if admitsStrangers {
            reader.report(
                "found \(Quoted.text(text(limit))) where callers without a token are allowed, "
                    + "expected keys that every caller has",
                at: limit.place)
        } else if !hasTenant, limit.value.keys.contains(.tenant) {
            reader.report(
                "found \(Quoted.text(text(limit))), expected authentication.tenant to say what a tenant is",
                at: limit.place)
        }
    }

    /// That what limits are promised can be kept: counters are addressed by so many bits, and a limit that may have more than
    /// its guarantee and the pool never will.
    func checkCounters(_ configuration: GatewayConfiguration, _ section: Section) {
        let limits =
            configuration.routes.flatMap { $0.limits + $0.methods.flatMap(\.limits) } + configuration.plans.flatMap(\.limits)
        let pool = configuration.rateLimits.counters
        var promised = configuration.authentication?.failedLogins == nil ? 0 : CounterTable.guaranteed
        for limit in limits {
            promised += min(limit.value.counters ?? CounterTable.maximumDefault, CounterTable.guaranteed)
            let most = CounterTable.guaranteed + pool
            guard let wanted = limit.value.counters, wanted > most else { continue }
            reader.report(
                "found counters: \(wanted), of which it can have \(most): \(CounterTable.guaranteed) and what rate_limits.counters adds",
                at: limit.place, severity: .warning)
        }
        guard promised + pool > CounterCells.cellsMax else { return }
        reader.report(
            "found \(limits.count) limits, to which \(promised) counters are guaranteed, and rate_limits.counters \(pool), "
                + "expected at most \(CounterCells.cellsMax) together",
            at: section.node("rate_limits")?.place ?? section.place)
    }

    /// As it is written where it is written in short, so that it can be found.
    private func text(_ limit: Located<LimitRule>) -> String {
        reader.root?.written(at: limit.place) ?? limit.value.text
    }

    /// An RLS override is a count and one unit (RateLimitDescriptor.RateLimitOverride).
    private func checkStore(_ limit: Located<LimitRule>) {
        guard storeIsService else { return }
        let rule = limit.value
        let problem =
            rule.burst != nil
            ? "no burst"
            : rule.window.units != 1
                ? "one unit of time, not \(rule.window.units)"
                : rule.count > UInt64(UInt32.max) ? "a count of at most \(UInt32.max)" : nil
        guard let problem else { return }
        reader.report(
            "found \(Quoted.text(text(limit))), expected \(problem): a rate-limit service cannot be asked for it",
            at: limit.place)
    }
}

extension LimitKey {
    fileprivate var isFromToken: Bool {
        switch self {
        case .tenant, .claim: true
        case .address, .method, .header, .constant: false
        }
    }
}

extension AccessConfiguration {
    /// What `allow` says about callers without a token; `nil` where it says nothing. In shadow it is as if not written.
    fileprivate var admitsStrangers: Bool? {
        guard let allow = allow?.value, allow.mode == .enforce else { return nil }
        return allow.rule.admitsStrangers
    }
}

extension LimitRule {
    fileprivate var isFromToken: Bool { keys.contains(where: \.isFromToken) }

    /// The shorthand, for messages about the longer form, and for documents.
    package var text: String {
        let span = window.units == 1 ? window.unit.rawValue : "\(window.units)\(window.unit.rawValue)"
        return "\(count)/\(span)" + (burst.map { " burst \($0)" } ?? "")
            + (keys.isEmpty ? "" : " per " + keys.map(\.description).joined(separator: ", "))
    }
}
