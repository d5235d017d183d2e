internal import Bytes
internal import Calls
internal import GatewayModel
internal import Reactor

/// What a call with a retry or hedging policy has beside its own attempt, or one whose request was sent again.
///
/// Made when a first answer is bad, an attempt fails or a hedge is due; gone once an answer is committed, or the call is over.
package final class RetryState {
    var machine: RetryMachine
    /// Of a hedged call: the attempts beside the call's own that are under way. As long as there are any, that one is as well.
    var others: [Record<Attempt>] = []
    /// Runs until the next attempt begins.
    var timer: Timer?

    init(_ policy: AttemptPolicy?) { machine = RetryMachine(policy) }
}
