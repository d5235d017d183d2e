internal import Balancing
internal import Random
internal import Reactor
internal import TLS
package import Transport

/// Health-checks the endpoints of all clusters for all workers, and compares them for outlier detection.
///
/// On one loop of the process, which is not a worker's. Workers read what it finds in the records.
package final class HealthMonitor: @unchecked Sendable {
    /// The health of a cluster's endpoints has changed: its workers refresh.
    package var changed: ((_ cluster: String) -> Void)?
    private unowned(unsafe) let context: WorkerContext
    private let mailbox: Mailbox
    private var random: RandomGenerator
    private var names = ResolvedNames()
    private var clusters: [Watched] = []

    private final class Watched {
        var plan: ClusterPlan
        var probes: [String: (probe: HealthProbe, record: EndpointRecord)] = [:]
        var sweep: RepeatingTimer?

        init(_ plan: ClusterPlan) { self.plan = plan }
    }

    package init(context: WorkerContext, seed: UInt64) {
        self.context = context
        mailbox = context.loop.mailbox
        random = RandomGenerator(seed: seed)
    }

    /// Watches these clusters from now on; what is known of endpoints that are still among them stays.
    package func keep(_ plans: [ClusterPlan], names: ResolvedNames) {
        self.names = names
        var former = clusters
        clusters = plans.map { plan in
            // Another kind of check, or other settings: started anew.
            if let index = former.firstIndex(where: {
                $0.plan.canBecome(plan) && $0.plan.healthCheck == plan.healthCheck
            }) {
                let cluster = former.remove(at: index)
                cluster.plan = plan
                return cluster
            }
            return begin(plan)
        }
        for cluster in clusters { probe(cluster) }
        for cluster in former { end(cluster, isGone: !clusters.contains { $0.plan.record == cluster.plan.record }) }
    }

    /// Host names have resolved to other addresses.
    package func resolve(_ names: ResolvedNames) {
        self.names = names
        for cluster in clusters { probe(cluster) }
    }

    /// Ends every check.
    package func stop() { keep([], names: ResolvedNames()) }

    private func begin(_ plan: ClusterPlan) -> Watched {
        let cluster = Watched(plan)
        let name = plan.name
        plan.record.onChange { [weak self, mailbox] in
            mailbox.post { [weak self] _ in self?.changed?(name) }
        }
        if let outliers = plan.record.settings.outliers {
            cluster.sweep = RepeatingTimer(every: outliers.interval, on: context.loop) { [unowned self, unowned cluster] in
                if cluster.plan.record.sweep(now: context.loop.now) { changed?(name) }
            }
        }
        return cluster
    }

    private func probe(_ cluster: Watched) {
        guard let check = cluster.plan.healthCheck else { return }
        let (plan, name) = (cluster.plan, cluster.plan.name)
        var former = cluster.probes
        cluster.probes = [:]
        for place in plan.places(names) {
            if let known = former.removeValue(forKey: place.identity) {
                cluster.probes[place.identity] = known
                continue
            }
            let record = plan.record.retain(place.identity)
            let tls = plan.tls.flatMap { tls in place.serverName.map { (tls.context, $0) } }
            let probe = HealthProbe(
                place, tls: tls, speaking: plan.pool.applicationProtocol, plan: check, record: record, context: context,
                seed: random.next()
            ) { [unowned self] in changed?(name) }
            cluster.probes[place.identity] = (probe, record)
            probe.start()
        }
        for (probe, record) in former.values {
            probe.stop()
            plan.record.release(record)
        }
    }

    private func end(_ cluster: Watched, isGone: Bool) {
        cluster.sweep = nil
        if isGone { cluster.plan.record.onChange(nil) }
        for (probe, record) in cluster.probes.values {
            probe.stop()
            cluster.plan.record.release(record)
        }
        cluster.probes = [:]
    }
}
