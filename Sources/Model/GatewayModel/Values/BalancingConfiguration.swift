package import Balancing
package import JOSE

/// A cluster's `load_balancing`: its policy in a word, or a mapping.
package struct BalancingConfiguration: Sendable, Equatable {
    package var settings: BalancingSettings
    /// What calls that belong together have in common; the first that a call has counts. Only for policies that use it.
    package var hash: [HashSource]

    package static let defaults = BalancingConfiguration(settings: BalancingSettings(), hash: [])
}

/// One of `hash`: where in a call its hash comes from.
package enum HashSource: Sendable, Hashable {
    /// In lower case.
    case header(String)
    case claim(ClaimPath)
    case tenant
    case cookie(String)
    /// The client's, after `trusted_proxies`.
    case address

    /// As the configuration would write it, for messages.
    package var description: String {
        switch self {
        case .header(let name): "header \(name)"
        case .claim(let path): "claim \(path.description)"
        case .tenant: "tenant"
        case .cookie(let name): "cookie \(name)"
        case .address: "address"
        }
    }
}
