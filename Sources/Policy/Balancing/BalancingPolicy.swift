/// How a cluster's endpoints are chosen between.
package enum BalancingPolicy: Sendable, Equatable {
    /// Each in turn, heavier ones oftener.
    case roundRobin
    /// The less loaded of two drawn at random (power of two choices), loads measured by weight.
    case leastRequest
    /// Drawn at random, by weight.
    case random
    /// A point on a circle of hashes: calls of one hash go to one endpoint (Karger and others, 1997).
    case ringHash(entriesMin: Int, entriesMax: Int)
    /// The same by a table, spread more evenly and found at once (Eisenbud and others, 2016). Its size is prime.
    case maglev(tableSize: Int)

    package static let ringHashDefault = BalancingPolicy.ringHash(entriesMin: 1024, entriesMax: 8 << 20)
    package static let maglevDefault = BalancingPolicy.maglev(tableSize: 65_537)

    /// Whether a call's hash decides.
    package var usesHash: Bool {
        switch self {
        case .ringHash, .maglev: true
        case .roundRobin, .leastRequest, .random: false
        }
    }
}

/// All of what makes up a cluster's balancing.
package struct BalancingSettings: Sendable, Equatable {
    package var policy: BalancingPolicy
    /// With fewer of a hundred endpoints healthy than these, health is no longer believed; 0 always believes it.
    package var panicPercent: Int
    /// How many more calls than its share a priority can carry, in percent, before the next one is needed.
    package var overprovisioningPercent: Int
    /// For endpoints that are new or healthy again; `nil` gives them their whole share at once.
    package var slowStart: SlowStart?

    package init(
        policy: BalancingPolicy = .leastRequest, panicPercent: Int = 50, overprovisioningPercent: Int = 140,
        slowStart: SlowStart? = nil
    ) {
        self.policy = policy
        self.panicPercent = panicPercent
        self.overprovisioningPercent = overprovisioningPercent
        self.slowStart = slowStart
    }
}
