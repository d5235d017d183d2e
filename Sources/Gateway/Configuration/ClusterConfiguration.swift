package import Balancing
package import Config

/// One entry of `clusters`: endpoints that serve the same thing.
package struct ClusterConfiguration: Sendable, Equatable {
    package var name: Located<String>
    package var endpoints: EndpointsConfiguration
    /// Where this gateway is; `nil` where it does not matter.
    package var locality: String?
    package var balancing: BalancingConfiguration
    /// `nil` for cleartext HTTP/2.
    package var tls: PeerTLS?
    package var timeouts: Timeouts
    package var connections: Connections
    package var healthCheck: HealthCheckConfiguration?
    /// Limits, error breakers and outlier detection.
    package var guards: GuardSettings

    package struct Timeouts: Sendable, Equatable {
        /// From the first packet to the end of the TLS handshake.
        package var connect: Duration
        /// A connection without a stream; `nil` for `none`.
        package var idle: Duration?
        package static let defaults = Timeouts(connect: .seconds(5), idle: .seconds(3600))
    }

    package struct Connections: Sendable, Equatable {
        /// Streams on one connection; the peer's own limit, where it is lower.
        package var streams: Int
        /// Connections of one worker to one endpoint.
        package var maximum: Int
        package static let defaults = Connections(streams: 100, maximum: 16)
    }
}

extension Grammar where Value == [ClusterConfiguration] {
    static var clusters: Grammar {
        let names = Grammar<[(name: Located<String>, value: ClusterConfiguration)]>
            .names("a mapping of clusters, each a mapping with endpoints", of: .cluster)
        return Grammar(expected: names.expected) { node, reader, expected in
            names.expecting(expected).read(node, reader)?.map { name, cluster in
                reader.checkName(name)
                var cluster = cluster
                cluster.name = name
                return cluster
            }
        }
    }
}

extension Grammar where Value == ClusterConfiguration {
    /// Without its name, which is the key above.
    fileprivate static var cluster: Grammar {
        .section(expected: "a mapping with endpoints") { section in
            let endpoints = section.required("endpoints", .endpoints)
            let locality = section.optional("locality", .name)
            let balancing = section.value("load_balancing", .balancing, default: .defaults)
            let tls = section.optional("tls", .peerTLS)
            let timeouts = section.value("timeouts", .clusterTimeouts, default: .defaults)
            let connections = section.value("connections", .clusterConnections, default: .defaults)
            let healthCheck = section.optional("health_check", .healthCheck)
            let circuit = section.optional("circuit_breaker", .circuitBreaker)
            var guards = GuardSettings()
            guards.limits = circuit?.limits
            guards.highLimits = circuit?.highLimits
            guards.errors = circuit?.errors
            guards.endpointErrors = circuit?.endpointErrors
            guards.outliers = section.optional("outlier_detection", .outlierDetection)
            guards.hasHealthCheck = healthCheck != nil
            if case .list(let list) = endpoints, locality == nil, let lost = list.first(where: { $0.locality != nil }) {
                section.reader.report(
                    "found a locality, expected the cluster to say where the gateway is: locality: \(lost.locality ?? "")",
                    at: lost.address.place)
            }
            return ClusterConfiguration(
                name: Located("", at: section.place), endpoints: endpoints ?? .list([]), locality: locality, balancing: balancing,
                tls: tls, timeouts: timeouts, connections: connections, healthCheck: healthCheck, guards: guards)
        }
    }
}

extension Grammar where Value == ClusterConfiguration.Timeouts {
    fileprivate static var clusterTimeouts: Grammar {
        .section { section in
            ClusterConfiguration.Timeouts(
                connect: section.value("connect", .timeout, default: Value.defaults.connect),
                idle: section.value("idle", .word("none", or: .timeout), default: Value.defaults.idle))
        }
    }
}

extension Grammar where Value == ClusterConfiguration.Connections {
    fileprivate static var clusterConnections: Grammar {
        .section { section in
            ClusterConfiguration.Connections(
                streams: section.value("streams", .count(1...1_000_000), default: Value.defaults.streams),
                maximum: section.value("maximum", .count(1...10_000), default: Value.defaults.maximum))
        }
    }
}
