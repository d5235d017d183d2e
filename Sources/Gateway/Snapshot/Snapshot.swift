package import Sockets

/// One configuration, checked and made ready: immutable, shared by all workers.
package final class Snapshot: Sendable {
    package let table: RouteTable
    package let routes: [Route]
    package let clusters: [ClusterPlan]
    package let trustedProxies: CIDRSet

    package init(table: RouteTable, routes: [Route], clusters: [ClusterPlan], trustedProxies: CIDRSet) {
        self.table = table
        self.routes = routes
        self.clusters = clusters
        self.trustedProxies = trustedProxies
    }
}

/// What a worker makes a cluster from. Two that are equal share one across snapshots, with its connections.
package struct ClusterPlan: Sendable, Equatable {
    package var name: String
    package var endpoints: [SocketAddress]
    package var policy: LoadBalancer.Policy
    package var pool: PoolSettings

    package init(name: String, endpoints: [SocketAddress], policy: LoadBalancer.Policy, pool: PoolSettings) {
        self.name = name
        self.endpoints = endpoints
        self.policy = policy
        self.pool = pool
    }
}
