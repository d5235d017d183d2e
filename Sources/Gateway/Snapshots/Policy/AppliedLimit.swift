package import AccessControl
package import GatewayModel
package import JOSE
package import RateLimit

/// A limit with its keys made ready: what each call's counter is named by.
package struct AppliedLimit: Sendable {
    /// `nil` where nothing is counted.
    package let limit: Limit?
    package let keys: [Key]
    /// Which calls it applies to; `nil` for all, as nearly every limit does.
    package let conditions: LimitConditions?

    package enum Key: Sendable {
        case tenant
        case address
        case method
        case constant([UInt8])
        case header([UInt8])
        /// `nil` for a path that no claim can have: every call counts as without it.
        case claim(ClaimPath?)
    }

    /// An entry of `limits`, before its list is known.
    package struct Entry: Sendable {
        let configuration: LimitConfiguration
        let limit: Limit?
        let when: AccessPolicy?

        /// - Parameters:
        ///   - limit: its counters, where it counts.
        ///   - when: its condition, compiled.
        package init(_ configuration: LimitConfiguration, limit: Limit?, when: AccessPolicy?) {
            self.configuration = configuration
            self.limit = limit
            self.when = when
        }

        package var isBeforeAuthentication: Bool { configuration.rule.isBeforeAuthentication }
    }

    /// Those of one list, which is judged in its order.
    package static func list(_ entries: [Entry]) -> [AppliedLimit] {
        entries.indices.map { AppliedLimit(entries, at: $0) }
    }

    private init(_ entries: [Entry], at index: Int) {
        let entry = entries[index]
        limit = entry.limit
        keys = entry.configuration.rule.keys.map { key in
            switch key {
            case .tenant: .tenant
            case .address: .address
            case .method: .method
            case .constant(let text): .constant(Array(text.utf8))
            case .header(let name): .header(Array(name.utf8))
            case .claim(let names): .claim(ClaimPath(names: names))
            }
        }
        var exemptions: UInt64 = 0
        for earlier in 0..<min(index, UInt64.bitWidth) where entries[earlier].configuration.effect == .exempt {
            if entries[earlier].configuration.rule.keys == entry.configuration.rule.keys { exemptions |= 1 << UInt64(earlier) }
        }
        conditions = LimitConditions(entry.configuration, when: entry.when, exemptions: exemptions)
    }
}
