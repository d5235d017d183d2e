/// What the requests of all changes to a tenant begin with.
package protocol TenantChange {
    var tenant: String { get set }
    /// Empty for any.
    var issuer: String { get set }
    /// For the audit log.
    var reason: String { get set }
}

extension Martlet_Quota_V1_BlockRequest: TenantChange {}
extension Martlet_Quota_V1_UnblockRequest: TenantChange {}
extension Martlet_Quota_V1_GrantRequest: TenantChange {}
extension Martlet_Quota_V1_OverrideRequest: TenantChange {}
extension Martlet_Quota_V1_RestoreRequest: TenantChange {}
extension Martlet_Quota_V1_ResetRequest: TenantChange {}
