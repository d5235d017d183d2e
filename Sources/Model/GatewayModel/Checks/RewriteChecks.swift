internal import Config
internal import HTTPModel
internal import Matching
internal import Routing
internal import Transport

/// Where rewrites and redirects lead: past the rules of another RPC, or back to themselves.
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
                    for cluster in route.clusters { servicesOfClusters[cluster, default: []].append((target, index)) }
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
            switch route.action {
            case .cluster: checkRewrite(of: route, at: index)
            case .redirect(let redirect): checkLoop(redirect, of: route, at: index)
            case .respond: continue
            }
        }
    }

    // MARK: Rewrites

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
        route.clusters.flatMap { servicesOfClusters[$0] ?? [] }.first { fits($0.name) }?.route
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
        let clusters = configuration.clusters.filter { cluster in route.clusters.contains(cluster.name) }
        return !clusters.isEmpty && clusters.allSatisfy { $0.speaks == .http1 }
    }

    // MARK: Redirects

    /// A redirect that its own route takes again. What conditions or earlier routes make of the second request cannot be seen.
    private func checkLoop(_ redirect: RedirectConfiguration, of route: RouteConfiguration, at index: Int) {
        let match = route.match
        guard match.headers.isEmpty, match.query.isEmpty, match.httpMethods.isEmpty || match.httpMethods.contains("GET"),
            let scheme = schemeThatStays(redirect),
            match.authorities.contains(where: { staysAtAuthority(redirect, $0) }),
            match.targets.contains(where: { staysBelow(redirect, $0) }),
            isSameRequest(redirect, match)
                || !configuration.routes[..<index].contains(where: { mayTake($0, redirect, match) })
        else { return }
        findings.report(
            "leads to itself: the route takes requests\(scheme) that follow it again, expected another authority or path",
            at: ConfigurationPath.route(index)["redirect"])
    }

    /// The scheme that requests have and keep, in words, or nothing for any; `nil` where the redirect changes it.
    private func schemeThatStays(_ redirect: RedirectConfiguration) -> String? {
        guard let scheme = redirect.scheme else { return "" }
        let isServed = configuration.listeners.contains { ($0.tls != nil) == (scheme == .https) }
        return isServed ? " by \(scheme.rawValue)" : nil
    }

    private func staysAtAuthority(_ redirect: RedirectConfiguration, _ authority: RouteMatch.Authority) -> Bool {
        guard let written = redirect.authority else { return true }
        let (host, port) = AuthorityText.split(String(decoding: written, as: UTF8.self))
        // Another port may be another server's, and so may a host that no route names.
        guard port == nil, case .exact(let name) = try? RouteMatch.Authority(String(host)) else { return false }
        return switch authority {
        case .any: false
        case .exact(let own): own == name
        case .suffix(let domain): name.hasSuffix(".\(domain)")
        }
    }

    private func staysBelow(_ redirect: RedirectConfiguration, _ target: RouteMatch.Target) -> Bool {
        switch redirect.path {
        case nil: return true
        case .whole(let template):
            guard let path = template.constant else { return false }
            return target.takes(String(decoding: path, as: UTF8.self))
        case .prefix(let prefix): return target.takes(String(decoding: prefix, as: UTF8.self))
        }
    }

    /// Whether it leads to the path and host that the request was sent to, which no earlier route took.
    private func isSameRequest(_ redirect: RedirectConfiguration, _ match: RouteMatch) -> Bool {
        guard redirect.path == nil else { return false }
        guard redirect.authority != nil else { return true }
        if match.authorities.count == 1, case .exact = match.authorities[0] { return true } else { return false }
    }

    /// Whether an earlier route may take a request that follows the redirect of a route with that match.
    private func mayTake(_ earlier: RouteConfiguration, _ redirect: RedirectConfiguration, _ own: RouteMatch) -> Bool {
        earlier.match.targets.contains { target in own.targets.contains { mayTake(target, redirect, $0) } }
    }

    private func mayTake(
        _ target: RouteMatch.Target, _ redirect: RedirectConfiguration, _ own: RouteMatch.Target
    ) -> Bool {
        switch (redirect.path, target) {
        case (.whole(let template), _):
            return template.constant.map { target.takes(String(decoding: $0, as: UTF8.self)) } ?? true
        case (nil, _):
            guard case .path(let path) = own else { return true }
            return target.takes(path)
        case (.prefix(let prefix), .path(let path)), (.prefix(let prefix), .subtree(let path)),
            (.prefix(let prefix), .prefix(let path)):
            return path.utf8.starts(with: prefix) || prefix.starts(with: path.utf8)
        default: return true
        }
    }
}

extension RouteMatch.Target {
    /// Whether a path that has no query is one of these.
    fileprivate func takes(_ path: String) -> Bool {
        switch self {
        case .any: true
        case .service, .services: false
        case .path(let own): own == path
        case .prefix(let own): path.hasPrefix(own)
        case .subtree(let own): path == own || path.hasPrefix("\(own)/")
        case .regex(let expression): expression.matches(path)
        }
    }

    /// Whether the name of a service that it takes may begin so.
    fileprivate func mayBegin(with text: String) -> Bool {
        switch self {
        case .service(let name): name.hasPrefix(text)
        case .services(let package): "\(package).".hasPrefix(text) || text.hasPrefix("\(package).")
        case .any, .path, .prefix, .subtree, .regex: false
        }
    }
}
