package import JOSE
package import RateLimit

/// A limit with its keys made ready: what each call's counter is named by.
package struct AppliedLimit: Sendable {
    package let limit: Limit
    package let keys: [Key]

    package enum Key: Sendable {
        case tenant
        case address
        case method
        case constant([UInt8])
        case header([UInt8])
        /// `nil` for a path that no claim can have: every call counts as without it.
        case claim(ClaimPath?)
    }

    package init(_ limit: Limit) {
        self.limit = limit
        keys = limit.rule.keys.map { key in
            switch key {
            case .tenant: .tenant
            case .address: .address
            case .method: .method
            case .constant(let text): .constant(Array(text.utf8))
            case .header(let name): .header(Array(name.utf8))
            case .claim(let names): .claim(ClaimPath(names: names))
            }
        }
    }
}
