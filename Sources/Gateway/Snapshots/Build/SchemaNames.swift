package import Config
package import GatewayModel
internal import Protobuf
internal import Routing
internal import Transcoding
internal import Transport
internal import Upstreams

/// Reports services and methods on routes that the schemas of their clusters do not have: settings of a method that does not exist
/// apply to no call.
struct SchemaNames {
    /// One of the clusters that a route leads to.
    struct Target {
        var cluster: String
        /// `nil` where nothing is known of what it serves.
        var schema: Schema?
        /// It is as complete as it will be, until a file changes: reflection adds nothing.
        var isFromFiles: Bool
    }

    /// - Parameters:
    ///   - targets: all that the route leads to.
    ///   - path: the route's.
    static func check(_ route: RouteConfiguration, _ targets: [Target], at path: ConfigurationPath, _ findings: Findings) {
        guard route.match.isOfServices else { return }
        let schemas = targets.compactMap(\.schema)
        guard !schemas.isEmpty else { return }
        // Another cluster may serve it.
        let isWhole = schemas.count == targets.count
        let known = schemas.flatMap(\.services).map(\.fullName)
        var unknown = false
        for (place, target) in route.match.targets.enumerated() where !known.contains(where: target.takes(service:)) {
            unknown = true
            // Health, reflection and their like are rarely among the descriptors of those that have them.
            guard isWhole, !target.text.hasPrefix("grpc.") else { continue }
            findings.report(
                "found \(Quoted.text(target.text)), which the schema of \(names(of: targets)) does not have"
                    + Spelling.hint(for: target.text, among: known),
                at: path["service"][place], severity: .warning)
        }
        guard !unknown else { return }
        let methods = schemas.flatMap { schema in
            schema.services.filter { service in route.match.targets.contains { $0.takes(service: service.fullName) } }
                .flatMap { schema.methods[$0.methods].map(\.name) }
        }
        let isCertain = isWhole && targets.allSatisfy(\.isFromFiles)
        for method in route.methods where !methods.contains(method.name) {
            findings.report(
                "found \(Quoted.text(method.name)), which \(text(of: route.match)) in the schema of "
                    + names(of: targets) + Spelling.hint(for: method.name, among: methods),
                at: path.method(method.name).key, severity: isCertain ? .error : .warning)
        }
    }

    private static func text(of match: RouteMatch) -> String {
        let names = match.targets.map(\.text).joined(separator: ", ")
        return match.targets.count == 1 ? "\(names) does not have" : "no service of \(names) has"
    }

    private static func names(of targets: [Target]) -> String {
        let known = targets.filter { $0.schema != nil }.map { Quoted.text($0.cluster) }
        return known.count == 1 ? "cluster \(known[0])" : "clusters \(known.joined(separator: " and "))"
    }
}

extension SchemaNames {
    /// All routes, where schemas are known.
    ///
    /// - Parameter schemas: those of the clusters, in their order.
    static func issues(of configuration: GatewayConfiguration, _ schemas: [Schema?], _ places: PlaceIndex) -> [Issue] {
        let findings = Findings(places)
        for (index, route) in configuration.routes.enumerated() {
            let targets = route.clusters.compactMap { name in
                configuration.clusters.firstIndex { $0.name == name }.map { cluster in
                    Target(
                        cluster: name, schema: schemas[cluster],
                        isFromFiles: configuration.clusters[cluster].schema.map { $0.isFromFiles } ?? false)
                }
            }
            check(route, targets, at: .route(index), findings)
        }
        return findings.issues
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
    package func unknownNames(
        in configuration: GatewayConfiguration, writtenAt places: PlaceIndex, of cluster: String
    ) -> [Issue] {
        let findings = Findings(places)
        for (index, route) in configuration.routes.enumerated() where route.clusters.contains(cluster) {
            SchemaNames.check(
                route, route.clusters.map { SchemaNames.Target(cluster: $0, schema: schema(of: $0), isFromFiles: false) },
                at: .route(index), findings)
        }
        return findings.issues
    }

    private func schema(of cluster: String) -> Schema? {
        routes.first { clusters[$0.cluster].name == cluster && $0.transcoding != nil }?.transcoding?.schema
    }
}
