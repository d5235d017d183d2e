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
        let path = ConfigurationPath.cluster(cluster.name)
        let usesHash = cluster.balancing.settings.policy.usesHash
        return ClusterPlan(
            name: cluster.name, endpoints: checkedEndpoints(cluster).map { endpointPlan($0, cluster) },
            balancing: cluster.balancing.settings, hash: usesHash ? HashPolicy(cluster.balancing.hash) : nil,
            pool: pool,
            tls: cluster.tls.flatMap {
                files.upstreamTLS($0, protocols: [pool.applicationProtocol], at: path["tls"], of: path.key)
            },
            healthCheck: cluster.healthCheck, schema: cluster.schema.map { SchemaPlan($0) },
            record: surroundings.clusters.record(cluster.name, guards(of: cluster)))
    }

    /// With the budgets of what its routes add to calls; where they add nothing, nothing is counted for it.
    private func guards(of cluster: ClusterConfiguration) -> GuardSettings {
        var guards = cluster.guards
        for route in configuration.routes
        where route.clusters.contains(cluster.name) || route.fallback?.cluster == cluster.name {
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

    /// Reports retry and hedging of client-streaming methods: messages sent before cannot be requested again.
    mutating func checkStreams(_ schemas: [TranscodingPlan?]) {
        for (number, route) in configuration.routes.enumerated() {
            guard let index = configuration.clusters.firstIndex(where: { $0.name == route.cluster }),
                let schema = schemas[index]?.schema
            else { continue }
            for method in route.methods {
                let isStream = schema.methods.contains { rpc in
                    rpc.clientStreams && rpc.name == method.name
                        && route.match.targets.contains { $0.takes(service: rpc.serviceName) }
                }
                guard isStream else { continue }
                for (policy, isThere) in [
                    ("retry", method.attempts.retry?.policy != nil), ("hedging", method.attempts.hedging != nil),
                ] where isThere {
                    files.report(
                        "found \(policy) of a method that streams from the caller, expected none",
                        at: ConfigurationPath.route(number).method(method.name)[policy])
                }
            }
        }
    }

    /// Endpoints in the gateway's own locality come before others of the same priority.
    private func endpointPlan(_ endpoint: EndpointConfiguration, _ cluster: ClusterConfiguration) -> EndpointPlan {
        return EndpointPlan(
            EndpointAddress(endpoint.address), use: endpoint.use, weight: UInt32(endpoint.weight),
            priority: cluster.locality.map { 2 * endpoint.priority + (endpoint.locality == $0 ? 0 : 1) } ?? endpoint.priority)
    }

    private mutating func checkedEndpoints(_ cluster: ClusterConfiguration) -> [EndpointConfiguration] {
        let (endpoints, places, path) = endpoints(cluster)
        // Each worker may use another of its addresses, and the health monitor cannot tell which.
        if cluster.healthCheck != nil, let index = endpoints.firstIndex(where: { $0.use == .logical }) {
            let findings = Findings(places)
            findings.report(
                "found dns: logical in a cluster with a health check, expected dns: strict there",
                at: path[index][endpoints[index].addressKey])
            files.add(findings.issues)
        }
        return endpoints
    }

    /// With where they were written: in a file of their own, the list is all there is.
    private mutating func endpoints(
        _ cluster: ClusterConfiguration
    ) -> (endpoints: [EndpointConfiguration], places: PlaceIndex, path: ConfigurationPath) {
        let path = ConfigurationPath.cluster(cluster.name)["endpoints"]
        switch cluster.endpoints {
        case .list(let list): return (list, files.places, path)
        case .file(let file):
            guard let bytes = files.bytes(file, at: path["file"]) else { return ([], files.places, path) }
            let reading = EndpointsFile.read(String(decoding: bytes, as: UTF8.self), file: file)
            files.add(reading.issues)
            return (reading.value ?? [], reading.places, .root)
        }
    }
}
