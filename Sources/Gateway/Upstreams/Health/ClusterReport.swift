internal import Balancing
package import Bytes
internal import GatewayModel
internal import JSON
package import Metrics
internal import Net
package import Schemas
package import Time

/// What is known of clusters and their endpoints, for people and for Prometheus.
package struct ClusterReport {
    private let clusters: [Cluster]
    private let schemas: SchemaStore

    private struct Cluster {
        let record: ClusterRecord
        let isReflected: Bool
        let names: [Name]
        let endpoints: [(place: EndpointPlace, record: EndpointRecord)]
    }

    /// A name that endpoints have, or that one of a service's hosts has.
    private struct Name {
        let text: String
        /// Why it was not found, the last time that it was asked for.
        let trouble: String?
    }

    /// - Parameter troubles: of names that were not found, why.
    package init(
        _ plans: [ClusterPlan], names: ResolvedNames, troubles: [String: String] = [:], schemas: SchemaStore = SchemaStore()
    ) {
        self.schemas = schemas
        clusters = plans.map { plan in
            let known = plan.record.records
            let places = plan.places(names)
            return Cluster(
                record: plan.record, isReflected: plan.schema?.reflection != nil,
                names: plan.names(names).map { Name(text: $0, trouble: troubles[$0]) },
                endpoints: (places + plan.kept(known, beside: places)).compactMap { place in
                    known.first { $0.name == place.identity }.map { (place, $0) }
                })
        }
    }

    // MARK: JSON

    package func writeJSON(to buffer: inout ByteBuffer, now: Instant) {
        var writer = JSONWriter()
        writer.beginObject(&buffer)
        writer.key("clusters", &buffer)
        writer.beginArray(&buffer)
        for cluster in clusters { write(cluster, &writer, &buffer, now) }
        writer.endArray(&buffer)
        writer.endObject(&buffer)
        buffer.append("\n")
    }

    private func write(_ cluster: Cluster, _ writer: inout JSONWriter, _ buffer: inout ByteBuffer, _ now: Instant) {
        writer.beginObject(&buffer)
        writer.key("name", &buffer)
        writer.string(cluster.record.name, &buffer)
        if let breaker = cluster.record.breaker {
            writer.key("breaker", &buffer)
            writer.string(breaker.state(at: now).rawValue, &buffer)
        }
        if cluster.record.settings.limits != nil {
            let usage = cluster.record.usage
            for (key, value) in [
                ("connections", usage.connections), ("pending", usage.pending), ("requests", usage.requests),
                ("retries", usage.retries),
            ] {
                writer.key(key, &buffer)
                writer.number(Int64(value), &buffer)
            }
        }
        if cluster.isReflected { writeSchema(of: cluster.record.name, &writer, &buffer, now) }
        if !cluster.names.isEmpty {
            writer.key("names", &buffer)
            writer.beginArray(&buffer)
            for name in cluster.names {
                writer.beginObject(&buffer)
                writer.key("name", &buffer)
                writer.string(name.text, &buffer)
                if let trouble = name.trouble {
                    writer.key("trouble", &buffer)
                    writer.string(trouble, &buffer)
                }
                writer.endObject(&buffer)
            }
            writer.endArray(&buffer)
        }
        writer.key("endpoints", &buffer)
        writer.beginArray(&buffer)
        for (place, record) in cluster.endpoints {
            writer.beginObject(&buffer)
            writer.key("address", &buffer)
            writer.string(place.address.description, &buffer)
            writer.key("weight", &buffer)
            writer.number(UInt64(place.plan.weight), &buffer)
            writer.key("priority", &buffer)
            writer.number(Int64(place.plan.priority), &buffer)
            writer.key("state", &buffer)
            writer.string(record.stateName, &buffer)
            writer.key("ejections", &buffer)
            writer.number(Int64(record.ejectionTotal), &buffer)
            if let breaker = record.breaker {
                writer.key("breaker", &buffer)
                writer.string(breaker.state(at: now).rawValue, &buffer)
            }
            writer.endObject(&buffer)
        }
        writer.endArray(&buffer)
        writer.endObject(&buffer)
    }

    private func writeSchema(of cluster: String, _ writer: inout JSONWriter, _ buffer: inout ByteBuffer, _ now: Instant) {
        writer.key("schema", &buffer)
        writer.beginObject(&buffer)
        let known = schemas.known[cluster]
        writer.key("services", &buffer)
        writer.number(Int64(known?.serviceCount ?? 0), &buffer)
        if let known {
            writer.key("age_seconds", &buffer)
            writer.number(Int64(clamping: now.nanoseconds(since: known.time) / 1_000_000_000), &buffer)
        }
        if let trouble = schemas.troubles[cluster] {
            writer.key("trouble", &buffer)
            writer.string(trouble, &buffer)
        }
        writer.endObject(&buffer)
    }

    // MARK: Metrics

    package func families(now: Instant) -> [MetricFamily] {
        var families = [
            perEndpoint("martlet_endpoint_healthy", "1 while an endpoint may get calls.", .gauge) {
                MetricValue.level($0.isHealthy ? 1 : 0)
            },
            perEndpoint("martlet_endpoint_ejections_total", "How often an endpoint was ejected by outlier detection.", .counter) {
                MetricValue.count(UInt64($0.ejectionTotal))
            },
            perEndpoint(
                "martlet_endpoint_circuit_open", "1 while an endpoint's error breaker lets no call pass, or only probes.", .gauge
            ) { record in record.breaker.map { MetricValue.level($0.state(at: now) == .closed ? 0 : 1) } },
        ]
        families.append(
            perCluster("martlet_circuit_open", "1 while an error breaker lets no call pass, or only probes.", .gauge) { record in
                record.breaker.map { MetricValue.level($0.state(at: now) == .closed ? 0 : 1) }
            })
        families.append(
            perCluster("martlet_circuit_requests", "Calls that run or wait, where they are limited.", .gauge) { record in
                record.settings.limits.map { _ in MetricValue.level(Int64(record.usage.requests)) }
            })
        families.append(
            perCluster(
                "martlet_circuit_overflow_total", "Calls, retries and hedges rejected by a circuit-breaker limit or a budget.",
                .counter
            ) { record in
                record.settings.countsUsage ? MetricValue.count(record.usage.overflowCount) : nil
            })
        families.append(refusals)
        families.append(
            perCluster("martlet_cluster_timeouts_total", "Calls that timed out in a cluster.", .counter) { record in
                MetricValue.count(record.usage.timeoutTotal)
            })
        families.append(
            MetricFamily(
                name: "martlet_name_unresolved", help: "1 while the name of an endpoint does not resolve.", kind: .gauge,
                series: clusters.flatMap { cluster in
                    cluster.names.map { name in
                        MetricSeries(
                            labels: [Label("cluster", cluster.record.name), Label("name", name.text)],
                            value: .level(name.trouble == nil ? 0 : 1))
                    }
                }))
        families.append(
            MetricFamily(
                name: "martlet_schema_services", help: "Services in a cluster's schema, as of the last reflection.",
                kind: .gauge,
                series: clusters.filter(\.isReflected).map {
                    MetricSeries(
                        labels: [Label("cluster", $0.record.name)],
                        value: .level(Int64(schemas.known[$0.record.name]?.serviceCount ?? 0)))
                }))
        return families.filter { !$0.series.isEmpty }
    }

    private var refusals: MetricFamily {
        MetricFamily(
            name: "martlet_circuit_refused_total", help: "Calls rejected by a circuit-breaker limit or an open breaker, by cause.",
            kind: .counter,
            series: clusters.filter(\.record.isGuarded).flatMap { cluster in
                CircuitRefusal.allCases.map { cause in
                    MetricSeries(
                        labels: [Label("cluster", cluster.record.name), Label("cause", cause.rawValue)],
                        value: .count(cluster.record.usage.refusals(cause)))
                }
            })
    }

    private func perEndpoint(
        _ name: String, _ help: String, _ kind: MetricFamily.Kind, _ value: (EndpointRecord) -> MetricValue?
    ) -> MetricFamily {
        MetricFamily(
            name: name, help: help, kind: kind,
            series: clusters.flatMap { cluster in
                cluster.endpoints.compactMap { endpoint in
                    value(endpoint.record).map {
                        MetricSeries(
                            labels: [Label("cluster", cluster.record.name), Label("endpoint", endpoint.record.name)], value: $0)
                    }
                }
            })
    }

    private func perCluster(
        _ name: String, _ help: String, _ kind: MetricFamily.Kind, _ value: (ClusterRecord) -> MetricValue?
    ) -> MetricFamily {
        MetricFamily(
            name: name, help: help, kind: kind,
            series: clusters.compactMap { cluster in
                value(cluster.record).map { MetricSeries(labels: [Label("cluster", cluster.record.name)], value: $0) }
            })
    }
}

