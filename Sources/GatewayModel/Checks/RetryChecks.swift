internal import Balancing
internal import Config
internal import Routing

/// Holds what is said of a call's attempts against the call's own time, and against what its clusters have for them.
struct RetryChecks {
    private let clusters: [ClusterConfiguration]
    private let reader: Reader

    init(_ clusters: [ClusterConfiguration], _ section: Section) {
        self.clusters = clusters
        reader = section.reader
    }

    func check(_ route: RouteConfiguration) {
        check(route.attempts.retry, timeout: route.timeout)
        checkRepetition(route)
        checkBudgets(route)
        for method in route.methods {
            let timeout = method.timeout ?? route.timeout
            check(method.attempts.retry, timeout: timeout)
            guard let hedging = method.attempts.hedging, let timeout, hedging.value.delay >= timeout else { continue }
            reader.report(
                "found a delay of \(DurationText.text(hedging.value.delay)), expected less than the call's timeout, "
                    + "\(DurationText.text(timeout)): no hedge would begin",
                at: hedging.place)
        }
    }

    /// A status, a reset or a timeout may come from an upstream that has carried the call out: UNAVAILABLE stands for a lost
    /// connection, too. Only what was never looked at is safe to send again, whatever the method.
    private func checkRepetition(_ route: RouteConfiguration) {
        func warn(_ retry: Located<RetryPolicy?>?, _ what: String, _ remedy: String) {
            guard let retry, let policy = retry.value, !policy.conditions.areSafeForAnyMethod else { return }
            reader.report(
                "found a retry that may run \(what) twice (an attempt may fail after the method has run), expected "
                    + "\(remedy), or on: [connect_failure, refused_stream]",
                at: retry.place, severity: .warning)
        }
        if route.attempts.retry?.value != nil {
            warn(
                route.attempts.retry, "every method of the route",
                Self.isOfService(route)
                    ? "retry under methods, for those with idempotent: true"
                    : "routes by service with methods that have idempotent: true")
        }
        for method in route.methods where !method.attempts.isIdempotent {
            warn(method.attempts.retry, "the method", "idempotent: true beside it")
        }
    }

    private static func isOfService(_ route: RouteConfiguration) -> Bool {
        if case .service = route.match.target { true } else { false }
    }

    private func checkBudgets(_ route: RouteConfiguration) {
        let targets = clusters.filter { cluster in route.clusters.contains { $0.value == cluster.name.value } }
        let nothing = RetryBudget(percent: 0, countMin: 0)
        for attempts in [route.attempts] + route.methods.map(\.attempts) {
            if let retry = attempts.retry, retry.value != nil, let cluster = targets.first(where: { $0.retryBudget == nothing }) {
                report("retry", "retry_budget", of: cluster, at: retry.place)
            }
            if let hedging = attempts.hedging, let cluster = targets.first(where: { $0.hedgeBudget == nothing }) {
                report("hedging", "hedge_budget", of: cluster, at: hedging.place)
            }
        }
    }

    private func report(_ policy: String, _ budget: String, of cluster: ClusterConfiguration, at place: Place) {
        reader.report(
            "found \(policy) before cluster \(Quoted.text(cluster.name.value)), whose \(budget) allows none", at: place,
            severity: .warning)
    }

    private func check(_ retry: Located<RetryPolicy?>?, timeout: Duration?) {
        guard let retry, let tryTimeout = retry.value?.perTryTimeout, let timeout, tryTimeout >= timeout else { return }
        reader.report(
            "found a per_try_timeout of \(DurationText.text(tryTimeout)), expected less than the call's timeout, "
                + "\(DurationText.text(timeout)): it would never end a try",
            at: retry.place)
    }
}
