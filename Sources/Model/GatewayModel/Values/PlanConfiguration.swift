package import RateLimit

/// One entry of `plans`: what a tenant on this plan may use up.
package struct PlanConfiguration: Sendable, Equatable {
    package var name: String
    /// Empty for a plan without limits. Each per tenant: the key `tenant` is among theirs whether or not it was written.
    package var limits: [LimitConfiguration]
}