extension ClusterPlan {
    /// Those that are looked up for it, each once.
    fileprivate func names(_ resolved: ResolvedNames) -> [String] {
        var seen: Set<String> = []
        return endpoints.flatMap { endpoint -> [String] in
            guard case .name(let name, _) = endpoint.address else { return [] }
            guard endpoint.use == .service else { return [name] }
            return [name] + (resolved.services[name] ?? []).map { ResolvedNames.key(of: $0) }
        }.filter { seen.insert($0).inserted }
    }

    /// Those that workers keep for names of one address at a time, though DNS may have another by now.
    fileprivate func kept(_ records: [EndpointRecord], beside places: [EndpointPlace]) -> [EndpointPlace] {
        guard endpoints.contains(where: { $0.use == .logical }) else { return [] }
        var seen = Set(places.map(\.identity))
        return records.compactMap { record -> EndpointPlace? in
            guard !seen.contains(record.name),
                let address = record.name.split(separator: " ").first.flatMap({ SocketAddress(String($0)) })
            else { return nil }
            for endpoint in endpoints where endpoint.use == .logical {
                guard case .name(let name, let port) = endpoint.address, address == address.with(port: port) else { continue }
                let place = place(address, name, endpoint)
                if place.identity == record.name, seen.insert(record.name).inserted { return place }
            }
            return nil
        }
    }
}

extension ClusterRecord {
    /// A limit or breaker may refuse its calls.
    fileprivate var isGuarded: Bool { settings.limits != nil || settings.errors != nil || settings.endpointErrors != nil }
}

extension EndpointRecord {
    /// In a word, the most severe first.
    fileprivate var stateName: String {
        hasFailedCheck ? "unhealthy" : isEjected ? "ejected" : isUnchecked ? "unchecked" : "healthy"
    }
}
