internal import Balancing
internal import Config
internal import Protobuf
internal import TLS
internal import Transcoding
internal import Transport

extension SnapshotBuilder {
    mutating func clusterPlan(_ cluster: ClusterConfiguration) -> ClusterPlan {
        var pool = PoolSettings.defaults
        pool.applicationProtocol = cluster.speaks == .http1 ? .http1 : .http2
        pool.streams = cluster.connections.streams
        pool.connections = cluster.connections.maximum
        pool.connectTimeout = cluster.timeouts.connect
        pool.idleTimeout = cluster.timeouts.idle
        let usesHash = cluster.balancing.settings.policy.usesHash
        return ClusterPlan(
            name: cluster.name.value, endpoints: checkedEndpoints(cluster).map { endpointPlan($0, cluster) },
            balancing: cluster.balancing.settings, hash: usesHash ? HashPolicy(cluster.balancing.hash.map(\.value)) : nil,
            pool: pool,
            tls: cluster.tls.flatMap { files.upstreamTLS($0, protocols: [pool.applicationProtocol], at: cluster.name.place) },
            healthCheck: cluster.healthCheck, schema: cluster.schema.map { SchemaPlan($0.value) },
            record: surroundings.clusters.record(cluster.name.value, cluster.guards))
    }

    /// How the cluster's methods are reached in JSON, with what is wrong with its descriptors by name. `nil` too where its
    /// schema has not been told yet.
    mutating func transcoding(_ cluster: ClusterConfiguration) -> TranscodingPlan? {
        guard let schema = cluster.schema, let files = schemaFiles(schema.value, of: cluster.name.value) else { return nil }
        do throws(SchemaFailure) {
            let plan = try SchemaPlan(schema.value).transcoding(of: files)
            for problem in plan.problems { self.files.report(problem, at: schema.place, severity: .warning) }
            return plan
        } catch {
            for problem in error.problems { self.files.report(problem, at: schema.place) }
            return nil
        }
    }

    private mutating func schemaFiles(_ schema: SchemaConfiguration, of cluster: String) -> [[UInt8]]? {
        switch schema.source {
        case .reflection: return surroundings.schemas.known[cluster]?.files
        case .descriptors(let paths): return descriptors(paths)
        }
    }

    /// Each file of the sets, as the bytes of a FileDescriptorProto; `nil` where one is not readable.
    private mutating func descriptors(_ paths: [Located<String>]) -> [[UInt8]]? {
        var found: [[UInt8]] = []
        var isWhole = true
        for path in paths {
            guard let set = files.bytes(path) else {
                isWhole = false
                continue
            }
            do throws(WireFailure) { found += try DescriptorSet.files(in: set) } catch {
                files.report("found \(Quoted.text(path.value)), which holds no descriptor set: no protobuf (\(error))", at: path.place)
                isWhole = false
            }
        }
        return isWhole ? found : nil
    }

    /// Whoever is in the gateway's own locality comes before others of the same priority.
    private func endpointPlan(_ endpoint: EndpointConfiguration, _ cluster: ClusterConfiguration) -> EndpointPlan {
        return EndpointPlan(
            EndpointAddress(endpoint.address.value), use: endpoint.use, weight: UInt32(endpoint.weight),
            priority: cluster.locality.map { 2 * endpoint.priority + (endpoint.locality == $0 ? 0 : 1) } ?? endpoint.priority)
    }

    private mutating func checkedEndpoints(_ cluster: ClusterConfiguration) -> [EndpointConfiguration] {
        let endpoints = endpoints(cluster)
        // Each worker may have another of its addresses, and which is known to nobody who could check it.
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

/// A file with a cluster's endpoints: a list as it would stand under `endpoints`, in YAML or JSON.
enum EndpointsFile {
    static func read(_ text: String, file: String) -> ([EndpointConfiguration], [Issue]) {
        let reader = Reader(text, file: file, surroundings: Surroundings())
        let endpoints = reader.root.flatMap { Grammar.endpointList.read($0, reader) }
        return (endpoints ?? [], reader.issues)
    }
}
