/// Where a call goes, and what applies to it: one entry of `routes:`, made ready.
package final class Route: Sendable {
    package let index: Int
    package let name: String
    package let nameBytes: [UInt8]
    /// Into the snapshot's clusters.
    package let cluster: Int
    /// What applies where no method says otherwise, then what applies to each method of `methods:`, in its order.
    package let policies: [CallPolicy]

    package init(index: Int, name: String, cluster: Int, policies: [CallPolicy]) {
        self.index = index
        self.name = name
        nameBytes = Array(name.utf8)
        self.cluster = cluster
        self.policies = policies
    }
}

/// What applies to a call on a route: the route's own settings and those of the called method, merged.
package final class CallPolicy: Sendable {
    /// The whole call's time, and the cap on `grpc-timeout`; `nil` for none.
    package let timeout: Duration?
    /// A refusal names its rule to the caller.
    package let exposesRules: Bool

    package init(timeout: Duration?, exposesRules: Bool) {
        self.timeout = timeout
        self.exposesRules = exposesRules
    }
}
