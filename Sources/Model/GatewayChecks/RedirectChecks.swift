internal import Config
internal import GatewayModel
internal import Matching
internal import Routing
internal import Transport

/// Redirects that lead back to themselves, at once or by other redirects.
///
/// Each is followed by example: a request that its route takes on each of its listeners, for as long as it is certain which route
/// takes the next one. What headers and parameters make of requests, and where hosts lead that no route names, cannot be seen.
struct RedirectChecks {
    private let configuration: GatewayConfiguration
    private let findings: Findings
    /// Of each listener.
    private let routes: [Routes]

    private struct Routes {
        var all = RouteIndex()
        /// As if none asked for headers or parameters: what may take a request.
        var possible = RouteIndex()
    }

    /// Browsers give up about then (Fetch, section 4.4).
    private static let stepsMax = 20

    init(_ configuration: GatewayConfiguration, _ findings: Findings) {
        self.configuration = configuration
        self.findings = findings
        let redirects = configuration.routes.contains { if case .redirect = $0.action { true } else { false } }
        routes =
            !redirects
            ? []
            : configuration.listeners.map { listener in
                var routes = Routes()
                for (place, route) in configuration.routes.enumerated() where route.isServed(by: listener) {
                    var match = route.match
                    match.listeners = []
                    routes.all.add(match, place)
                    (match.headers, match.query) = ([], [])
                    routes.possible.add(match, place)
                }
                return routes
            }
    }

    /// The next request of a caller that follows redirects by GET.
    private struct Request {
        var listener: Int
        /// `.any` for a host that no route names.
        var authority: RouteMatch.Authority
        /// `nil` for one that only the route's expression knows.
        var path: String?
    }

    func run() {
        guard !routes.isEmpty else { return }
        for (index, route) in configuration.routes.enumerated() {
            guard case .redirect(let redirect) = route.action, route.match.headers.isEmpty, route.match.query.isEmpty,
                let loop = loop(from: index)
            else { continue }
            if loop.count == 1 {
                report(redirect, of: route, at: index)
            } else if loop.min() == index {
                let others = loop.dropFirst().map { "\(findings.places.place(of: .route($0)).path) (\(Quoted.text(name($0))))" }
                findings.report(
                    "leads back to itself by \(others.joined(separator: " and ")), expected one of them to lead elsewhere",
                    at: ConfigurationPath.route(index)["redirect"])
            }
        }
    }

    private func name(_ route: Int) -> String { configuration.routes[route].name }

    private func report(_ redirect: RedirectConfiguration, of route: RouteConfiguration, at index: Int) {
        let others = configuration.listeners.filter { listener in
            redirect.scheme.map { $0 != listener.scheme } ?? false && route.isServed(by: listener)
        }
        let listeners =
            others.isEmpty ? "" : "listeners: [\(others.map(\.name).joined(separator: ", "))] beside it, or "
        findings.report(
            "leads to itself: the route takes requests\(redirect.scheme.map { " by \($0.rawValue)" } ?? "") that follow it again, "
                + "expected \(listeners)another authority or path",
            at: ConfigurationPath.route(index)["redirect"])
    }

    /// The routes by which a redirect leads back to its own, which is the first; `nil` where it does not.
    private func loop(from index: Int) -> [Int]? {
        let match = configuration.routes[index].match
        for listener in configuration.listeners.indices
        where configuration.routes[index].isServed(by: configuration.listeners[listener]) {
            for authority in match.authorities {
                for path in match.targets.flatMap(\.examples) {
                    let request = Request(listener: listener, authority: authority, path: path)
                    guard path == nil || taker(of: request, among: \.all) == index else { continue }
                    if let loop = follow(request, from: index) { return loop }
                }
            }
        }
        return nil
    }

    private func follow(_ first: Request, from index: Int) -> [Int]? {
        var (request, routes) = (first, [index])
        while routes.count <= Self.stepsMax, let last = routes.last,
            case .redirect(let redirect) = configuration.routes[last].action,
            let next = target(of: redirect, for: request, on: configuration.routes[last].match),
            let taker = taker(of: next, after: request, redirect, from: last)
        {
            if taker == index { return routes }
            if routes.contains(taker) { return nil }
            routes.append(taker)
            request = next
        }
        return nil
    }

    // MARK: One step

