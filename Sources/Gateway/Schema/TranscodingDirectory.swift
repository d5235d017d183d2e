internal import Bytes
internal import Glibc
internal import Protobuf
internal import Transcoding

/// Which methods requests may mean, by the authority that they are addressed to: what other hosts' routes lead to costs a
/// request nothing.
final class TranscodingDirectory: Sendable {
    private struct Entry {
        var name: [UInt8]
        var index: TranscodingIndex
    }

    /// In the order of their bytes.
    private let exact: [Entry]
    /// Without `*.`, likewise.
    private let suffixes: [Entry]
    private let any: TranscodingIndex?

    /// - Parameter routes: all, in order; those without a schema are passed over.
    init(_ routes: [Route]) {
        var plans: [RouteMatch.Authority: [TranscodingPlan]] = [:]
        for route in routes {
            guard let plan = route.transcoding else { continue }
            // Routes that print otherwise share a schema and its rules.
            if plans[route.match.authority]?.contains(where: { $0.schema === plan.schema }) == true { continue }
            plans[route.match.authority, default: []].append(plan)
        }
        var exact: [Entry] = []
        var suffixes: [Entry] = []
        for (authority, plans) in plans {
            switch authority {
            case .any: continue
            case .exact(let name): exact.append(Entry(name: Array(name.utf8), index: TranscodingIndex(plans)))
            case .suffix(let name): suffixes.append(Entry(name: Array(name.utf8), index: TranscodingIndex(plans)))
            }
        }
        self.exact = exact.sorted { $0.name.lexicographicallyPrecedes($1.name) }
        self.suffixes = suffixes.sorted { $0.name.lexicographicallyPrecedes($1.name) }
        any = plans[.any].map { TranscodingIndex($0) }
    }

    var isEmpty: Bool { exact.isEmpty && suffixes.isEmpty && any == nil }

    typealias Accepts = (_ plan: TranscodingPlan, _ method: MethodSchema) -> Bool

    /// - Parameter accepts: whether the request may mean this method of this plan. Asked last of the one that is found.
    func match(
        method: UnsafeRawBufferPointer, _ facts: HeadFacts, into match: BindingMatch, accepts: Accepts
    ) -> TranscodingIndex.Outcome {
        var outcome = TranscodingIndex.Outcome.notFound
        forEachIndex(of: facts.authority) { index in
            let found = index.match(method: method, path: facts.path, query: facts.query, into: match) { accepts(index.plans[$0], $1) }
            if found != .notFound { outcome = found }
            return found == .found
        }
        return outcome
    }

    /// The HTTP methods that a path has.
    func methods(_ facts: HeadFacts, accepts: Accepts) -> Set<String> {
        var methods: Set<String> = []
        forEachIndex(of: facts.authority) { index in
            methods.formUnion(index.methods(of: facts.path) { accepts(index.plans[$0], $1) })
            return false
        }
        return methods
    }

    /// The nearest first, until one is enough.
    private func forEachIndex(of authority: UnsafeRawBufferPointer, _ isEnough: (TranscodingIndex) -> Bool) {
        if let index = Self.find(authority, in: exact), isEnough(index) { return }
        if !suffixes.isEmpty {
            for place in authority.indices where authority[place] == UInt8(ascii: ".") {
                let suffix = UnsafeRawBufferPointer(rebasing: authority[(place + 1)...])
                if let index = Self.find(suffix, in: suffixes), isEnough(index) { return }
            }
        }
        if let any { _ = isEnough(any) }
    }

    private static func find(_ name: UnsafeRawBufferPointer, in entries: [Entry]) -> TranscodingIndex? {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            let order = compare(entries[middle].name, name)
            if order == 0 { return entries[middle].index }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    private static func compare(_ left: [UInt8], _ right: UnsafeRawBufferPointer) -> Int {
        left.withUnsafeBytes { left in
            let common = min(left.count, right.count)
            let order = common == 0 ? 0 : Int(memcmp(left.baseAddress!, right.baseAddress!, common))
            return order == 0 ? left.count - right.count : order
        }
    }
}
