package import GatewayModel
package import JOSE

/// What calls that belong together have in common, as a cluster asks for it.
package struct HashPolicy: Sendable, Equatable {
    package let sources: [Source]

    package enum Source: Sendable, Equatable {
        case header([UInt8])
        case claim(ClaimPath)
        case tenant
        case cookie([UInt8])
        case address
    }

    package init(_ sources: [HashSource]) {
        self.sources = sources.map { source in
            switch source {
            case .header(let name): .header(Array(name.utf8))
            case .claim(let path): .claim(path)
            case .tenant: .tenant
            case .cookie(let name): .cookie(Array(name.utf8))
            case .address: .address
            }
        }
    }
}
