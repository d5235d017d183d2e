package import Balancing
package import Sockets
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
    /// Equal only to itself.
    package var record: ClusterRecord

    package init(
        name: String, endpoints: [EndpointPlan], balancing: BalancingSettings, hash: HashPolicy? = nil, pool: PoolSettings,
        tls: UpstreamTLS?, healthCheck: HealthCheckConfiguration? = nil, record: ClusterRecord
    ) {
        self.name = name
        self.endpoints = endpoints
        self.balancing = balancing
        self.hash = hash
        self.pool = pool
        self.tls = tls
        self.healthCheck = healthCheck
        self.record = record
    }

    /// Whether a cluster may turn into `other` and keep its connections.
    func canBecome(_ other: ClusterPlan) -> Bool {
        name == other.name && pool == other.pool && tls == other.tls && record == other.record
    }

    /// Its addresses, with what names stand for, each once.
    func places(_ names: ResolvedNames) -> [EndpointPlace] {
        var places: [EndpointPlace] = []
        var seen: Set<String> = []
        func add(_ address: SocketAddress, _ name: String, _ plan: EndpointPlan) {
            let place = EndpointPlace(
                address: address, serverName: tls.flatMap { $0.serverName ?? ServerName(name) }, plan: plan)
            if seen.insert(place.identity).inserted { places.append(place) }
        }
        for endpoint in endpoints {
            switch endpoint.address {
            case .address(let address): add(address, address.host, endpoint)
            case .name(let name, let port):
                for address in names.addresses[name] ?? [] { add(address.with(port: port), name, endpoint) }
            }
        }
        return places
    }
}

/// One entry of a cluster's endpoints.
package struct EndpointPlan: Sendable, Equatable {
    package var address: EndpointAddress
    package var weight: UInt32
    package var priority: Int

    package init(_ address: EndpointAddress, weight: UInt32 = 1, priority: Int = 0) {
        self.address = address
        self.weight = weight
        self.priority = priority
    }
}

/// One address of a cluster, and the name that its certificate must have.
struct EndpointPlace {
    let address: SocketAddress
    let serverName: ServerName?
    let plan: EndpointPlan

    /// Which endpoint it is: two names at one address are two where their certificates differ.
    var identity: String { serverName.map { "\(address) \($0)" } ?? "\(address)" }
}

/// What host names stand for, as last looked up.
package struct ResolvedNames: Sendable {
    package var addresses: [String: [SocketAddress]]

    package init(_ addresses: [String: [SocketAddress]] = [:]) { self.addresses = addresses }
}
