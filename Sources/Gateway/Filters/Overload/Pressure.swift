internal import GatewayModel

/// How near the gateway is to one of its limits, and so whose calls it refuses.
package enum Pressure: UInt8, Sendable, Comparable {
    case none
    /// Three quarters are used: calls of low priority are refused.
    case high
    /// Nine tenths: only those of high priority are taken.
    case severe
    /// All: none is taken.
    case full

    /// - Parameter used: with what would be added.
    package init(_ used: Int, of limit: Int) {
        // In this order nothing overflows that lies in memory.
        self =
            used > limit
            ? .full : used > limit / 10 * 9 + limit % 10 * 9 / 10 ? .severe : used > Self.threshold(limit) ? .high : .none
    }

    /// As much as is used without any pressure.
    static func threshold(_ limit: Int) -> Int { limit / 4 * 3 + limit % 4 * 3 / 4 }

    package static func < (left: Pressure, right: Pressure) -> Bool { left.rawValue < right.rawValue }

    /// Whether calls of this priority are still taken.
    func takes(_ priority: RouteConfiguration.Priority) -> Bool {
        switch priority {
        case .low: self < .high
        case .default: self < .severe
        case .high: self < .full
        }
    }
}
