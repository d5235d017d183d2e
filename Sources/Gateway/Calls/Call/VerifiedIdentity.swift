package import AccessControl
package import Bytes
package import JOSE
package import Snapshots

/// A caller whose token was verified, with everything that follows from the token alone: kept in the token cache, so a
/// token seen again costs one look-up.
package final class VerifiedIdentity {
    package let token: VerifiedToken
    package let issuer: [UInt8]
    package let subject: [UInt8]
    /// The tenant's name; `nil` where the token has none or tenants do not matter.
    package let tenant: [UInt8]?
    /// Into the snapshot's plans.
    package let plan: Int?
    /// The plan's name, for the log; of a plan that is not known, what the token has.
    package let planName: [UInt8]
    package let claims: ClaimHeaders?
    /// `claims`, read without counting references.
    package let claimsReference: Borrowed<ClaimHeaders>?
    package let forwardsToken: Bool
    package let ruleMemory: Record<RuleMemo>

    package init(_ token: VerifiedToken, _ plan: AuthenticationPlan, planNames: [String: Int]) {
        self.token = token
        let issuer = plan.issuers[token.issuerIndex]
        self.issuer = Array(issuer.policy.issuer.utf8)
        subject = Array((token.subject ?? "").utf8)
        tenant = plan.tenant.flatMap { token.claim($0)?.scalarText }.flatMap { $0.isEmpty ? nil : Array($0.utf8) }
        let planName = plan.plan.flatMap { token.claim($0)?.scalarText }
        let place = planName.flatMap { planNames[$0] } ?? plan.defaultPlan
        self.plan = place
        let isDefault = place != nil && planName.flatMap { planNames[$0] } == nil
        self.planName = Array(((isDefault ? planNames.first { $0.value == place }?.key : planName) ?? "").utf8)
        forwardsToken = issuer.forwardsToken
        claims = plan.claimHeaders { index, path in
            var value = ByteBuffer(capacity: 64)
            guard index == token.issuerIndex, let found = token.claim(path), ClaimHeader.append(found, to: &value) else {
                return nil
            }
            return Array(value.readable)
        }
        claimsReference = claims.map { Borrowed($0) }
        ruleMemory = .allocate(RuleMemo())
    }

    deinit { ruleMemory.deallocate() }

    /// About how much memory it keeps.
    package var approximateBytes: Int { token.approximateBytes + 512 }
}
