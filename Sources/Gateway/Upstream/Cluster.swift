package import Sockets
internal import TLS
internal import Transport

/// A named set of endpoints, on one worker.
package final class Cluster {
    package let plan: ClusterPlan
    let nameBytes: [UInt8]
    package private(set) var endpoints: [Endpoint] = []
    /// `endpoints`, for choosing one without counting references.
    private var references: [Unmanaged<Endpoint>] = []
    private var balancer: LoadBalancer
    private unowned(unsafe) let context: WorkerContext
    private unowned(unsafe) let client: any EndpointClient

    init(
        _ plan: ClusterPlan, seed: UInt64, resolved: ResolvedNames, context: WorkerContext,
        client: any EndpointClient
    ) {
        self.plan = plan
        nameBytes = Array(plan.name.utf8)
        self.context = context
        self.client = client
        balancer = LoadBalancer(plan.policy, seed: seed)
        resolve(resolved)
    }

    /// Takes what names stand for now: endpoints that are still among them stay, with their connections.
    func resolve(_ names: ResolvedNames) {
        var former = endpoints
        endpoints = []
        for endpoint in plan.endpoints {
            switch endpoint {
            case .address(let address): keep(address, name: address.host, &former)
            case .name(let name, let port):
                for address in names.addresses[name] ?? [] { keep(address.with(port: port), name: name, &former) }
            }
        }
        references = endpoints.map { .passUnretained($0) }
        for endpoint in former { endpoint.retire() }
    }

    private func keep(_ address: SocketAddress, name: String, _ former: inout [Endpoint]) {
        guard !endpoints.contains(where: { $0.address == address }) else { return }
        if let index = former.firstIndex(where: { $0.address == address }) {
            endpoints.append(former.remove(at: index))
            return
        }
        let tls = plan.tls.flatMap { tls in (tls.serverName ?? ServerName(name)).map { (tls.context, $0) } }
        endpoints.append(Endpoint(address: address, tls: tls, settings: plan.pool, context: context, client: client))
    }

    /// The endpoint for the next request, another than `avoided` where there is one; `nil` where the cluster is empty.
    func pick(avoiding avoided: Unmanaged<Endpoint>? = nil) -> Unmanaged<Endpoint>? {
        let avoid = avoided.flatMap { avoided in references.firstIndex { $0.toOpaque() == avoided.toOpaque() } }
        let index = balancer.pick(
            count: references.count, avoid: avoid,
            isUsable: { references[$0]._withUnsafeGuaranteedRef { $0.isUsable } },
            load: { references[$0]._withUnsafeGuaranteedRef { $0.activeCount } })
        return index.map { references[$0] }
    }

    /// Part of no snapshot any more: its connections close with their last request.
    func retire() {
        for endpoint in endpoints { endpoint.retire() }
    }
}

/// What host names stand for, as last looked up.
package struct ResolvedNames: Sendable {
    package var addresses: [String: [SocketAddress]]

    package init(_ addresses: [String: [SocketAddress]] = [:]) { self.addresses = addresses }
}
