internal import Config
internal import Protobuf
internal import Transcoding

/// Calls that two routes would take by HTTP: what only shows when schemas and routes are held against each other.
struct SchemaConflicts {
    struct Finding: Equatable {
        /// The place, among the routes, of the one to look at.
        let route: Int
        let text: String
    }

    private let routes: [Route]
    private let clusters: [ClusterPlan]
    private var takers: [Call: Taker] = [:]
    private var paths: [String: [Int]] = [:]
    private(set) var findings: [Finding] = []

    private struct Call: Hashable {
        var authority: RouteMatch.Authority
        var headers: [HeaderCondition]
        var verb: String
        var path: String
    }

    private struct Taker {
        var route: Int
        var schema: ObjectIdentifier
        var method: String
    }

    init(_ routes: [Route], _ clusters: [ClusterPlan]) {
        self.routes = routes
        self.clusters = clusters
        guard routes.contains(where: { $0.transcoding != nil }) else { return }
        for route in routes {
            if let plan = route.transcoding { check(route, plan) }
            switch route.match.target {
            case .path(let path): paths[path, default: []].append(route.index)
            case .prefix(let prefix): paths[prefix, default: []].append(route.index)
            case .any, .service: break
            }
        }
    }

    private mutating func check(_ route: Route, _ plan: TranscodingPlan) {
        var captured: [(by: Int, calls: [String])] = []
        for binding in plan.bindings {
            let method = plan.schema.methods[binding.method]
            guard let shape = binding.shape, reaches(route, method, shape) else { continue }
            if case .service = route.match.target, let earlier = captor(of: shape, before: route) {
                if let place = captured.firstIndex(where: { $0.by == earlier }) {
                    captured[place].calls.append(binding.text)
                } else {
                    captured.append((earlier, [binding.text]))
                }
                continue
            }
            let call = Call(
                authority: route.match.authority, headers: route.match.headers, verb: binding.verb, path: shape.path)
            if let taker = takers[call] {
                if taker.schema != ObjectIdentifier(plan.schema) { report(route, binding, method, taker) }
            } else {
                takers[call] = Taker(route: route.index, schema: ObjectIdentifier(plan.schema), method: method.fullName)
            }
        }
        for (earlier, calls) in captured {
            let more = calls.count > 1 ? " and \(calls.count - 1) more" : ""
            findings.append(
                Finding(
                    route: earlier,
                    text: "takes \(calls[0])\(more), which \(name(of: route)) would by the schema of its cluster; "
                        + "rules and limits there do not apply"))
        }
    }

    private mutating func report(_ route: Route, _ binding: Binding, _ method: MethodSchema, _ taker: Taker) {
        let other = routes[taker.route]
        findings.append(
            Finding(
                route: route.index,
                text: "\(binding.text) is \(method.fullName) of cluster \(Quoted.text(clusters[route.cluster].name)), and \(taker.method) "
                    + "of cluster \(Quoted.text(clusters[other.cluster].name)) on \(name(of: other)), which takes it"))
    }

    private func name(of route: Route) -> String { "routes[\(route.index)] (\(Quoted.text(route.name)))" }

    /// Whether a call of this method comes to the route, by its RPC or by its HTTP path.
    private func reaches(_ route: Route, _ method: MethodSchema, _ shape: BindingShape) -> Bool {
        switch route.match.target {
        case .any: true
        case .service(let service): method.serviceName == service
        case .path(let path): method.path == path || shape.isLiteral && shape.path == path
        case .prefix(let prefix): method.path.hasPrefix(prefix) || Self.prefixes(of: shape).contains(prefix)
        }
    }

    /// The first route by path that takes what the rule takes, but for `**` that is empty.
    private func captor(of shape: BindingShape, before route: Route) -> Int? {
        let own = shape.isLiteral ? paths[shape.path] ?? [] : []
        let candidates = own + Self.prefixes(of: shape).flatMap { paths[$0] ?? [] }
        return candidates.filter { $0 < route.index && covers(routes[$0].match, route.match) }.min()
    }

    /// `/`, `/v1/`, …: all that every path of the rule begins with and that ends with a slash.
    private static func prefixes(of shape: BindingShape) -> [String] {
        var prefix = "/"
        var prefixes = [prefix]
        for literal in shape.isLiteral ? shape.literals.dropLast() : shape.literals[...] {
            prefix += literal + "/"
            prefixes.append(prefix)
        }
        // A verb comes behind the last literal, and no slash.
        if !shape.isLiteral, !shape.path.contains("*") { prefixes.removeLast() }
        return prefixes
    }

    private func covers(_ wide: RouteMatch, _ narrow: RouteMatch) -> Bool {
        guard wide.headers.allSatisfy(narrow.headers.contains) else { return false }
        switch (wide.authority, narrow.authority) {
        case (.any, _): return true
        case (.suffix(let wide), .suffix(let narrow)): return narrow == wide || narrow.hasSuffix(".\(wide)")
        case (.suffix(let wide), .exact(let narrow)): return narrow.hasSuffix(".\(wide)")
        case (.exact(let wide), .exact(let narrow)): return wide == narrow
        default: return false
        }
    }
}
