/// What of a call's settings may be said of a route, and of one of its methods otherwise.
package struct AttemptsConfiguration: Sendable, Equatable {
    /// `nil` where nothing is said.
    package var retry: RetrySetting?
    package var hedging: HedgingPolicy?
    /// Executing it twice is the same as executing it once; `nil` where nothing is said.
    package var isIdempotent: Bool?
    package var maxStreamDuration: Duration?

    /// What applies to a method.
    package func policy(for method: AttemptsConfiguration? = nil) -> AttemptPolicy? {
        if let hedging = method?.hedging { return .hedging(hedging) }
        guard var policy = (method?.retry ?? retry)?.policy else { return nil }
        policy.isIdempotent = method?.isIdempotent ?? isIdempotent ?? false
        return .retry(policy)
    }
}

/// `retry` of a route or method.
package enum RetrySetting: Sendable, Equatable {
    case off
    case on(RetryPolicy)

    package var policy: RetryPolicy? {
        if case .on(let policy) = self { policy } else { nil }
    }
}
