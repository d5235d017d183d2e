internal import Config
internal import GatewayModel
internal import Transport

/// What the sections of a configuration let a gateway know of its calls.
struct CallKnowledge {
    private let authentication: WrittenAuthentication
    private let asksForCertificates: Bool

    init(_ configuration: GatewayConfiguration, _ places: PlaceIndex) {
        authentication = WrittenAuthentication(configuration, places)
        asksForCertificates = configuration.asksForCertificates
    }

    /// Why a variable never has a value on a route.
    func problem(of variable: CallVariable, on route: RouteConfiguration) -> String? {
        if route.action != .cluster, variable == .cluster || variable == .endpoint {
            return "found %{\(variable.name)}, expected it on a route with a cluster: no upstream has these calls"
        }
        if route.credentials == .off, variable.isOfIdentity {
            return "found %{\(variable.name)} on a route with authentication: off, expected none of an identity"
        }
        return needed(by: variable).map { "found %{\(variable.name)}, expected \($0)" }
    }

    /// What a variable would need to have a value ever; `nil` where it can have one.
    func needed(by variable: CallVariable) -> String? {
        switch variable {
        case .identitySubject, .identityIssuer, .claim: authentication.isThere ? nil : Self.noCaller
        case .identityTenant: needed("tenant", "what a tenant is", authentication.hasTenant)
        case .identityPlan: needed("plan", "what a plan is", authentication.hasPlan)
        case .clientCertificateURI, .clientCertificateSubject:
            asksForCertificates ? nil : "client_ca at a listener: no client is asked for a certificate"
        default: nil
        }
    }

    private static let noCaller = "authentication to say whose tokens are believed: no caller has an identity"

    private func needed(_ key: String, _ what: String, _ isThere: Bool) -> String? {
        guard authentication.isThere else { return Self.noCaller }
        return isThere ? nil : "authentication.\(key) to say \(what)"
    }
}

extension CallVariable {
    fileprivate var isOfIdentity: Bool {
        switch self {
        case .identitySubject, .identityIssuer, .identityTenant, .identityPlan, .claim: true
        default: false
        }
    }
}

extension GatewayConfiguration {
    /// Some listener asks its clients for certificates, or none could be read.
    var asksForCertificates: Bool { listeners.isEmpty || listeners.contains { $0.tls?.clientCA != nil } }
}
