internal import Bytes
package import Protobuf

/// Finds what a request means among the rules of many plans at once. Immutable.
///
/// Where rules of several plans fit alike, the plan that was given first is asked first. The methods' own paths are not
/// among them: those are what calls are routed by.
package final class TranscodingIndex: Sendable {
    package enum Outcome: Equatable, Sendable {
        case found
        case notFound
        /// The path has rules, for other HTTP methods only.
        case methodNotAllowed
    }

    package let plans: [TranscodingPlan]
    private let index = BindingIndex()
    private let targets: [(plan: Int, binding: Int)]

    package init(_ plans: [TranscodingPlan]) {
        self.plans = plans
        var targets: [(plan: Int, binding: Int)] = []
        for (place, plan) in plans.enumerated() {
            for (binding, rule) in plan.bindings.enumerated() {
                guard let template = rule.template else { continue }
                index.insert(template, method: rule.verb, binding: targets.count, beside: true)
                targets.append((place, binding))
            }
        }
        self.targets = targets
    }

    /// - Parameters:
    ///   - path: without the query; `query` without the question mark.
    ///   - accepts: whether a request may mean this method of the plan at this place. Asked last of the one that is found.
    package func match(
        method: UnsafeRawBufferPointer, path: UnsafeRawBufferPointer, query: UnsafeRawBufferPointer, into match: BindingMatch,
        accepts: (_ plan: Int, _ method: MethodSchema) -> Bool
    ) -> Outcome {
        match.path = path
        match.query = query
        let outcome = index.find(method: method, path, &match.segments) { accepts(targets[$0].plan, meant(by: $0)) }
        switch outcome {
        case .found(let target):
            match.binding = targets[target].binding
            match.method = plans[targets[target].plan].bindings[match.binding].method
            return .found
        case .otherMethod: return .methodNotAllowed
        case .notFound: return .notFound
        }
    }

    private func meant(by target: Int) -> MethodSchema {
        let plan = plans[targets[target].plan]
        return plan.schema.methods[plan.bindings[targets[target].binding].method]
    }

    /// The HTTP methods that a path has.
    package func methods(
        of path: UnsafeRawBufferPointer, accepts: (_ plan: Int, _ method: MethodSchema) -> Bool
    ) -> Set<String> {
        index.methods(of: path) { accepts(targets[$0].plan, meant(by: $0)) }
    }
}
