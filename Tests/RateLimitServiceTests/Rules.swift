import Config
import RateLimit

@testable import RateLimitService

/// Rules written as in limits.yaml's tree.
func rule(
    _ key: String, _ value: String? = nil, _ limit: ServiceLimit? = nil, shadow: Bool = false, quota: Bool = false,
    detailed: Bool = false, valueInMetric: Bool = false, shares: Bool = false, _ children: [LimitDescriptor] = []
) -> LimitDescriptor {
    LimitDescriptor(
        key: key, value: value, limit: limit, isShadow: shadow, isQuota: quota, isDetailed: detailed,
        hasValueInMetric: valueInMetric, sharesThreshold: shares, descriptors: children)
}

func limit(
    _ requests: UInt32, _ unit: ServiceLimit.Unit = .minute, times multiplier: Int = 1, name: String? = nil,
    replaces: [String] = []
) -> ServiceLimit {
    ServiceLimit(amount: .requests(requests, per: unit), multiplier: multiplier, name: name, replaces: replaces)
}

func unlimited(replaces: [String] = []) -> ServiceLimit {
    ServiceLimit(amount: .unlimited, name: nil, replaces: replaces)
}

func domain(
    _ name: String, _ descriptors: [LimitDescriptor], charging: LimitRequest.Charging = .allOrNone
) -> LimitDomain {
    LimitDomain(name: name, charging: charging, descriptors: descriptors)
}
