internal import Bytes
internal import HTTPModel
internal import Matching

/// Finds the routes that can never be taken because one earlier route takes all of their requests.
///
/// Each route is asked, once for every shape in use, whether a route of that shape with its own (or wider) answers came
/// before; so a hundred thousand routes are checked in one pass. Routes that ask for more than a key says are looked at one by
/// one, where they have one key. Several earlier routes that only together take
/// everything are not noticed.
package struct RouteCoverage {
    package struct Collision: Equatable, Sendable {
        package let route: Int
        package let coveredBy: Int
    }

    /// In the order of the routes; each is reported once, with the first route that covers it.
    package static func findings(in matches: [RouteMatch]) -> [Collision] {
        var findings: [Collision] = []
        var shapes: [RouteShape] = []
        var seenShapes: Set<RouteShape> = []
        var routes: [RouteKey: [Int]] = [:]
        let conditions = matches.map(\.conditions)
        for (route, match) in matches.enumerated() {
            let keys = RouteKey.keys(of: match)
            var covering: Set<Int>?
            for key in keys where covering?.isEmpty != true {
                let wider = shapes.flatMap { shape in key.widened(to: shape, match).flatMap { routes[$0] } ?? [] }
                let found = Set(wider.filter { conditions[$0].allSatisfy { $0.isImplied(by: match) } })
                covering = covering?.intersection(found) ?? found
            }
            if let coveredBy = covering?.min() {
                findings.append(Collision(route: route, coveredBy: coveredBy))
                continue
            }
            for key in keys {
                routes[key, default: []].append(route)
                if seenShapes.insert(key.shape).inserted { shapes.append(key.shape) }
            }
        }
        return findings
    }
}

extension RouteKey {
    /// The one key of `shape` that takes everything this key of `match` takes; `nil` where none does.
    func widened(to shape: RouteShape, _ match: RouteMatch) -> RouteKey? {
        guard let authority = widenedAuthority(to: shape.authority), let target = widenedTarget(to: shape.target, match),
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

    private func widenedTarget(to wanted: RouteShape.Target, _ match: RouteMatch) -> String? {
        switch (shape.target, wanted) {
        case (_, .any): return ""
        case (.service, .service), (.path, .path): return target
        case (.path, .service): return serviceOfPath
        case (.path, .prefix(let depth)) where Self.segmentCount(target) > depth: return firstSegments(depth)
        case (.prefix(let own), .prefix(let depth)) where own >= depth: return firstSegments(depth)
        case (.any, .prefix(let depth)):
            guard case .regex(let expression) = match.target else { return nil }
            let common = expression.commonPrefix
            return Self.segmentCount(common) > depth ? Self.firstSegments(depth, of: common) : nil
        // Every call of a service is sent to `/service/method`.
        case (.service, .prefix(let depth)) where depth <= 1: return depth == 0 ? "/" : "/\(target)/"
        default: return nil
        }
    }

    private var serviceOfPath: String? {
        var path = target
        let count = path.withUTF8 { (try? PathShape(BorrowedBytes($0)))?.serviceCount ?? 0 }
        return count > 0 ? String(target.utf8.dropFirst().prefix(count)) : nil
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
