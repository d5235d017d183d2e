internal import Config
internal import HTTPModel
internal import Matching
internal import Protobuf
internal import Routing
internal import Transcoding

/// Calls that two routes would take by HTTP: what only shows when schemas and routes are held against each other.
package struct SchemaConflicts {
    package struct Conflict: Equatable {
        /// The place, among the routes that are written, of the one to look at.
        package let route: Int
        package let text: String
    }

    private let routes: [DescribedRoute]
    private let clusters: [String]
    /// Before the routes that are written come those of the document and its page.
    private let pageCount: Int
    private var takers: [Call: Taker] = [:]
    private var paths: [String: [Int]] = [:]
    private var expressions: [(expression: RegularExpression, route: Int)] = []
    package private(set) var findings: [Conflict] = []

    private struct Call: Hashable {
        /// `nil` for all.
        var listener: String?
        var authority: RouteMatch.Authority
        var headers: [FieldMatch]
        var query: [FieldMatch]
        var verb: String
        var path: String
    }

    private struct Taker {
        var route: Int
        var schema: ObjectIdentifier
        var method: String
    }

    package init(_ routes: [DescribedRoute], clusters: [String]) {
        self.routes = routes
        self.clusters = clusters
        pageCount = routes.count(where: \.isPage)
        guard routes.contains(where: { $0.plan != nil }) else { return }
        for route in routes {
            if let plan = route.plan { check(route, plan) }
            for target in route.match.targets {
                switch target {
                case .path(let path): paths[path, default: []].append(route.index)
                case .prefix(let prefix): paths[prefix, default: []].append(route.index)
                case .subtree(let path): for key in [path, path + "/"] { paths[key, default: []].append(route.index) }
                case .regex(let expression): expressions.append((expression, route.index))
                case .any, .service, .services: break
                }
            }
        }
    }

    private mutating func check(_ route: DescribedRoute, _ plan: TranscodingPlan) {
        var captured: [(by: Int, calls: [String])] = []
        for binding in plan.bindings {
            let method = plan.schema.methods[binding.method]
            guard let shape = binding.shape, route.match.reaches(method, binding) else { continue }
            if route.match.isOfServices, let earlier = captor(of: shape, verb: binding.verb, before: route) {
                if let place = captured.firstIndex(where: { $0.by == earlier }) {
                    captured[place].calls.append(binding.text)
                } else {
                    captured.append((earlier, [binding.text]))
                }
                continue
            }
            let listeners: [String?] = route.match.listeners.isEmpty ? [nil] : route.match.listeners
            let calls = listeners.flatMap { listener in
                route.match.authorities.map {
                    Call(
                        listener: listener, authority: $0, headers: route.match.headers, query: route.match.query,
                        verb: binding.verb,
                        path: shape.path)
                }
            }
            let schema = ObjectIdentifier(plan.schema)
            if let taker = calls.compactMap({ taker(of: $0) }).first(where: { $0.schema != schema }) {
                report(route, binding, method, taker)
            }
            for call in calls where takers[call] == nil {
                takers[call] = Taker(route: route.index, schema: schema, method: method.fullName)
            }
        }
        for (earlier, calls) in captured {
            let more = calls.count > 1 ? " and \(calls.count - 1) more" : ""
            findings.append(
                Conflict(
                    route: earlier - pageCount,
                    text: "takes \(calls[0])\(more), which \(name(of: route)) would by the schema of its cluster; "
                        + "rules and limits there do not apply"))
        }
    }

    /// The first route that takes a call on its listener, or on all.
    private func taker(of call: Call) -> Taker? {
        var onAll = call
        onAll.listener = nil
        return [takers[call], takers[onAll]].compactMap(\.self).min { $0.route < $1.route }
    }

    private mutating func report(_ route: DescribedRoute, _ binding: Binding, _ method: MethodSchema, _ taker: Taker) {
        let other = routes[taker.route]
        findings.append(
            Conflict(
                route: route.index - pageCount,
                text:
                    "\(binding.text) is \(method.fullName) of cluster \(Quoted.text(clusters[route.cluster])), and \(taker.method) "
                    + "of cluster \(Quoted.text(clusters[other.cluster])) on \(name(of: other)), which takes it"))
    }

    private func name(of route: DescribedRoute) -> String { "routes[\(route.index - pageCount)] (\(Quoted.text(route.name)))" }

    /// The first route by path that takes what the rule takes.
    private func captor(of shape: BindingShape, verb: String, before route: DescribedRoute) -> Int? {
        let own = shape.isLiteral ? paths[shape.path] ?? [] : []
        let matching = shape.isFixed ? expressions.filter { $0.expression.matches(shape.path) }.map(\.route) : []
        let candidates = own + matching + shape.prefixes.flatMap { paths[$0] ?? [] }
        return candidates.filter {
            $0 < route.index && routes[$0].match.takes(verb: verb) && covers(routes[$0].match, route.match)
        }.min()
    }

    private func covers(_ wide: RouteMatch, _ narrow: RouteMatch) -> Bool {
        wide.headers.allSatisfy(narrow.headers.contains) && wide.query.allSatisfy(narrow.query.contains)
            && wide.coversListeners(of: narrow) && narrow.authorities.allSatisfy(wide.covers)
    }
}
