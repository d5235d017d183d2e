internal import Reactor

/// The attempts of one call, for as long as another may follow: what its policy has left.
///
/// Made with the first attempt of a call that has such a policy, and gone once an answer is committed, or the call is over.
package final class Trial {
    let policy: TrialPolicy
    var retries = Retries()
    /// It has a place among its cluster's retries.
    var isCounted = false
    /// Another attempt was called for, and there is none.
    var isExhausted = false
    /// What was sent again without being counted as a retry: the upstream had not looked at it.
    var resent: UInt8 = 0
    /// No connection could be made, and another endpoint was asked at once.
    var hasReconnected = false
    /// Runs until the next attempt begins.
    var timer: Timer?

    /// As many as the policy counts.
    var previousAttempts: Int { retries.tries - 1 }

    init(_ policy: TrialPolicy) { self.policy = policy }
}
