internal import Config
internal import GatewayModel
internal import HTTPModel
internal import Matching
internal import Routing
internal import Transport

/// Rewrites that lead past the rules of another RPC.
struct RewriteChecks {
    private let configuration: GatewayConfiguration
    private let findings: Findings
    /// What routes of services name, in their order, and by cluster.
    private let services: [(name: RouteMatch.Target, route: Int)]
    private let servicesOfClusters: [String: [(name: RouteMatch.Target, route: Int)]]
    /// The first route of each path that is an RPC's.
    private let paths: [String: Int]

    init(_ configuration: GatewayConfiguration, _ findings: Findings) {
        self.configuration = configuration
        self.findings = findings
        var services: [(name: RouteMatch.Target, route: Int)] = []
        var servicesOfClusters: [String: [(name: RouteMatch.Target, route: Int)]] = [:]
        var paths: [String: Int] = [:]
        for (index, route) in configuration.routes.enumerated() {
            for target in route.match.targets {
                switch target {
                case .service, .services:
                    services.append((target, index))
                    for cluster in route.reachedClusters { servicesOfClusters[cluster, default: []].append((target, index)) }
                case .path(let path) where Self.service(of: path) != nil:
                    if paths[path] == nil { paths[path] = index }
                default: continue
                }
            }
        }
        self.services = services
        self.servicesOfClusters = servicesOfClusters
        self.paths = paths
    }

    func run() {
        for (index, route) in configuration.routes.enumerated() {
            if route.action == .cluster { checkRewrite(of: route, at: index) }
        }
    }

    /// Nothing is matched behind a rewrite, so the rules and limits of the RPC that it leads to would not apply.
    private func checkRewrite(of route: RouteConfiguration, at index: Int) {
        guard let path = route.rewrite.path, !speaksPlainHTTP(route), let other = routeOfRPC(path, from: route), other != index
        else {
            return
        }
        let target = configuration.routes[other]
        findings.report(
            "leads to calls of \(findings.places.place(of: .route(other)).path) (\(Quoted.text(target.name))), whose rules and limits would not apply: "
                + "nothing is matched again behind a rewrite",
            at: ConfigurationPath.route(index)["rewrite"])
    }

    /// The route of the RPC that a path may become.
    ///
    /// A path that names no service may become any: of these only those count that the route's own clusters have.
    private func routeOfRPC(_ path: RewriteConfiguration.Path, from route: RouteConfiguration) -> Int? {
        let text: String
        switch path {
        case .whole(let whole):
            text = String(decoding: whole, as: UTF8.self)
            // From a path that is no RPC's it is a page that has moved.
            return Self.service(of: text).flatMap { routeOfService($0) }
                ?? (route.match.targets.contains(where: Self.isRPC) ? paths[text] : nil)
        case .prefix(let prefix):
            text = prefix == Array("/".utf8) ? "/" : String(decoding: prefix, as: UTF8.self) + "/"
        case .groups(let pieces):
            guard case .text(let beginning) = pieces.first else { return first(of: route) { _ in true } }
            text = String(decoding: beginning, as: UTF8.self)
        }
        // What is written of `/service/method` so far.
        let segments = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        switch segments.count {
        case 1: return first(of: route) { $0.mayBegin(with: String(segments[0])) }
        case 2: return routeOfService(String(segments[0]))
        case 3 where segments[2].isEmpty: return routeOfService(String(segments[0]))
        default: return nil
        }
    }

    private func routeOfService(_ name: String) -> Int? { services.first { $0.name.takes(service: name) }?.route }

    private func first(of route: RouteConfiguration, where fits: (RouteMatch.Target) -> Bool) -> Int? {
        route.reachedClusters.flatMap { servicesOfClusters[$0] ?? [] }.first { fits($0.name) }?.route
    }

    private static func isRPC(_ target: RouteMatch.Target) -> Bool {
        guard case .path(let path) = target else { return false }
        return service(of: path) != nil
    }

    /// The service of `/service/method`.
    private static func service(of path: String) -> String? {
        var path = path
        let count = path.withUTF8 { (try? PathShape(UnsafeRawBufferPointer($0)))?.serviceCount ?? 0 }
        return count > 0 ? String(decoding: path.utf8.dropFirst().prefix(count), as: UTF8.self) : nil
    }

    /// Backends of plain HTTP have no RPCs.
    private func speaksPlainHTTP(_ route: RouteConfiguration) -> Bool {
        let clusters = configuration.clusters.filter { cluster in route.reachedClusters.contains(cluster.name) }
        return !clusters.isEmpty && clusters.allSatisfy { $0.speaks == .http1 }
    }
}

extension RouteMatch.Target {
    /// Whether the name of a service that it takes may begin so.
    fileprivate func mayBegin(with text: String) -> Bool {
        switch self {
        case .service(let name): name.hasPrefix(text)
        case .services(let package): "\(package).".hasPrefix(text) || text.hasPrefix("\(package).")
        case .any, .path, .prefix, .subtree, .regex: false
        }
    }
}
