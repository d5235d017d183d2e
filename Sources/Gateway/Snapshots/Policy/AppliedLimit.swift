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
        /// Of a descriptor for a service's own rules.
        case text(CallTemplate)
    }

    /// An entry of `limits`, before its list is known.
    package struct Entry: Sendable {
        let configuration: LimitConfiguration
        let limit: Limit?
        let when: AccessPolicy?
        /// What a service's own rules are asked by; else the rule's keys.
        let descriptor: [LimitConfiguration.DescriptorEntry]?

        /// - Parameters:
        ///   - limit: its counters, where it counts.
        ///   - when: its condition, compiled.
        package init(
            _ configuration: LimitConfiguration, limit: Limit?, when: AccessPolicy?,
            descriptor: [LimitConfiguration.DescriptorEntry]? = nil
        ) {
            self.configuration = configuration
            self.limit = limit
            self.when = when
            self.descriptor = descriptor
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
        keys =
            entry.descriptor?.map { .text($0.value) }
            ?? entry.configuration.rule.keys.map { key in
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
