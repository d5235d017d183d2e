/// Finds the routes that can never be taken because one earlier route takes all of their requests, and the listeners, authorities,
/// services, paths and prefixes of a route of which that is so.
///
/// Each route is asked, once for every shape in use, whether a route of that shape with its own (or wider) answers came
/// before; so a hundred thousand routes are checked in one pass, or one for each listener where routes ask for one. Several earlier
/// routes that only together take everything are not noticed.
package struct RouteCoverage {
    package struct Collision: Equatable, Sendable {
        package let route: Int
        package let coveredBy: Int
        /// What of the route is never reached; `nil` for all of it.
        package let part: Part?
        /// Those that take its requests of other listeners.
        package let elsewhere: [Int]

        package init(route: Int, coveredBy: Int, part: Part? = nil, elsewhere: [Int] = []) {
            self.route = route
            self.coveredBy = coveredBy
            self.part = part
            self.elsewhere = elsewhere
        }
    }

    package enum Part: Equatable, Sendable {
        case listener(Int)
        case authority(Int)
        case target(Int)
    }

    private var index = RouteIndex()

    /// In the order of the routes; each is reported once, with the first route that covers it.
    ///
    /// - Parameter listeners: the names of all that there are.
    package static func findings(in matches: [RouteMatch], listeners: [String] = []) -> [Collision] {
        guard matches.contains(where: { !$0.listeners.isEmpty }) else { return findings(in: matches, from: matches.indices) }
        var found: [[String: [Collision]]] = Array(repeating: [:], count: matches.count)
        for listener in listeners {
            let served = matches.indices.filter { matches[$0].listeners.isEmpty || matches[$0].listeners.contains(listener) }
            for finding in findings(in: matches, from: served) { found[finding.route][listener, default: []].append(finding) }
        }
        return matches.indices.flatMap { route in
            found[route].isEmpty ? [] : summary(of: found[route], matches[route], listeners, route)
        }
    }

    /// What is found of one route on each listener.
    private static func summary(
        of found: [String: [Collision]], _ match: RouteMatch, _ listeners: [String], _ route: Int
    ) -> [Collision] {
        let own = match.listeners.isEmpty ? listeners : match.listeners.filter(listeners.contains)
        let whole = own.map { listener in found[listener]?.first { $0.part == nil } }
        let covering = whole.compactMap { $0?.coveredBy }
        if covering.count == own.count, let first = covering.min() {
            return [Collision(route: route, coveredBy: first, elsewhere: Set(covering).subtracting([first]).sorted())]
        }
        // A route for all listeners is meant for those that are left.
        let unreached =
            match.listeners.isEmpty
            ? []
            : match.listeners.enumerated().compactMap { place, listener in
                found[listener]?.first { $0.part == nil }.map {
                    Collision(route: route, coveredBy: $0.coveredBy, part: .listener(place))
                }
            }
        let reached = zip(own, whole).filter { $0.1 == nil }.map { found[$0.0] ?? [] }
        let parts = (reached.first ?? []).filter { finding in
            reached.allSatisfy { $0.contains { $0.part == finding.part } }
        }
        return unreached + parts
    }

    private static func findings(in matches: [RouteMatch], from served: some Sequence<Int>) -> [Collision] {
        var coverage = RouteCoverage()
        return served.flatMap { route in
            var match = matches[route]
            match.listeners = []
            let found = coverage.findings(of: match, route)
            if found.allSatisfy({ $0.part != nil }) { coverage.index.add(match, route) }
            return found
        }
    }

    /// The elements of one list of a route that others of it cover, wherever they stand, each with the place of the first of those.
    package static func redundant(_ targets: [RouteMatch.Target]) -> [(element: Int, coveredBy: Int)] {
        redundant(targets.map { RouteMatch(target: $0) })
    }

    package static func redundant(_ authorities: [RouteMatch.Authority]) -> [(element: Int, coveredBy: Int)] {
        redundant(authorities.map { RouteMatch(authority: $0) })
    }

    package static func redundant(_ listeners: [String]) -> [(element: Int, coveredBy: Int)] {
        listeners.enumerated().compactMap { place, name in
            listeners.firstIndex(of: name).flatMap { $0 < place ? (element: place, coveredBy: $0) : nil }
        }
    }

    private static func redundant(_ elements: [RouteMatch]) -> [(element: Int, coveredBy: Int)] {
        let last = elements.count - 1
        let later = findings(in: elements.reversed()).map { (element: last - $0.route, coveredBy: last - $0.coveredBy) }
        let earlier = findings(in: elements).map { (element: $0.route, coveredBy: $0.coveredBy) }
        // Of two that are equal the later one is too many.
        let others = later.filter { found in !earlier.contains { $0.element == found.coveredBy || $0.element == found.element } }
        return (earlier + others).sorted { $0.element < $1.element }
    }

    private func findings(of match: RouteMatch, _ route: Int) -> [Collision] {
        let alternatives = match.alternatives
        let covering = alternatives.map { index.covering($0, of: match) }
        func first(where isMeant: (RouteMatch.Alternative) -> Bool) -> Int? {
            let sets = zip(alternatives, covering).filter { isMeant($0.0) }.map(\.1)
            return sets.dropFirst().reduce(sets.first ?? []) { $0.intersection($1) }.min()
        }
        if let coveredBy = first(where: { _ in true }) { return [Collision(route: route, coveredBy: coveredBy)] }
        var findings: [Collision] = []
        if match.authorities.count > 1 {
            for place in match.authorities.indices {
                guard let coveredBy = first(where: { $0.authority == place }) else { continue }
                findings.append(Collision(route: route, coveredBy: coveredBy, part: .authority(place)))
            }
        }
        if match.targets.count > 1 {
            for place in match.targets.indices {
                guard let coveredBy = first(where: { $0.target == place }) else { continue }
                findings.append(Collision(route: route, coveredBy: coveredBy, part: .target(place)))
            }
        }
        return findings
    }
}
