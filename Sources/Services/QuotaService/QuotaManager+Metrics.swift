package import Metrics
internal import Quotas
internal import Reactor
internal import Time

extension QuotaManager {
    package var families: [MetricFamily] {
        let acts = keeper.list.holding(at: loop.wall.seconds)
        let kinds: [TenantAct.Kind] = [.block, .override, .grant]
        var families = [
            MetricFamily(
                name: "martlet_quota_acts", help: "What operators have done about tenants and holds, by kind.", kind: .gauge,
                series: kinds.map { kind in
                    MetricSeries(labels: [Label("kind", kind.rawValue)], value: .level(Int64(acts.count { $0.kind == kind })))
                }),
            MetricFamily(
                name: "martlet_quota_changes_total", help: "Changes made here.", kind: .counter,
                series: [MetricSeries(value: .count(changeCount))]),
        ]
        if keeper.isShared {
            // Before the first answer it is as old as can be told.
            let age = keeper.age.map { $0.components.seconds } ?? Int64(UInt32.max)
            families.append(
                MetricFamily(
                    name: "martlet_quota_list_age_seconds", help: "Since the list of acts was last read in the store.",
                    kind: .gauge,
                    series: [MetricSeries(value: .level(age))]))
        }
        return families
    }
}