    /// `nil` where it cannot be seen, or another server has it.
    private func target(of redirect: RedirectConfiguration, for request: Request, on match: RouteMatch) -> Request? {
        var next = request
        var port: Substring?
        if let written = redirect.authority {
            let parts = AuthorityText.split(String(decoding: written, as: UTF8.self))
            guard let authority = try? RouteMatch.Authority(String(parts.host)) else { return nil }
            (next.authority, port) = (authority, parts.port)
        }
        guard let listener = listener(after: request.listener, redirect.scheme, port) else { return nil }
        next.listener = listener
        switch redirect.path {
        case nil: break
        case .whole(let template):
            guard let path = template.path(after: request.path) else { return nil }
            next.path = path
        case .prefix(let prefix):
            guard let path = request.path, let matched = match.targets.compactMap({ $0.prefix(of: path) }).first else { return nil }
            let rest = path.dropFirst(matched.count)
            let new = String(decoding: prefix, as: UTF8.self)
            next.path = new == "/" ? (rest.isEmpty ? "/" : String(rest)) : new + rest
        case .groups(let pieces):
            guard let path = request.path, let new = match.targets.lazy.compactMap({ $0.path(of: pieces, in: path) }).first else {
                return nil
            }
            next.path = new
        }
        return next
    }

    private func listener(after own: Int, _ scheme: RedirectConfiguration.Scheme?, _ port: Substring?) -> Int? {
        let listeners = configuration.listeners
        let wanted = scheme ?? listeners[own].scheme
        let candidates = listeners.indices.filter { listeners[$0].scheme == wanted }
        func only(_ places: [Int]) -> Int? { places.count == 1 ? places[0] : nil }
        if let port { return only(candidates.filter { listeners[$0].address.port.map(String.init) == String(port) }) }
        if candidates.contains(own) { return own }
        return only(candidates) ?? only(candidates.filter { listeners[$0].address.port == (wanted == .https ? 443 : 80) })
    }

    /// The route that takes a request that follows a redirect; `nil` where it is not certain.
    private func taker(of next: Request, after request: Request, _ redirect: RedirectConfiguration, from index: Int) -> Int? {
        guard next.path != nil else {
            let route = configuration.routes[index]
            return route.isServed(by: configuration.listeners[next.listener]) && route.match.covers(next.authority) ? index : nil
        }
        guard let taker = taker(of: next, among: \.all) else { return nil }
        let match = configuration.routes[taker].match
        if redirect.authority != nil, !match.authorities.contains(where: { $0 != .any && $0.covers(next.authority) }) { return nil }
        // What headers and parameters made of the first request they make of the same one again.
        let isSame = next.path == request.path && next.authority == request.authority
        return isSame || self.taker(of: next, among: \.possible) == taker ? taker : nil
    }

    private func taker(of request: Request, among index: KeyPath<Routes, RouteIndex>) -> Int? {
        guard let path = request.path else { return nil }
        return routes[request.listener][keyPath: index].first(
            covering: RouteMatch(authority: request.authority, target: .path(path), httpMethods: ["GET"]))
    }
}

extension CallTemplate {
    /// The path that it makes of a request's; `nil` where more of the request decides.
    fileprivate func path(after path: String?) -> String? {
        var new = ""
        for part in parts {
            switch part {
            case .text(let text): new += String(decoding: text, as: UTF8.self)
            case .variable(.requestPath, _):
                guard let path else { return nil }
                new += path
            case .variable: return nil
            }
        }
        return new
    }
}

extension RouteConfiguration {
    fileprivate func isServed(by listener: ListenerConfiguration) -> Bool {
        match.listeners.isEmpty || match.listeners.contains(listener.name)
    }
}

extension ListenerConfiguration {
    fileprivate var scheme: RedirectConfiguration.Scheme { tls == nil ? .http : .https }
}

extension RouteMatch.Target {
    /// Paths that it takes; `nil` for one that is not known.
    fileprivate var examples: [String?] {
        switch self {
        case .any: return ["/~"]
        case .path(let path): return [path]
        case .prefix(let path): return [path + "~"]
        case .subtree(let path): return [path, path + "/~"]
        case .regex(let expression):
            let beginning = expression.commonPrefix
            return [["", "a", "1", "/a"].map { beginning + $0 }.first { $0.hasPrefix("/") && expression.matches($0) }]
        case .service, .services: return []
        }
    }

    /// A path made of the groups that its expression finds in another; `nil` where it is none, or does not match.
    fileprivate func path(of pieces: [RewriteConfiguration.Piece], in path: String) -> String? {
        guard case .regex(let expression) = self else { return nil }
        var new: [UInt8] = []
        let isMatch = Array(path.utf8).withUnsafeBytes { bytes in
            expression.withGroups(of: bytes, through: 9) { group in
                for piece in pieces {
                    switch piece {
                    case .text(let text): new += text
                    case .group(let number): new += group(number)
                    }
                }
            }
        }
        return isMatch ? String(decoding: new, as: UTF8.self) : nil
    }

    /// What of a path `prefix:` matched, without the slash that parts it from the rest.
    fileprivate func prefix(of path: String) -> String? {
        switch self {
        case .subtree(let own): path == own || path.hasPrefix("\(own)/") ? own : nil
        case .prefix("/"): ""
        case .any, .service, .services, .path, .prefix, .regex: nil
        }
    }
}
