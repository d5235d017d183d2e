package import Transport

/// A named set of endpoints, on one worker.
package final class Cluster {
    package let plan: ClusterPlan
    package private(set) var endpoints: [Endpoint]
    private var balancer: LoadBalancer

    init(_ plan: ClusterPlan, seed: UInt64, context: WorkerContext, client: any EndpointClient) {
        self.plan = plan
        balancer = LoadBalancer(plan.policy, seed: seed)
        endpoints = plan.endpoints.map {
            Endpoint(address: $0, settings: plan.pool, context: context, client: client)
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

    /// Part of no snapshot any more: its connections close with their last request.
    func retire() {
        for endpoint in endpoints { endpoint.retire() }
    }
}
