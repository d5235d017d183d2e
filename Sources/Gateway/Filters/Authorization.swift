internal import AccessControl
internal import Bytes
internal import Routing
internal import TLS
internal import GRPC
internal import HTTPModel
internal import Transport

extension GatewayWorker {
    /// May this caller make this call? Then: does the caller have the plan that calls are counted by?
    func authorize(_ exchange: ExchangePointer) -> FilterVerdict {
        let snapshot = exchange.pointee.snapshot!
        let policy = exchange.pointee.policy!
        guard let stream = exchange.pointee.downstream else { return .replied }
        return snapshot._withUnsafeGuaranteedRef { serving in
            policy._withUnsafeGuaranteedRef { policy in
                let facts = CallerFacts(
                    token: exchange.pointee.identity.map { Unmanaged.passUnretained($0.token) },
                    memory: exchange.pointee.identity?.ruleMemory, fields: stream.pointee.fields,
                    address: exchange.pointee.origin?.address,
                    certificate: stream.serverConnection { certificateNames($0) })
                let verdict = serving.reference._withUnsafeGuaranteedRef { snapshot in
                    snapshot.rulesReference._withUnsafeGuaranteedRef { $0.check(policy.access, facts) }
                }
                if verdict.hasShadowRefusals {
                    metrics.count(.accessShadowed)
                    let rules = serving.snapshot.rules
                    for rule in rules.shadowRules(verdict, of: policy.access) {
                        exchange.pointee.recordShadow(rules.name(of: rule))
                    }
                }
                guard case .denied(let reason, let rule) = verdict.decision else {
                    return serving.reference._withUnsafeGuaranteedRef { checkPlan(exchange, $0) }
                }
                let rules = serving.snapshot.rules
                metrics.count(.accessDenied)
                let refuser = Exchange.Refuser.rule(rules.name(of: rule))
                switch reason {
                case .needsAuthentication:
                    refuse(exchange, .unauthenticated(.missing), by: refuser)
                case .insufficientScope(let scopes):
                    let wanted = rules.withScopes(scopes) { String(decoding: $0, as: UTF8.self) }
                    refuse(exchange, .permissionDenied(.scope(required: wanted)), by: refuser)
                case .denied:
                    refuse(exchange, .permissionDenied(.rule), by: refuser)
                case .notAllowed:
                    refuse(exchange, .permissionDenied(.notAllowed), by: refuser)
                }
                return .replied
            }
        }
    }

    /// Where plans are configured, an authenticated caller must be on one: a missing claim never means "no limit".
    private func checkPlan(_ exchange: ExchangePointer, _ snapshot: Snapshot) -> FilterVerdict {
        guard let identity = exchange.pointee.identity, let authentication = snapshot.authentication,
            authentication.plan != nil
        else { return .proceed }
        if identity.tenant == nil {
            refuse(exchange, .permissionDenied(.tenantMissing))
            return .replied
        }
        if identity.plan == nil {
            refuse(exchange, .permissionDenied(.planUnknown))
            return .replied
        }
        return .proceed
    }

    /// The names of a connection's client certificate, read once and kept with the connection.
    private func certificateNames(_ connection: ServerConnection) -> Unmanaged<CertificateNames>? {
        guard let certificate = connection.peerCertificate else { return nil }
        if let names = connection.attachment as? CertificateNames { return .passUnretained(names) }
        let names = CertificateNames(certificate.names)
        connection.attachment = names
        return .passUnretained(names)
    }
}
