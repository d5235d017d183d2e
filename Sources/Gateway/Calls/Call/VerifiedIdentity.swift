package import AccessControl
package import Bytes
internal import GatewayModel
package import JOSE
package import Snapshots

/// A caller whose token was verified, with everything that follows from the token: kept in the token cache, so a
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
    /// The same caller, by the plans that headers of its calls have named.
    private var onOtherPlans: [Int: VerifiedIdentity] = [:]

    package init(_ token: VerifiedToken, _ plan: AuthenticationPlan, planNames: [String: Int]) {
        self.token = token
        let issuer = plan.issuers[token.issuerIndex]
        self.issuer = Array(issuer.policy.issuer.utf8)
        subject = Array((token.subject ?? "").utf8)
        tenant = plan.tenant.flatMap { token.claim($0)?.scalarText }.flatMap { $0.isEmpty ? nil : Array($0.utf8) }
        let planName: String? =
            switch plan.plan {
            case .claim(let path)?: token.claim(path)?.scalarText
            case .header?, nil: nil
            }
        (self.plan, self.planName) = Self.place(planName, plan, planNames)
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

    /// The same caller on another plan.
    private init(_ other: VerifiedIdentity, plan: Int?, planName: [UInt8]) {
        token = other.token
        issuer = other.issuer
        subject = other.subject
        tenant = other.tenant
        self.plan = plan
        self.planName = planName
        claims = other.claims
        claimsReference = other.claimsReference
        forwardsToken = other.forwardsToken
        ruleMemory = .allocate(RuleMemo())
    }

    /// The plan of that name, or the default one: its place, and its name for the log.
    private static func place(_ name: String?, _ plan: AuthenticationPlan, _ planNames: [String: Int]) -> (Int?, [UInt8]) {
        if let name, let place = planNames[name] { return (place, Array(name.utf8)) }
        guard let place = plan.defaultPlan else { return (nil, Array((name ?? "").utf8)) }
        return (place, Array((planNames.first { $0.value == place }?.key ?? "").utf8))
    }

    /// The caller on the plan that a header of the call names. Made once for each plan.
    package func on(planNamed name: BorrowedBytes?, _ plan: AuthenticationPlan, planNames: [String: Int]) -> VerifiedIdentity {
        guard let name else { return self }
        let (place, planName) = Self.place(String(decoding: name, as: UTF8.self), plan, planNames)
        guard let place else { return VerifiedIdentity(self, plan: nil, planName: planName) }
        if place == self.plan { return self }
        if let known = onOtherPlans[place] { return known }
        let identity = VerifiedIdentity(self, plan: place, planName: planName)
        onOtherPlans[place] = identity
        return identity
    }

    deinit { ruleMemory.deallocate() }

    /// About how much memory it keeps.
    package var approximateBytes: Int { token.approximateBytes + 512 }
}
