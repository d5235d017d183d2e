internal import AccessControl
internal import Bytes
internal import HTTPModel
package import Metrics
internal import Routing
internal import Snapshots

/// What the record of a call has before its call begins, and what a call has that no route takes: one of each for a worker, so that none of
/// it is ever missing.
package final class NoCall {
    /// Of no connection.
    let stream: StreamPointer
    /// Under which calls are counted that no route takes.
    private let ownRoute: Route
    let route: Borrowed<Route>
    let policy: Borrowed<CallPolicy>

    package init(calls: CallGroup) {
        stream = .allocate(Stream())
        var rules = RuleBookBuilder()
        ownRoute = Route.none(policy: CallPolicy(CallPolicy.Settings(access: rules.policy(route: AccessRules()))), calls: calls)
        route = Borrowed(ownRoute)
        policy = ownRoute.policyReferences[0]
    }

    deinit {
        stream.fields.destroy()
        stream.deallocate()
    }
}
