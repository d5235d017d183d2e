import GatewayModel
import LimitRules
import RateLimit
import Testing

@testable import Snapshots

@Suite("Limits of one list")
struct AppliedLimitTests {
    private func entry(_ effect: LimitConfiguration.Effect, _ keys: [LimitKey], missing: LimitConfiguration.MissingKey? = nil)
        -> AppliedLimit.Entry
    {
        var rule = LimitRule(count: 1, window: LimitWindow(unit: .second))
        rule.keys = keys
        return AppliedLimit.Entry(LimitConfiguration(rule, effect: effect, whenMissing: missing), limit: nil, when: nil)
    }

    @Test("an exemption is from later entries with the same keys")
    func exemptions() {
        let limits = AppliedLimit.list([
            entry(.count, [.address]), entry(.exempt, [.address]), entry(.exempt, [.tenant]), entry(.count, [.address]),
            entry(.refuse, [.tenant]), entry(.count, [.tenant, .address]), entry(.count, []), entry(.exempt, [.address]),
            entry(.count, [.address]),
        ])
        #expect(limits.map { $0.conditions?.exemptions } == [nil, 0, 0, 0b1, 0b10, nil, nil, 0b1, 0b101])
        #expect(limits.map { $0.conditions?.exemption } == [nil, 0b1, 0b10, 0, 0, nil, nil, 0b100, 0])
    }

    @Test("as many exemptions as a route and its method may have are remembered, wherever they stand")
    func longest() {
        let last = 2 * 64 - 1
        var limits = AppliedLimit.list(
            (0..<last - 1).map { _ in entry(.count, [.method]) } + [entry(.exempt, []), entry(.count, [])])
        #expect(limits[last - 1].conditions?.exemption == 1 && limits[last].conditions?.exemptions == 1)
        limits = AppliedLimit.list((0..<last).map { _ in entry(.exempt, []) } + [entry(.count, [])])
        #expect(limits[last - 1].conditions?.exemption == 1 << 126)
        #expect(limits[last].conditions?.exemptions == (LimitConditions.Exemptions(1) << 127) - 1)
    }

    @Test("what applies to every call and counts it has no conditions to ask")
    func plain() {
        let limits = AppliedLimit.list([
            entry(.count, [.address]), entry(.count, [.address], missing: .share), entry(.count, [.address], missing: .skip),
            entry(.refuse, []),
        ])
        #expect(limits.map { $0.conditions == nil } == [true, true, false, false])
    }
}
