internal import Balancing
internal import Config
internal import GatewayModel
internal import Protobuf
internal import Routing
internal import Schemas
internal import TLS
internal import Transcoding
internal import Transport
internal import Upstreams

extension SnapshotBuilder {
    mutating func clusterPlan(_ cluster: ClusterConfiguration) -> ClusterPlan {
        var pool = PoolSettings.defaults
        pool.applicationProtocol = cluster.speaks == .http1 ? .http1 : .http2
        pool.streams = cluster.connections.streams
        pool.connections = cluster.connections.maximum
        pool.connectTimeout = cluster.timeouts.connect
        pool.idleTimeout = cluster.timeouts.idle
        pool.age = cluster.timeouts.age
        pool.liveness = LivenessSettings(pingTimeout: cluster.timeouts.ping, keepalive: cluster.timeouts.keepalive)
        let usesHash = cluster.balancing.settings.policy.usesHash
        return ClusterPlan(
            name: cluster.name.value, endpoints: checkedEndpoints(cluster).map { endpointPlan($0, cluster) },
            balancing: cluster.balancing.settings, hash: usesHash ? HashPolicy(cluster.balancing.hash.map(\.value)) : nil,
            pool: pool,
            tls: cluster.tls.flatMap { files.upstreamTLS($0, protocols: [pool.applicationProtocol], at: cluster.name.place) },
            healthCheck: cluster.healthCheck, schema: cluster.schema.map { SchemaPlan($0.value) },
            record: surroundings.clusters.record(cluster.name.value, guards(of: cluster)))
    }

    /// With the budgets of what its routes add to calls; where they add nothing, nothing is counted for it.
    private func guards(of cluster: ClusterConfiguration) -> GuardSettings {
        var guards = cluster.guards
        for route in configuration.routes where route.clusters.contains(where: { $0.value == cluster.name.value }) {
            for policy in [route.attempts.policy()] + route.methods.map({ route.attempts.policy(for: $0.attempts) }) {
                switch policy {
                case .retry: guards.retryBudget = cluster.retryBudget
                case .hedging: guards.hedgeBudget = cluster.hedgeBudget
                case nil: break
                }
            }
        }
        return guards
    }

    /// Finds policies on methods whose callers stream: what was sent before cannot be asked for once more.
    mutating func checkStreams(_ schemas: [TranscodingPlan?]) {
        for route in configuration.routes {
            guard case .service(let service) = route.match.target,
                let index = configuration.clusters.firstIndex(where: { $0.name.value == route.cluster?.value }),
                let schema = schemas[index]?.schema
            else { continue }
            for method in route.methods {
                guard let number = schema.method(path: "/\(service)/\(method.name.value)"), schema.methods[number].clientStreams
                else { continue }
                if let retry = method.attempts.retry, retry.value != nil {
                    files.report("found retry of a method that streams from the caller, expected none", at: retry.place)
                }
                if let hedging = method.attempts.hedging {
                    files.report("found hedging of a method that streams from the caller, expected none", at: hedging.place)
                }
            }
        }
    }

    /// Endpoints in the gateway's own locality come before others of the same priority.
    private func endpointPlan(_ endpoint: EndpointConfiguration, _ cluster: ClusterConfiguration) -> EndpointPlan {
        return EndpointPlan(
            EndpointAddress(endpoint.address.value), use: endpoint.use, weight: UInt32(endpoint.weight),
            priority: cluster.locality.map { 2 * endpoint.priority + (endpoint.locality == $0 ? 0 : 1) } ?? endpoint.priority)
    }

    private mutating func checkedEndpoints(_ cluster: ClusterConfiguration) -> [EndpointConfiguration] {
        let endpoints = endpoints(cluster)
        // Each worker may have another of its addresses, and none that checks knows which.
        if cluster.healthCheck != nil, let one = endpoints.first(where: { $0.use == .logical }) {
            files.add([
                Issue(at: one.address.place, "found dns: logical in a cluster with a health check, expected dns: strict there")
            ])
        }
        return endpoints
    }

    private mutating func endpoints(_ cluster: ClusterConfiguration) -> [EndpointConfiguration] {
        switch cluster.endpoints {
        case .list(let list): return list
        case .file(let path):
            guard let bytes = files.bytes(path) else { return [] }
            let (endpoints, issues) = EndpointsFile.read(String(decoding: bytes, as: UTF8.self), file: path.value)
            files.add(issues)
            return endpoints
        }
    }
}
