package import Config

extension ConfigurationPath {
    package static func route(_ index: Int) -> ConfigurationPath { ConfigurationPath("routes")[index] }

    package static func cluster(_ name: String) -> ConfigurationPath { ConfigurationPath("clusters")[name] }

    package static func plan(_ name: String) -> ConfigurationPath { ConfigurationPath("plans")[name] }

    package static func issuer(_ index: Int) -> ConfigurationPath { ConfigurationPath("authentication")["issuers"][index] }

    /// For the path of a route.
    package func method(_ name: String) -> ConfigurationPath { self["methods"][name] }
}

extension EndpointConfiguration {
    /// The key of its mapping that holds its name or address.
    package var addressKey: String { use == .service ? "srv" : "address" }
}

extension RouteConfiguration {
    /// The clusters that its calls may be answered by, each with the path of its name.
    func namedClusters(at path: ConfigurationPath) -> [(name: String, path: ConfigurationPath)] {
        traffic.split.isEmpty
            ? clusters.map { ($0, path["cluster"]) } : traffic.split.map { ($0.cluster, path["clusters"][$0.cluster].key) }
    }

    /// The cluster that serves its calls where they reach no endpoint.
    package func namedFallback(at path: ConfigurationPath) -> (name: String, path: ConfigurationPath)? {
        fallback?.cluster.map { ($0, path["fallback"]["cluster"]) }
    }

    /// The clusters that its calls may reach, by a fallback or as copies, too.
    package var reachedClusters: [String] {
        clusters + [fallback?.cluster, traffic.mirror?.cluster].compactMap { $0 }
    }

    /// All clusters that it names.
    package func allNamedClusters(at path: ConfigurationPath) -> [(name: String, path: ConfigurationPath)] {
        namedClusters(at: path) + [namedMirror(at: path), namedFallback(at: path)].compactMap { $0 }
    }

    /// The cluster that copies of its calls go to.
    package func namedMirror(at path: ConfigurationPath) -> (name: String, path: ConfigurationPath)? {
        traffic.mirror.map { ($0.cluster, path["mirror"]["cluster"]) }
    }
}
