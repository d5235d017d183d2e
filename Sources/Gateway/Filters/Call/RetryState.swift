package import Bytes
package import Calls
package import GatewayModel
package import Reactor

/// What a call with a retry or hedging policy has beside its own attempt, or one whose request was sent again.
///
/// Made when a first answer is bad, an attempt fails or a hedge is due; gone once an answer is committed, or the call is over.
package final class RetryState {
    package var machine: RetryMachine
    /// Of a hedged call: the attempts beside the call's own that are under way. As long as there are any, that one is as well.
    package var others: [Record<Attempt>] = []
    /// Runs until the next attempt begins.
    package var timer: Timer?

    /// Kept: it is asked for at every event.
    private var mayRepeat: Bool?

    package init(_ policy: AttemptPolicy?) { machine = RetryMachine(policy) }

    /// Whether the request of `call`, whose state this is, may be executed twice.
    package func mayRepeat(_ call: Record<Call>) -> Bool {
        if let mayRepeat { return mayRepeat }
        let answer = call.mayRepeat
        mayRepeat = answer
        return answer
    }
}
