package import AccessControl
package import GatewayModel
internal import LimitRules
package import RateLimit

/// Which calls an entry of `limits` applies to, where that is not all, and what it does to them, where it does not count.
package final class LimitConditions: Sendable {
    package let effect: LimitConfiguration.Effect
    package let name: String
    package let isShadow: Bool
    package let when: AccessPolicy?
    /// Where what it refuses without counting is counted.
    package let series: LimitSeries?
    package let whenMissing: LimitConfiguration.MissingKey
    /// Exemptions of a list, a bit each in their order.
    package typealias Exemptions = UInt128

    /// Earlier ones that exempt a call from it.
    package let exemptions: Exemptions
    /// Itself, where it is one.
    package let exemption: Exemptions

    /// `nil` where it counts every call.
    init?(
        _ configuration: LimitConfiguration, when: AccessPolicy?, series: LimitSeries?, exemptions: Exemptions,
        exemption: Exemptions
    ) {
        let whenMissing = configuration.whenMissing ?? .share
        guard configuration.effect != .count || when != nil || whenMissing != .share || exemptions != 0 else { return nil }
        effect = configuration.effect
        name = configuration.rule.name ?? ""
        isShadow = configuration.rule.isShadow
        self.when = when
        self.series = series
        self.whenMissing = whenMissing
        self.exemptions = exemptions
        self.exemption = exemption
    }
}
