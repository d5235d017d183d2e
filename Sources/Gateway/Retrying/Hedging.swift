internal import Bytes
internal import GRPC
internal import GatewayModel
internal import HTTPModel
internal import Reactor
internal import Time
internal import Transport
internal import Upstreams

/// Calls that are made several times at once (gRFC A6). The first answer that is good, or bad for good, is the caller's, and
/// the other attempts are cancelled.
///
/// As long as there are others, the call's own attempt is under way as well.
extension Trials {
    /// Begins the first attempt, and has the next follow after the delay.
    func startHedging(_ call: Record<Call>) {
        let trial = trial(of: call)
        guard case .hedging(let policy) = trial.policy else { return }
        trial.timer = Timer(on: worker.context.loop) { [unowned self] in hedge(call) }
        trial.timer!.arm(after: policy.delay)
        upstream.begin(call.attempt)
    }

    /// The delay is over, or an attempt has failed: the next one's turn.
    private func hedge(_ call: Record<Call>) {
        guard let trial = call.trial, case .hedging(let policy) = trial.policy else { return }
        if trial.isReserved {
            trial.isReserved = false
            armNext(trial, policy)
            return upstream.begin(call.attempt)
        }
        guard call.flags.contains(.requestEnded) else {
            // A hedge must be sent as a whole.
            if call.canBeSentAgain { trial.timer?.arm(after: max(policy.delay, .milliseconds(1))) }
            return
        }
        guard reserve(call, trial, policy) else { return }
        let former = (trial.others.last ?? call.attempt).endpoint
        let attempt = worker.attempts.take()
        attempt.call = call
        trial.others.append(attempt)
        armNext(trial, policy)
        upstream.begin(attempt, avoiding: former)
    }

    private func armNext(_ trial: Trial, _ policy: HedgingPolicy) {
        if trial.begun < policy.attempts { trial.timer?.arm(after: policy.delay) }
    }

    /// A place for one more attempt; false where there is none.
    private func reserve(_ call: Record<Call>, _ trial: Trial, _ policy: HedgingPolicy) -> Bool {
        guard trial.begun < policy.attempts, !trial.isPushedBack, call.canBeSentAgain else { return false }
        guard call.cluster({ $0.beginHedge() }) else {
            upstream.count(.hedgeOverflow)
            return false
        }
        upstream.count(.hedgeBegun)
        trial.begun += 1
        return true
    }

    /// The call ends with what has failed, because there is no further attempt: why, for the log.
    private func recordExhausted(_ call: Record<Call>, _ trial: Trial, _ policy: HedgingPolicy) {
        if trial.begun >= policy.attempts {
            call.flags.insert(.attemptsExhausted)
        } else if !trial.isPushedBack, call.canBeSentAgain {
            call.flags.insert(.budgetExhausted)
        }
    }

    /// An attempt is over without an answer.
    func hedgeFailed(_ attempt: Record<Attempt>, _ failure: AttemptFailure, _ trial: Trial, _ policy: HedgingPolicy) {
        let call = attempt.call!
        if drop(attempt, call, trial) {
            // A failed attempt starts the next one without the delay.
            if policy.nonFatal.contains(failure.cause.row.code) { hedge(call) }
            return
        }
        guard policy.nonFatal.contains(failure.cause.row.code) else { return worker.fail(call, failure.cause) }
        guard reserve(call, trial, policy) else {
            recordExhausted(call, trial, policy)
            return worker.fail(call, failure.cause)
        }
        armNext(trial, policy)
        upstream.begin(attempt)
    }

    /// Whether another attempt decides, so that this one's answer is forgotten.
    func isSuperseded(
        _ attempt: Record<Attempt>, _ stream: StreamPointer, _ trial: Trial, _ verdict: AttemptVerdict, from start: Int,
        _ policy: HedgingPolicy
    ) -> Bool {
        guard let status = verdict.status, policy.nonFatal.contains(status) else { return false }
        let call = attempt.call!
        let pushback = Pushback(in: stream, from: start)
        if pushback == .never { trial.isPushedBack = true }
        let hasOthers = attempt != call.attempt || !trial.others.isEmpty
        if !hasOthers {
            if case .after(let delay) = pushback, now + delay >= call.deadline { return false }
            guard reserve(call, trial, policy) else {
                recordExhausted(call, trial, policy)
                return false
            }
            trial.isReserved = true
        }
        upstream.record(attempt, verdict.outcome)
        disarm(attempt)
        upstream.cancel(attempt)
        _ = drop(attempt, call, trial)
        switch pushback {
        case .never: break
        case .after(let delay): trial.timer?.arm(after: delay)
        // A failed attempt starts the next one without the delay.
        case .none: hedge(call)
        }
        return true
    }

    /// Takes an attempt that is over out of a call that has others; false where it has none.
    private func drop(_ attempt: Record<Attempt>, _ call: Record<Call>, _ trial: Trial) -> Bool {
        if attempt == call.attempt {
            guard let other = trial.others.popLast() else { return false }
            call.attempt = other
        } else {
            trial.others.removeAll { $0 == attempt }
        }
        discard(attempt)
        return true
    }

    /// The caller gets the answer of `attempt`, of a call that has had several.
    func selectWinner(_ attempt: Record<Attempt>, _ call: Record<Call>) {
        guard let trial = call.trial else { return }
        if trial.retries.tries > 1, !trial.isExhausted { upstream.count(.retrySucceeded) }
        guard attempt != call.attempt else { return }
        upstream.count(.hedgeWon)
        trial.others.removeAll { $0 == attempt }
        trial.others.append(call.attempt)
        call.attempt = attempt
    }

    /// Nothing of an attempt beside the call's own is needed any more.
    func discard(_ attempt: Record<Attempt>) {
        disarm(attempt)
        upstream.cancel(attempt)
        if let endpoint = attempt.endpoint { endpoint { $0.release() } }
        attempt.finish()
        worker.attempts.give(attempt)
    }
}
