package import GatewayModel
package import Time

/// What is left of a retry policy for one call. Pure: no stream, no clock.
package struct Retries {
    /// Tries that the policy counts, the first among them.
    package private(set) var tries = 1
    /// Retries since the backoff last began anew.
    private var step = 0

    package init() {}

    package enum Decision: Equatable {
        case retry(after: Duration)
        /// As often as the policy allows.
        case limitReached
        /// The backend does not want it.
        case pushedBack
        /// It would begin when the call's time is up.
        case tooLate
    }

    /// - Parameter random: any number.
    package func decide(
        _ policy: RetryPolicy, _ pushback: Pushback, now: Instant, deadline: Instant, random: UInt64
    ) -> Decision {
        guard tries < policy.attempts else { return .limitReached }
        let delay: Duration
        switch pushback {
        case .never: return .pushedBack
        case .after(let wanted): delay = wanted
        case .none: delay = policy.backoff.delay(step: step + 1, random: random)
        }
        return now + delay < deadline ? .retry(after: delay) : .tooLate
    }

    /// What was decided is done.
    package mutating func recordRetry(_ pushback: Pushback) {
        tries += 1
        // After a pushback the backoff begins anew.
        step = pushback == .none ? step + 1 : 0
    }
}
