internal import Bytes
internal import GatewayModel
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
    /// Of a hedged call: the attempts beside the call's own that are under way.
    var others: [Record<Attempt>] = []
    /// How many attempts of a hedged call were begun, or have a place.
    var begun = 1
    /// The call's own attempt begins anew when the timer fires, and has its place.
    var isReserved = false
    /// A backend wants no further attempt.
    var isPushedBack = false
    /// What was sent again without being counted as a retry: the upstream had not looked at it.
    var resent: UInt8 = 0
    /// No connection could be made, and another endpoint was asked at once.
    var hasReconnected = false
    /// Runs until the next attempt begins.
    var timer: Timer?

    /// Attempts before the one that begins, as many as the policy counts.
    var previousAttempts: Int {
        switch policy {
        case .retry: retries.tries - 1
        case .hedging: begun - 1
        }
    }

    init(_ policy: TrialPolicy) { self.policy = policy }
}
