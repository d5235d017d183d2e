internal import Bytes
internal import HTTPModel
internal import Matching

/// Finds the routes that can never be taken because one earlier route takes all of their requests, and the authorities, services,
/// paths and prefixes of a route of which that is so.
///
/// Each route is asked, once for every shape in use, whether a route of that shape with its own (or wider) answers came
/// before; so a hundred thousand routes are checked in one pass. Routes that ask for more than a key says are looked at one by
/// one, where they have one key. Several earlier routes that only together take
/// everything are not noticed.
package struct RouteCoverage {
    package struct Collision: Equatable, Sendable {
        package let route: Int
        package let coveredBy: Int
        /// What of the route is never reached; `nil` for all of it.
        package let part: Part?

        package init(route: Int, coveredBy: Int, part: Part? = nil) {
            self.route = route
            self.coveredBy = coveredBy
            self.part = part
        }
    }

    package enum Part: Equatable, Sendable {
        case authority(Int)
        case target(Int)
    }

    private struct Earlier {
        var route: Int
        var conditions: [RouteCondition]
    }

    private var shapes: [RouteShape] = []
    private var seenShapes: Set<RouteShape> = []
    private var routes: [RouteKey: [Earlier]] = [:]

    /// In the order of the routes; each is reported once, with the first route that covers it.
    package static func findings(in matches: [RouteMatch]) -> [Collision] {
        var coverage = RouteCoverage()
        return matches.enumerated().flatMap { route, match in
            let found = coverage.findings(of: match, route)
            if found.allSatisfy({ $0.part != nil }) { coverage.add(match, route) }
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
        let covering = alternatives.map { coveringRoutes(of: $0, match) }
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

    private func coveringRoutes(of alternative: RouteMatch.Alternative, _ match: RouteMatch) -> Set<Int> {
        let target = match.targets[alternative.target]
        let wider = shapes.flatMap { shape in alternative.key.widened(to: shape, match, target).flatMap { routes[$0] } ?? [] }
        return Set(wider.filter { $0.conditions.allSatisfy { $0.isImplied(by: match, target) } }.map(\.route))
    }

    private mutating func add(_ match: RouteMatch, _ route: Int) {
        let conditions = match.targets.map { match.conditions(for: $0) }
        for alternative in match.alternatives {
            let key = alternative.key
            routes[key, default: []].append(Earlier(route: route, conditions: conditions[alternative.target]))
            if seenShapes.insert(key.shape).inserted { shapes.append(key.shape) }
        }
    }
}

extension RouteKey {
    /// The one key of `shape` that takes everything this key takes, of a match and one of its targets; `nil` where none does.
    func widened(to shape: RouteShape, _ match: RouteMatch, _ meant: RouteMatch.Target) -> RouteKey? {
        guard let authority = widenedAuthority(to: shape.authority), let target = widenedTarget(to: shape.target, meant),
            let values = widenedValues(to: shape.headers, match)
        else { return nil }
        var key = self
        key.shape = shape
        key.authority = authority
        key.target = target
        key.values = values
        return key
    }

    private func widenedAuthority(to wanted: RouteShape.Authority) -> String? {
        switch (shape.authority, wanted) {
        case (_, .any): return ""
        case (.exact, .exact): return authority
        case (.exact, .suffix(let labels)) where Self.labelCount(authority) > labels: return lastLabels(labels)
        case (.suffix(let own), .suffix(let labels)) where own >= labels: return lastLabels(labels)
        default: return nil
        }
    }

    private func lastLabels(_ count: Int) -> String {
        authority.split(separator: ".", omittingEmptySubsequences: false).suffix(count).joined(separator: ".")
    }

    private func widenedTarget(to wanted: RouteShape.Target, _ meant: RouteMatch.Target) -> String? {
        switch (shape.target, wanted) {
        case (_, .any): return ""
        case (.service, .service), (.path, .path): return target
        case (.path, .service): return serviceOfPath
        case (.path, .services(let names)): return serviceOfPath.flatMap { Self.firstNames(names, of: $0) }
        case (.service, .services(let names)): return Self.firstNames(names, of: target)
        case (.services(let own), .services(let names)) where own >= names:
            return own == names ? target : Self.firstNames(names, of: target)
        case (.path, .prefix(let depth)) where Self.segmentCount(target) > depth: return firstSegments(depth)
        case (.prefix(let own), .prefix(let depth)) where own >= depth: return firstSegments(depth)
        case (.any, .prefix(let depth)):
            guard case .regex(let expression) = meant else { return nil }
            let common = expression.commonPrefix
            return Self.segmentCount(common) > depth ? Self.firstSegments(depth, of: common) : nil
        // Every call of a service is sent to `/service/method`.
        case (.service, .prefix(let depth)) where depth <= 1: return depth == 0 ? "/" : "/\(target)/"
        case (.services, .prefix(0)): return "/"
        default: return nil
        }
    }

    private var serviceOfPath: String? {
        var path = target
        let count = path.withUTF8 { (try? PathShape(BorrowedBytes($0)))?.serviceCount ?? 0 }
        return count > 0 ? String(target.utf8.dropFirst().prefix(count)) : nil
    }

    /// As `RouteLookup` has them.
    private static func firstNames(_ count: Int, of service: String) -> String? {
        let names = service.split(separator: ".", omittingEmptySubsequences: false)
        return names.count > count ? names.prefix(count).joined(separator: ".") : nil
    }

    private func firstSegments(_ count: Int) -> String { Self.firstSegments(count, of: target) }

    private static func firstSegments(_ count: Int, of path: String) -> String {
        "/" + path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().prefix(count).map { $0 + "/" }.joined()
    }

    private func widenedValues(to wanted: [RouteShape.Header], _ match: RouteMatch) -> [String]? {
        var result: [String] = []
        for header in wanted {
            if !header.isExact, match.headers.contains(where: { $0.name == header.name && ValueMatch.present.covers($0.value) }) {
                continue
            }
            guard let own = shape.headers.firstIndex(where: { $0.name == header.name && ($0.isExact || !header.isExact) })
            else { return nil }
            if header.isExact { result.append(values[shape.headers[..<own].count { $0.isExact }]) }
        }
        return result
    }
}
