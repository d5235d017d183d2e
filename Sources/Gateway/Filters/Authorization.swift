internal import AccessControl
internal import Bytes
internal import Routing
internal import TLS
internal import GRPC
internal import HTTPModel
internal import Transport

extension GatewayWorker {
    /// May this caller make this call? Then: does the caller have the plan that calls are counted by?
    func authorize(_ call: Record<Call>) -> FilterVerdict {
        let snapshot = call.snapshot!
        let policy = call.policy!
        guard let stream = call.downstream else { return .replied }
        return snapshot { serving in
            policy { policy in
                let facts = CallerFacts(
                    token: call.identity.map { Borrowed($0.token) },
                    memory: call.identity?.ruleMemory, fields: stream.fields,
                    address: call.origin?.address,
                    certificate: stream.serverConnection { certificateNames($0) })
                let verdict = serving.reference { snapshot in
                    snapshot.rulesReference { $0.check(policy.access, facts) }
                }
                if verdict.hasShadowRefusals {
                    metrics.count(.accessShadowed)
                    let rules = serving.snapshot.rules
                    for rule in rules.shadowRules(verdict, of: policy.access) {
                        call.recordShadow(rules.name(of: rule))
                    }
                }
                guard case .denied(let reason, let rule) = verdict.decision else {
                    return serving.reference { checkPlan(call, $0) }
                }
                let rules = serving.snapshot.rules
                metrics.count(.accessDenied)
                let refuser = Call.Refuser.rule(rules.name(of: rule))
                switch reason {
                case .needsAuthentication:
                    refuse(call, .unauthenticated(.missing), by: refuser)
                case .insufficientScope(let scopes):
                    let wanted = rules.withScopes(scopes) { String(decoding: $0, as: UTF8.self) }
                    refuse(call, .permissionDenied(.scope(required: wanted)), by: refuser)
                case .denied:
                    refuse(call, .permissionDenied(.rule), by: refuser)
                case .notAllowed:
                    refuse(call, .permissionDenied(.notAllowed), by: refuser)
                }
                return .replied
            }
        }
    }

    /// Where plans are configured, an authenticated caller must be on one: a missing claim never means "no limit".
    private func checkPlan(_ call: Record<Call>, _ snapshot: Snapshot) -> FilterVerdict {
        guard let identity = call.identity, let authentication = snapshot.authentication,
            authentication.plan != nil
        else { return .proceed }
        if identity.tenant == nil {
            refuse(call, .permissionDenied(.tenantMissing))
            return .replied
        }
        if identity.plan == nil {
            refuse(call, .permissionDenied(.planUnknown))
            return .replied
        }
        return .proceed
    }

    /// The names of a connection's client certificate, read once and kept with the connection.
    private func certificateNames(_ connection: ServerConnection) -> Borrowed<CertificateNames>? {
        guard let certificate = connection.peerCertificate else { return nil }
        if let names = connection.attachment as? CertificateNames { return Borrowed(names) }
        let names = CertificateNames(certificate.names)
        connection.attachment = names
        return Borrowed(names)
    }
}
