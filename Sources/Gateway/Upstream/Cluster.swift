package import Sockets
package import Transport

/// A named set of endpoints, on one worker.
package final class Cluster {
    package let name: String
    package let settings: PoolSettings
    private(set) var endpoints: [Endpoint]
    private var balancer: LoadBalancer

    init(
        name: String, addresses: [SocketAddress], policy: LoadBalancer.Policy, settings: PoolSettings, seed: UInt64,
        context: WorkerContext, client: any EndpointClient
    ) {
        self.name = name
        self.settings = settings
        balancer = LoadBalancer(policy, seed: seed)
        endpoints = addresses.map {
            Endpoint(address: $0, settings: settings, context: context, client: client)
        }
    }

    /// The endpoint for the next request, another than `avoided` where there is one; `nil` where the cluster is empty.
    func pick(avoiding avoided: Endpoint? = nil) -> Endpoint? {
        let avoid = avoided.flatMap { avoided in endpoints.firstIndex { $0 === avoided } }
        let index = balancer.pick(
            count: endpoints.count, avoid: avoid, isUsable: { endpoints[$0].isUsable },
            load: { endpoints[$0].activeCount })
        return index.map { endpoints[$0] }
    }

    func retire() {
        for endpoint in endpoints { endpoint.retire() }
    }
}
