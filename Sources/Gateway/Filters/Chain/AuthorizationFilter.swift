internal import AccessControl
internal import Bytes
internal import Calls
internal import GRPC
internal import HTTPModel
internal import Routing
internal import Snapshots
internal import TLS
internal import Transport

/// Is the caller's tenant blocked? May this caller make this call? Then: does the caller have the plan that calls are counted by?
enum AuthorizationFilter {
    static func request(_ call: CallView) -> FilterVerdict {
        if call.tenants != nil, call.isBlocked {
            call.count(.tenantBlocked)
            return call.refuse(.permissionDenied(.tenantBlocked))
        }
        return call.snapshot { snapshot in
            call.policy { policy in
                if policy.access.allowsAuthenticated, call.identity != nil { return checkPlan(call, snapshot) }
                let verdict = snapshot.rulesReference { $0.check(policy.access, call.callerFacts) }
                if verdict.hasShadowRefusals {
                    call.count(.accessShadowed)
                    for rule in snapshot.rules.shadowRules(verdict, of: policy.access) {
                        call.recordShadow(snapshot.rules.name(of: rule))
                    }
                }
                guard case .denied(let reason, let rule) = verdict.decision else { return checkPlan(call, snapshot) }
                return deny(call, reason, rule, snapshot.rules)
            }
        }
    }

    private static func deny(_ call: CallView, _ reason: AccessVerdict.Reason, _ rule: RuleID, _ rules: RuleBook) -> FilterVerdict {
        call.count(.accessDenied)
        let refusalSource = Call.RefusalSource.rule(rules.name(of: rule))
        switch reason {
        case .needsAuthentication: return call.refuse(.unauthenticated(.missing), by: refusalSource)
        case .insufficientScope(let scopes):
            let wanted = rules.withScopes(scopes) { String(decoding: $0, as: UTF8.self) }
            return call.refuse(.permissionDenied(.scope(required: wanted)), by: refusalSource)
        case .denied: return call.refuse(.permissionDenied(.rule), by: refusalSource)
        case .notAllowed: return call.refuse(.permissionDenied(.notAllowed), by: refusalSource)
        }
    }

    /// Where plans are configured, an authenticated caller must be on one: a missing claim never means "no limit".
    private static func checkPlan(_ call: CallView, _ snapshot: Snapshot) -> FilterVerdict {
        guard let identity = call.identity, let authentication = snapshot.authentication, authentication.plan != nil else {
            return .proceed
        }
        if identity.tenant == nil { return call.refuse(.permissionDenied(.tenantMissing)) }
        return identity.plan == nil ? call.refuse(.permissionDenied(.planUnknown)) : .proceed
    }
}
