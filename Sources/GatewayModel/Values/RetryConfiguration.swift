package import Config

/// What of a call's settings may be said of a route, and of one of its methods otherwise.
package struct AttemptsConfiguration: Sendable, Equatable {
    /// `nil` where nothing is said, a value of `nil` for `off`.
    package var retry: Located<RetryPolicy?>?
    package var hedging: Located<HedgingPolicy>?
    /// Done twice it is as done once.
    var isIdempotent = false
    package var maxStreamDuration: Duration?

    /// What applies to a method.
    package func policy(for method: AttemptsConfiguration? = nil) -> AttemptPolicy? {
        if let hedging = method?.hedging { return .hedging(hedging.value) }
        return ((method?.retry ?? retry)?.value).map { .retry($0) }
    }
}
