package import Config
package import GatewayModel
internal import Protobuf
internal import Routing
internal import Transcoding
internal import Transport
internal import Upstreams

/// Names of services and methods on routes that the schemas of their clusters do not have: what is said of a method that does
/// not exist holds for no call.
struct SchemaNames {
    /// One of the clusters that a route leads to.
    struct Target {
        var cluster: String
        /// `nil` where nothing is known of what it serves.
        var schema: Schema?
        /// It is as complete as it will be, until a file changes: reflection adds nothing.
        var isFromFiles: Bool
    }

    /// - Parameter targets: all that the route leads to.
    static func issues(of route: RouteConfiguration, _ targets: [Target]) -> [Issue] {
        guard case .service(let service) = route.match.target else { return [] }
        let schemas = targets.compactMap(\.schema)
        guard !schemas.isEmpty else { return [] }
        // Another cluster may have what these have not.
        let isWhole = schemas.count == targets.count
        let found = schemas.flatMap { schema in
            schema.services.filter { $0.fullName == service }.map { schema.methods[$0.methods].map(\.name) }
        }
        guard !found.isEmpty else {
            // Health, reflection and their like are rarely among the descriptors of those that have them.
            guard isWhole, !service.hasPrefix("grpc.") else { return [] }
            let hint = Spelling.hint(for: service, among: schemas.flatMap(\.services).map(\.fullName))
            return [
                Issue(
                    at: route.servicePlace ?? route.place,
                    "found \(Quoted.text(service)), which the schema of \(names(of: targets)) does not have\(hint)",
                    severity: .warning)
            ]
        }
        let methods = found.flatMap(\.self)
        let isCertain = isWhole && targets.allSatisfy(\.isFromFiles)
        return route.methods.filter { !methods.contains($0.name.value) }.map { method in
            Issue(
                at: method.name.place,
                "found \(Quoted.text(method.name.value)), which \(service) does not have by the schema of \(names(of: targets))"
                    + Spelling.hint(for: method.name.value, among: methods),
                severity: isCertain ? .error : .warning)
        }
    }

    private static func names(of targets: [Target]) -> String {
        let known = targets.filter { $0.schema != nil }.map { Quoted.text($0.cluster) }
        return known.count == 1 ? "cluster \(known[0])" : "clusters \(known.joined(separator: " and "))"
    }
}

extension SnapshotBuilder {
    /// Reports them, where schemas are known.
    mutating func checkNames(_ schemas: [Schema?]) {
        for route in configuration.routes {
            let targets = route.clusters.compactMap { name in
                configuration.clusters.firstIndex { $0.name.value == name.value }.map { index in
                    SchemaNames.Target(
                        cluster: name.value, schema: schemas[index],
                        isFromFiles: configuration.clusters[index].schema.map { $0.value.isFromFiles } ?? false)
                }
            }
            files.add(SchemaNames.issues(of: route, targets))
        }
    }
}

extension SchemaConfiguration {
    fileprivate var isFromFiles: Bool {
        if case .reflection = source { return false }
        return true
    }
}

extension Snapshot {
    /// What routes of this configuration name and the schema of `cluster` does not have, now that it is known.
    package func unknownNames(in configuration: GatewayConfiguration, of cluster: String) -> [Issue] {
        configuration.routes.filter { $0.clusters.contains { $0.value == cluster } }.flatMap { route in
            SchemaNames.issues(
                of: route,
                route.clusters.map { SchemaNames.Target(cluster: $0.value, schema: schema(of: $0.value), isFromFiles: false) })
        }
    }

    private func schema(of cluster: String) -> Schema? {
        routes.first { clusters[$0.cluster].name == cluster && $0.transcoding != nil }?.transcoding?.schema
    }
}
