internal import Bytes
internal import HTTPModel
internal import Matching

/// Routes by their keys, asked which of them take everything that another match takes: for checks, not for requests.
///
/// One question costs a look-up for every shape in use, however many routes there are; routes that ask for more than a key says
/// are looked at one by one, where they have one key.
package struct RouteIndex {
    private struct Entry {
        var route: Int
        var conditions: [RouteCondition]
    }

    private var shapes: [RouteShape] = []
    private var seenShapes: Set<RouteShape> = []
    private var entries: [RouteKey: [Entry]] = [:]

    package init() {}

    package mutating func add(_ match: RouteMatch, _ route: Int) {
        let conditions = match.targets.map { match.conditions(for: $0) }
        for alternative in match.alternatives {
            let key = alternative.key
            entries[key, default: []].append(Entry(route: route, conditions: conditions[alternative.target]))
            if seenShapes.insert(key.shape).inserted { shapes.append(key.shape) }
        }
    }

    /// The routes that take what `match` takes by one of its keys.
    func covering(_ alternative: RouteMatch.Alternative, of match: RouteMatch) -> Set<Int> {
        let target = match.targets[alternative.target]
        let candidates = shapes.flatMap { shape in
            alternative.key.widened(to: shape, match, target).flatMap { entries[$0] } ?? []
        }
        return Set(candidates.filter { $0.conditions.allSatisfy { $0.isImplied(by: match, target) } }.map(\.route))
    }

    /// The first route that takes all requests that `match` takes.
    package func first(covering match: RouteMatch) -> Int? {
        let covering = match.alternatives.map { self.covering($0, of: match) }
        return covering.dropFirst().reduce(covering.first ?? []) { $0.intersection($1) }.min()
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
