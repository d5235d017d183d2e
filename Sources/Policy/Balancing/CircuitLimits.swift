internal import Synchronization

/// How much may be under way to a cluster at once, from the whole process.
package struct CircuitLimits: Sendable, Equatable {
    package var connections: Int
    /// Calls that wait for a connection.
    package var pending: Int
    /// Calls that run or wait.
    package var requests: Int
    /// `nil` where only the cluster's budget counts.
    package var retries: Int?

    package static let defaults = CircuitLimits(connections: 1024, pending: 1024, requests: 1024, retries: nil)

    package init(connections: Int, pending: Int, requests: Int, retries: Int?) {
        self.connections = connections
        self.pending = pending
        self.requests = requests
        self.retries = retries
    }
}

/// What is under way to a cluster, from all workers.
///
/// Asked, then counted: workers that ask in the same moment may together go beyond a limit by one each, and no lock is held.
package final class CircuitUsage: Sendable {
    private let connectionCount = Atomic<Int>(0)
    private let pendingCount = Atomic<Int>(0)
    private let requestCount = Atomic<Int>(0)
    private let retryCount = Atomic<Int>(0)
    private let hedgeCount = Atomic<Int>(0)
    private let overflows = Atomic<UInt64>(0)
    private let requestRefusals = Atomic<UInt64>(0)
    private let pendingRefusals = Atomic<UInt64>(0)
    private let openRefusals = Atomic<UInt64>(0)
    private let timeouts = Atomic<UInt64>(0)

    init() {}

    package var connections: Int { connectionCount.load(ordering: .relaxed) }
    package var pending: Int { pendingCount.load(ordering: .relaxed) }
    package var requests: Int { requestCount.load(ordering: .relaxed) }
    package var retries: Int { retryCount.load(ordering: .relaxed) }
    /// Attempts beside a call's first that run at the same time.
    package var hedges: Int { hedgeCount.load(ordering: .relaxed) }
    /// Calls whose time was up while the cluster had them.
    package var timeoutTotal: UInt64 { timeouts.load(ordering: .relaxed) }
    /// How often a limit or a budget has turned something away: a call, or a try of one.
    package var overflowCount: UInt64 { overflows.load(ordering: .relaxed) }
    /// Calls that were refused for this.
    package func refusals(_ cause: CircuitRefusal) -> UInt64 {
        switch cause {
        case .requests: requestRefusals.load(ordering: .relaxed)
        case .pending: pendingRefusals.load(ordering: .relaxed)
        case .open: openRefusals.load(ordering: .relaxed)
        }
    }

    package func addConnections(_ change: Int) { connectionCount.wrappingAdd(change, ordering: .relaxed) }
    package func addPending(_ change: Int) { pendingCount.wrappingAdd(change, ordering: .relaxed) }
    package func addRequests(_ change: Int) { requestCount.wrappingAdd(change, ordering: .relaxed) }
    package func addRetries(_ change: Int) { retryCount.wrappingAdd(change, ordering: .relaxed) }
    package func addHedges(_ change: Int) { hedgeCount.wrappingAdd(change, ordering: .relaxed) }
    package func recordTimeout() { timeouts.wrappingAdd(1, ordering: .relaxed) }
    package func recordOverflow() { overflows.wrappingAdd(1, ordering: .relaxed) }
    package func recordRefusal(_ cause: CircuitRefusal) {
        switch cause {
        case .requests: requestRefusals.wrappingAdd(1, ordering: .relaxed)
        case .pending: pendingRefusals.wrappingAdd(1, ordering: .relaxed)
        case .open: openRefusals.wrappingAdd(1, ordering: .relaxed)
        }
    }
}

/// Why a call was refused by what guards its cluster.
package enum CircuitRefusal: String, CaseIterable, Sendable {
    /// Too many run or wait.
    case requests
    /// Too many wait for a connection.
    case pending
    /// An error breaker is open.
    case open
}
