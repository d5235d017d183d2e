internal import Balancing
internal import Config
internal import GatewayModel
internal import Routing

/// Holds what is said of a call's attempts against the call's own time, and against what its clusters have for them.
struct RetryChecks {
    private let clusters: [ClusterConfiguration]
    private let findings: Findings

    init(_ clusters: [ClusterConfiguration], _ findings: Findings) {
        self.clusters = clusters
        self.findings = findings
    }

    func check(_ route: RouteConfiguration, at path: ConfigurationPath) {
        check(route.attempts.retry, at: path, timeout: route.timeout)
        checkRepetition(route, at: path)
        checkBudgets(route, at: path)
        for method in route.methods {
            let timeout = method.timeout ?? route.timeout
            check(method.attempts.retry, at: path.method(method.name), timeout: timeout)
            guard let hedging = method.attempts.hedging, let timeout, hedging.delay >= timeout else { continue }
            findings.report(
                "found a delay of \(DurationText.text(hedging.delay)), expected less than the call's timeout, "
                    + "\(DurationText.text(timeout)): no hedge would begin",
                at: path.method(method.name)["hedging"])
        }
    }

    /// A status, a reset or a timeout may come from an upstream that has executed the call: UNAVAILABLE stands for a lost connection, too.
    ///
    /// Where nothing says that repeating is harmless, a policy does less than it seems to; where everything is repeated, more.
    private func checkRepetition(_ route: RouteConfiguration, at path: ConfigurationPath) {
        warnOfRepeating(route.attempts.retry, at: path)
        if takesRPCs(route), !hasSchema(route), route.attempts.isIdempotent != true {
            warnOfDoingLess(route.attempts.retry, at: path, "methods")
        }
        for method in route.methods {
            warnOfRepeating(method.attempts.retry, at: path.method(method.name))
            if !hasSchema(route), (method.attempts.isIdempotent ?? route.attempts.isIdempotent) != true {
                warnOfDoingLess(method.attempts.retry, at: path.method(method.name), "a method")
            }
        }
    }

    private func warnOfRepeating(_ retry: RetrySetting?, at path: ConfigurationPath) {
        guard let policy = retry?.policy, policy.repeatsAnything, !policy.conditions.areSafeForAnyMethod else { return }
        findings.report(
            "found non_idempotent: true: a call that failed after the upstream has executed it is executed again, POST and other writes too",
            at: path["retry"], severity: .warning)
    }

    private func warnOfDoingLess(_ retry: RetrySetting?, at path: ConfigurationPath, _ what: String) {
        guard let policy = retry?.policy, !policy.repeatsAnything, !policy.conditions.areSafeForAnyMethod else { return }
        findings.report(
            "found a retry of \(what) not known to be idempotent: only calls that no upstream has executed are retried. Expected "
                + "idempotent: true, a schema with idempotency_level, or on: [connect_failure, refused_stream]",
            at: path["retry"], severity: .warning)
    }

    /// Its methods' idempotency_level is known once the schema is.
    private func hasSchema(_ route: RouteConfiguration) -> Bool {
        clusters.contains { route.clusters.contains($0.name) && $0.schema != nil }
    }

    /// A path says nothing of what calls it: plain HTTP, which is all that HTTP/1.1 backends get, goes by its method.
    private func takesRPCs(_ route: RouteConfiguration) -> Bool {
        if clusters.allSatisfy({ !route.clusters.contains($0.name) || $0.speaks == .http1 }) { return false }
        return route.match.isOfServices || route.match.targets.contains { if case .any = $0 { true } else { false } }
    }

    private func checkBudgets(_ route: RouteConfiguration, at path: ConfigurationPath) {
        let targets = clusters.filter { route.clusters.contains($0.name) }
        let nothing = RetryBudget(percent: 0, countMin: 0)
        for (attempts, path) in [(route.attempts, path)] + route.methods.map({ ($0.attempts, path.method($0.name)) }) {
            if attempts.retry?.policy != nil, let cluster = targets.first(where: { $0.retryBudget == nothing }) {
                report("retry", "retry_budget", of: cluster, at: path)
            }
            if attempts.hedging != nil, let cluster = targets.first(where: { $0.hedgeBudget == nothing }) {
                report("hedging", "hedge_budget", of: cluster, at: path)
            }
        }
    }

    private func report(_ policy: String, _ budget: String, of cluster: ClusterConfiguration, at path: ConfigurationPath) {
        findings.report(
            "found \(policy) before cluster \(Quoted.text(cluster.name)), whose \(budget) allows none", at: path[policy],
            severity: .warning)
    }

    private func check(_ retry: RetrySetting?, at path: ConfigurationPath, timeout: Duration?) {
        guard let tryTimeout = retry?.policy?.perTryTimeout, let timeout, tryTimeout >= timeout else { return }
        findings.report(
            "found a per_try_timeout of \(DurationText.text(tryTimeout)), expected less than the call's timeout, "
                + "\(DurationText.text(timeout)): it would never end a try",
            at: path["retry"])
    }
}
