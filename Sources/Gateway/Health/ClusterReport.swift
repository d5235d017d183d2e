internal import Balancing
package import Bytes
internal import JSON
package import Metrics
internal import Sockets
package import Time

/// What is known of clusters and their endpoints, for people and for Prometheus.
package struct ClusterReport {
    private let clusters: [Cluster]
    private let schemas: SchemaBoard

    private struct Cluster {
        let record: ClusterRecord
        let isReflected: Bool
        let endpoints: [(place: EndpointPlace, record: EndpointRecord)]
    }

    package init(_ plans: [ClusterPlan], names: ResolvedNames, schemas: SchemaBoard = SchemaBoard()) {
        self.schemas = schemas
        clusters = plans.map { plan in
            let known = plan.record.records
            return Cluster(
                record: plan.record, isReflected: plan.schema?.reflection != nil,
                endpoints: plan.places(names).compactMap { place in
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
            perEndpoint("martlet_endpoint_ejections_total", "How often an endpoint was found out of step.", .counter) {
                MetricValue.count(UInt64($0.ejectionTotal))
            },
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
            perCluster("martlet_circuit_overflow_total", "Calls that a limit has turned away.", .counter) { record in
                record.settings.limits.map { _ in MetricValue.count(record.usage.overflowCount) }
            })
        families.append(
            MetricFamily(
                name: "martlet_schema_services", help: "Services of a cluster's schema, as it was last told by reflection.",
                kind: .gauge,
                series: clusters.filter(\.isReflected).map {
                    MetricSeries(
                        labels: [Label("cluster", $0.record.name)],
                        value: .level(Int64(schemas.known[$0.record.name]?.serviceCount ?? 0)))
                }))
        return families.filter { !$0.series.isEmpty }
    }

    private func perEndpoint(
        _ name: String, _ help: String, _ kind: MetricFamily.Kind, _ value: (EndpointRecord) -> MetricValue
    ) -> MetricFamily {
        MetricFamily(
            name: name, help: help, kind: kind,
            series: clusters.flatMap { cluster in
                cluster.endpoints.map { endpoint in
                    MetricSeries(
                        labels: [Label("cluster", cluster.record.name), Label("endpoint", endpoint.record.name)],
                        value: value(endpoint.record))
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

extension EndpointRecord {
    /// In a word, the graver first.
    fileprivate var stateName: String {
        hasFailedCheck ? "unhealthy" : isEjected ? "ejected" : isUnchecked ? "unchecked" : "healthy"
    }
}
