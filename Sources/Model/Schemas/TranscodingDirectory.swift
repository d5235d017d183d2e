package import Bytes
package import Protobuf
package import Routing
package import Transcoding

/// Which methods requests may mean, by the authority that they are addressed to: what other hosts' routes lead to costs a
/// request nothing.
package final class TranscodingDirectory: Sendable {
    private let indexes: AuthorityTable<TranscodingIndex>

    /// - Parameter routes: all, in order; those without a schema are passed over.
    package init(_ routes: [DescribedRoute]) {
        var plans: [RouteMatch.Authority: [TranscodingPlan]] = [:]
        for route in routes {
            guard let plan = route.plan else { continue }
            for authority in route.match.authorities {
                // Routes that print otherwise share a schema and its rules.
                if plans[authority]?.contains(where: { $0.schema === plan.schema }) == true { continue }
                plans[authority, default: []].append(plan)
            }
        }
        indexes = AuthorityTable(plans.mapValues { TranscodingIndex($0) })
    }

    package typealias Accepts = (_ plan: TranscodingPlan, _ method: MethodSchema) -> Bool

    /// - Parameter accepts: whether the request may mean this method of this plan. Asked last of the one that is found.
    package func match(
        method: BorrowedBytes, _ facts: HeadFacts, into match: BindingMatch, accepts: Accepts
    ) -> TranscodingIndex.Outcome {
        var outcome = TranscodingIndex.Outcome.notFound
        indexes.forEach(of: facts.authority) { index in
            let found = index.match(method: method, path: facts.path, query: facts.query, into: match) {
                accepts(index.plans[$0], $1)
            }
            if found != .notFound { outcome = found }
            return found == .found
        }
        return outcome
    }

    /// The HTTP methods that a path has.
    package func methods(_ facts: HeadFacts, accepts: Accepts) -> Set<String> {
        var methods: Set<String> = []
        indexes.forEach(of: facts.authority) { index in
            methods.formUnion(index.methods(of: facts.path) { accepts(index.plans[$0], $1) })
            return false
        }
        return methods
    }
}
