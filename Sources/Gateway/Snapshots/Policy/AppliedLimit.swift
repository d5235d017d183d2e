package import AccessControl
package import GatewayModel
package import JOSE
internal import LimitRules
package import RateLimit

/// A limit with its keys made ready: what each call's counter is named by.
package struct AppliedLimit: Sendable {
    /// `nil` where nothing is counted.
    package let limit: Limit?
    package let keys: [Key]
    /// How many hits a call is charged; zero for what its policy says.
    package let cost: UInt64
    /// There is `responseCost` or `stream`: asked without copying them.
    package let isChargedLater: Bool
    /// What of the call's streams it counts, while they run.
    package let stream: LimitConfiguration.StreamCounting?
    /// What is charged at the end of a call, where its answer says that; nothing is when it is admitted.
    package let responseCost: LimitConfiguration.ResponseCost?
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
        /// Where decisions on it are counted, also those of no store.
        let series: LimitSeries?

        /// - Parameters:
        ///   - limit: its counters, where it counts.
        ///   - when: its condition, compiled.
        package init(
            _ configuration: LimitConfiguration, limit: Limit?, when: AccessPolicy?,
            descriptor: [LimitConfiguration.DescriptorEntry]? = nil, series: LimitSeries? = nil
        ) {
            self.series = series
            self.configuration = configuration
            self.limit = limit
            self.when = when
            self.descriptor = descriptor
        }

        package var isBeforeAuthentication: Bool { configuration.rule.isBeforeAuthentication }
    }

    /// Those of one list, which is judged in its order.
    package static func list(_ entries: [Entry]) -> [AppliedLimit] {
        var exemptions: [Entry] = []
        return entries.map { entry in
            if entry.configuration.effect == .exempt { exemptions.append(entry) }
            return AppliedLimit(entry, behind: exemptions)
        }
    }

    /// - Parameter exemptions: up to this entry, which may be the last of them. A route's list and a method's have 64 entries each.
    private init(_ entry: Entry, behind exemptions: [Entry]) {
        assert(exemptions.count <= LimitConditions.Exemptions.bitWidth)
        let isExemption = entry.configuration.effect == .exempt
        limit = entry.limit
        switch entry.configuration.ownCost {
        case .hits(let hits): (cost, responseCost) = (hits, nil)
        case .response(let response): (cost, responseCost) = (0, response)
        case nil: (cost, responseCost) = (0, nil)
        }
        stream = entry.configuration.stream
        isChargedLater = responseCost != nil || stream != nil
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
        var set: LimitConditions.Exemptions = 0
        for (place, exemption) in exemptions.dropLast(isExemption ? 1 : 0).enumerated()
        where exemption.configuration.rule.keys == entry.configuration.rule.keys {
            set |= 1 << LimitConditions.Exemptions(place)
        }
        conditions = LimitConditions(
            entry.configuration, when: entry.when, series: entry.series, exemptions: set,
            exemption: isExemption ? 1 << LimitConditions.Exemptions(exemptions.count - 1) : 0)
    }
}
