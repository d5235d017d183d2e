package import Balancing
package import DNS
package import GatewayModel
package import Net
package import Schemas
internal import TLS
package import Transport

/// What a worker makes a cluster from. Two that are equal share one across snapshots, with its connections.
package struct ClusterPlan: Sendable, Equatable {
    package var name: String
    package var endpoints: [EndpointPlan]
    package var balancing: BalancingSettings
    /// `nil` where no call has a hash, or none is asked for.
    package var hash: HashPolicy?
    package var pool: PoolSettings
    package var tls: UpstreamTLS?
    package var healthCheck: HealthCheckConfiguration?
    /// `nil` where nothing is known of its messages.
    package var schema: SchemaPlan?
    /// Equal only to itself.
    package var record: ClusterRecord

    package init(
        name: String, endpoints: [EndpointPlan], balancing: BalancingSettings, hash: HashPolicy? = nil, pool: PoolSettings,
        tls: UpstreamTLS?, healthCheck: HealthCheckConfiguration? = nil, schema: SchemaPlan? = nil, record: ClusterRecord
    ) {
        self.name = name
        self.endpoints = endpoints
        self.balancing = balancing
        self.hash = hash
        self.pool = pool
        self.tls = tls
        self.healthCheck = healthCheck
        self.schema = schema
        self.record = record
    }

    /// Whether a cluster may turn into `other` and keep its connections.
    func canBecome(_ other: ClusterPlan) -> Bool {
        name == other.name && pool == other.pool && tls == other.tls && record == other.record
    }

    /// Its addresses, with what names stand for, each once.
    ///
    /// - Parameter chosen: the address of each name that stands for one at a time; the first where there is none.
    func places(_ names: ResolvedNames, chosen: [EndpointAddress: SocketAddress] = [:]) -> [EndpointPlace] {
        var places: [EndpointPlace] = []
        var seen: Set<String> = []
        func add(_ address: SocketAddress, _ name: String, _ plan: EndpointPlan) {
            let place = place(address, name, plan)
            if seen.insert(place.identity).inserted { places.append(place) }
        }
        for endpoint in endpoints {
            switch (endpoint.address, endpoint.use) {
            case (.address(let address), _): add(address, address.host, endpoint)
            case (.name(let name, let port), .strict):
                for address in names.addresses[name] ?? [] { add(address.with(port: port), name, endpoint) }
            case (.name(let name, let port), .logical):
                guard let address = chosen[endpoint.address] ?? names.addresses[name]?.first else { continue }
                add(address.with(port: port), name, endpoint)
            case (.name(let name, _), .service):
                let targets = names.services[name] ?? []
                let priorities = Set(targets.map(\.priority)).sorted()
                for target in targets {
                    var plan = endpoint
                    // Of those with zero next to none is chosen, and all alike where there are only such (RFC 2782).
                    plan.weight = UInt32(max(1, target.weight))
                    plan.priority += priorities.firstIndex(of: target.priority) ?? 0
                    for address in names.addresses[ResolvedNames.key(of: target)] ?? [] {
                        add(address.with(port: target.port), target.host.description, plan)
                    }
                }
            }
        }
        return places
    }

    func place(_ address: SocketAddress, _ name: String, _ plan: EndpointPlan) -> EndpointPlace {
        EndpointPlace(address: address, serverName: tls.flatMap { $0.serverName ?? ServerName(name) }, plan: plan)
    }

    /// Whether it names a host that has not been resolved yet.
    func awaits(_ names: ResolvedNames) -> Bool {
        endpoints.contains { endpoint in
            guard case .name(let name, _) = endpoint.address else { return false }
            return endpoint.use == .service ? names.services[name] == nil : names.addresses[name] == nil
        }
    }
}
