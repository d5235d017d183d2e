package import Snapshots
package import Time

/// What is done about a call's attempts.
extension RetryMachine {
    package struct Actions: Equatable {
        package internal(set) var steps: Steps = []
        package internal(set) var event: GatewayEvent?
        package internal(set) var delay = Duration.zero
        /// Places among the cluster's hedges.
        package internal(set) var hedges = 0
    }

    /// Performed in this order. Of the last ones at most one comes, as the last step of its event: what a beginning leads to at once, or a call
    /// that fails, may be the next event.
    package struct Steps: OptionSet {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }
        package static var releaseRetry: Steps { Steps(rawValue: 1) }
        package static var releaseHedges: Steps { Steps(rawValue: 2) }
        /// Count `event`.
        package static var count: Steps { Steps(rawValue: 4) }
        package static var countReset: Steps { Steps(rawValue: 8) }
        /// For the log: as many attempts as may be were made.
        package static var limitReached: Steps { Steps(rawValue: 16) }
        /// For the log: the cluster's budget had no place left.
        package static var budgetExhausted: Steps { Steps(rawValue: 32) }
        /// Record what the answer says of its endpoint.
        package static var recordAnswer: Steps { Steps(rawValue: 64) }
        /// End the attempt, whose answer another's replaces.
        package static var replace: Steps { Steps(rawValue: 128) }
        /// Take the attempt out of the call: another becomes the call's own where it was that.
        package static var drop: Steps { Steps(rawValue: 256) }
        package static var backOff: Steps { Steps(rawValue: 512) }
        /// Have the timer fire after `delay`.
        package static var arm: Steps { Steps(rawValue: 1024) }
        package static var acquireRetry: Steps { Steps(rawValue: 2048) }
        package static var acquireHedge: Steps { Steps(rawValue: 4096) }
        /// Begin the attempt anew.
        package static var begin: Steps { Steps(rawValue: 8192) }
        /// Begin the call's own attempt.
        package static var beginOwn: Steps { Steps(rawValue: 16384) }
        package static var beginHedge: Steps { Steps(rawValue: 32768) }
        /// The call fails as the attempt did.
        package static var fail: Steps { Steps(rawValue: 65536) }
        /// The call fails for want of a place.
        package static var failWithoutPlace: Steps { Steps(rawValue: 131_072) }
        /// The event cannot come in this state.
        package static var unexpected: Steps { Steps(rawValue: 262_144) }
        /// The answer is the caller's.
        package static var pass: Steps { Steps(rawValue: 524_288) }
    }
}

extension RetryMachine.Actions {
    /// What the other says besides.
    mutating func add(_ other: Self) {
        steps.formUnion(other.steps)
        event = other.event ?? event
        if other.steps.contains(.arm) { delay = other.delay }
        hedges += other.hedges
    }
}
