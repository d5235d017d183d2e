internal import Balancing
internal import Config

extension Grammar where Value == [ClusterConfiguration] {
    static var clusters: Grammar {
        let names = Grammar<[(name: Located<String>, value: ClusterConfiguration)]>
            .names("a mapping of clusters, each a mapping with endpoints", of: .cluster)
        return Grammar(expected: names.expected) { node, reader, expected in
            names.expecting(expected).read(node, reader)?.map { name, cluster in
                reader.checkName(name)
                var cluster = cluster
                cluster.name = name.value
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
            let speaks = section.value("protocol", .spokenProtocol, default: .http2)
            let timeouts = section.value("timeouts", .clusterTimeouts(speaks), default: .defaults)
            let defaults: ClusterConfiguration.Connections = speaks == .http1 ? .http1Defaults : .defaults
            let connections = section.value("connections", .clusterConnections(speaks, defaults), default: defaults)
            let healthCheck = section.optional("health_check", .healthCheck)
            if speaks == .http1, case .grpc = healthCheck?.kind {
                section.report("found grpc beside protocol: http1, expected http or tcp", about: "health_check")
            }
            let schema = section.optional("schema", .schema)
            if speaks == .http1, section.has("schema") {
                section.report("found beside protocol: http1, which has no gRPC to convert to", about: "schema")
            }
            let circuit = section.optional("circuit_breaker", .circuitBreaker)
            var guards = GuardSettings()
            guards.limits = circuit?.limits
            guards.highLimits = circuit?.highLimits
            guards.errors = circuit?.errors
            guards.endpointErrors = circuit?.endpointErrors
            guards.outliers = section.optional("outlier_detection", .outlierDetection)
            guards.hasHealthCheck = healthCheck != nil
            let retryBudget = section.value("retry_budget", .budget, default: .defaults)
            let hedgeBudget = section.value("hedge_budget", .budget, default: .defaults)
            return ClusterConfiguration(
                name: "", endpoints: endpoints ?? .list([]), speaks: speaks, locality: locality,
                balancing: balancing, tls: tls, timeouts: timeouts, connections: connections, healthCheck: healthCheck,
                schema: schema, guards: guards, retryBudget: retryBudget, hedgeBudget: hedgeBudget)
        }
    }
}

extension Grammar where Value == ClusterConfiguration.HTTPVersion {
    fileprivate static var spokenProtocol: Grammar {
        let choice = Grammar.choice
        return Grammar(expected: choice.expected) { node, reader, expected in
            let others = [
                "https": "tls: {} beside it", "http": "http1 for plain HTTP/1.1", "grpc": "http2, which gRPC is spoken over",
            ]
            guard let text = node.scalar?.text, let instead = others[text.lowercased()] else {
                return choice.expecting(expected).read(node, reader)
            }
            reader.report("found \(Quoted.text(text)), expected \(expected); write \(instead)", at: node.place)
            return nil
        }
    }
}

extension Grammar where Value == ClusterConfiguration.Timeouts {
    fileprivate static func clusterTimeouts(_ speaks: ClusterConfiguration.HTTPVersion) -> Grammar {
        .section { section in
            if speaks == .http1 {
                for key in ["ping", "keepalive"] where section.has(key) {
                    section.report("found beside protocol: http1, which has no PING", about: key)
                }
            }
            // gRPC's clients ask no more often than every ten seconds (gRFC A8).
            let keepalive = Grammar<Duration>.duration(.seconds(10) ... .seconds(36_500 * 86_400))
            return ClusterConfiguration.Timeouts(
                connect: section.value("connect", .timeout, default: Value.defaults.connect),
                idle: section.value("idle", .word("none", or: .timeout), default: Value.defaults.idle),
                age: section.value("age", .word("none", or: .duration(.seconds(1) ... .seconds(36_500 * 86_400))), default: nil),
                ping: section.value("ping", .timeout, default: Value.defaults.ping),
                keepalive: section.value("keepalive", .word("none", or: keepalive), default: nil))
        }
    }
}

extension Grammar where Value == ClusterConfiguration.Connections {
    fileprivate static func clusterConnections(
        _ speaks: ClusterConfiguration.HTTPVersion, _ defaults: ClusterConfiguration.Connections
    ) -> Grammar {
        .section { section in
            let streams = section.optional("streams", .count(1...1_000_000))
            if speaks == .http1, section.has("streams") {
                section.report("found beside protocol: http1, which has one request at a time on a connection", about: "streams")
            }
            return ClusterConfiguration.Connections(
                streams: streams ?? defaults.streams,
                maximum: section.value("maximum", .count(1...10_000), default: defaults.maximum))
        }
    }
}
