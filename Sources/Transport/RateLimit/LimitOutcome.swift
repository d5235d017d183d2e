/// The store's decision on a call, all its limits taken together. Plain data.
package struct LimitOutcome: Equatable, Sendable {
    package enum Decision: Equatable, Sendable {
        case allowed
        /// At least one enforced limit refused; nothing was charged to any of them, unless each is charged always (`LimitRequest.Charging`).
        case refused
        /// The store did not answer and is set to deny: not the caller's fault (UNAVAILABLE).
        case unavailable
    }

    package enum Source: Equatable, Sendable {
        case memory
        case redis
        case service
        /// The memory store, because the configured one did not answer.
        case fallback
        /// Not counted; decided by `when_unavailable` alone.
        case none
    }

    package var decision: Decision
    package var source: Source
    /// The limit that refused, and of several the one with the longest wait; -1 for none.
    package var refusedIndex: Int
    /// The longest wait of the limits that refused; `LimitVerdict.never` if waiting does not help.
    package var retryAfterNanoseconds: UInt64
    /// The enforced limit with the fewest hits left, what the `ratelimit` headers are about; -1 if nothing was counted.
    package var tightestIndex: Int
    /// A bit for each shadow limit that would have refused.
    package var shadowRefusals: UInt16

    package var isAllowed: Bool { decision == .allowed }

    /// An outcome in which no limit was asked.
    package static func uncounted(_ decision: Decision) -> LimitOutcome {
        LimitOutcome(
            decision: decision, source: .none, refusedIndex: -1, retryAfterNanoseconds: 0, tightestIndex: -1,
            shadowRefusals: 0)
    }
}
