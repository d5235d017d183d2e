package import Gateway
internal import GatewayModel
internal import Snapshots
internal import Upstreams

/// What the calls of one route, or of one of its methods, go through, in order.
package struct Pipeline: Equatable {
    package let route: String
    /// `nil` for the route's own.
    package let method: String?
    package let filters: [String]
    /// What happens at the end.
    package let end: String

    static func all(of snapshot: Snapshot) -> [Pipeline] {
        snapshot.routes.flatMap { route in
            route.policies.enumerated().map { index, policy in
                Pipeline(
                    route: route.name, method: index == 0 ? nil : route.methods[index - 1],
                    filters: policy.filters.filters.map { filter in
                        guard filter == .cors, let cors = route.cors else { return filter.name }
                        return "\(filter.name) (\(cors.explanation))"
                    },
                    end: end(of: route, snapshot))
            }
        }
    }

    private static func end(of route: Route, _ snapshot: Snapshot) -> String {
        guard route.leadsToCluster else { return "" }
        let cluster = "cluster \(snapshot.clusters[route.cluster].name)"
        switch route.fallback {
        case nil: return cluster
        case .cluster(let index): return "\(cluster), else cluster \(snapshot.clusters[index].name)"
        case .respond(let respond): return "\(cluster), else status \(respond.status)"
        }
    }

    /// One line: `orders / CreateOrder: protocols, admission, …, cluster orders`.
    package var text: String {
        let name = method.map { "\(route) / \($0)" } ?? route
        return "\(name): \((filters + (end.isEmpty ? [] : [end])).joined(separator: ", "))"
    }
}
