internal import Bytes
internal import GRPC
internal import GatewayModel
internal import HTTPModel
internal import Reactor
internal import Time
internal import Transport

/// Calls that are made several times at once (gRFC A6). The first answer that is good, or bad for good, is the caller's, and
/// the other attempts are cancelled.
///
/// As long as there are others, the exchange's own attempt is under way as well.
extension Trials {
    /// Begins the first attempt, and has the next follow after the delay.
    func startHedging(_ exchange: ExchangePointer) {
        let trial = trial(of: exchange)
        guard case .hedging(let policy) = trial.policy else { return }
        trial.timer = Timer(on: worker.context.loop) { [unowned self] in hedge(exchange) }
        trial.timer!.arm(after: policy.delay)
        upstream.begin(exchange.pointee.attempt)
    }

    /// The delay is over, or an attempt has failed: the next one's turn.
    private func hedge(_ exchange: ExchangePointer) {
        guard let trial = exchange.pointee.trial, case .hedging(let policy) = trial.policy else { return }
        if trial.isReserved {
            trial.isReserved = false
            armNext(trial, policy)
            return upstream.begin(exchange.pointee.attempt)
        }
        guard exchange.pointee.flags.contains(.requestEnded) else {
            // A hedge must be sent as a whole.
            if exchange.pointee.canBeSentAgain { trial.timer?.arm(after: max(policy.delay, .milliseconds(1))) }
            return
        }
        guard reserve(exchange, trial, policy) else { return }
        let former = (trial.others.last ?? exchange.pointee.attempt).pointee.endpoint
        let attempt = worker.attempts.take()
        attempt.pointee.exchange = exchange
        trial.others.append(attempt)
        armNext(trial, policy)
        upstream.begin(attempt, avoiding: former)
    }

    private func armNext(_ trial: Trial, _ policy: HedgingPolicy) {
        if trial.begun < policy.attempts { trial.timer?.arm(after: policy.delay) }
    }

    /// A place for one more attempt; false where there is none.
    private func reserve(_ exchange: ExchangePointer, _ trial: Trial, _ policy: HedgingPolicy) -> Bool {
        guard trial.begun < policy.attempts, !trial.isPushedBack, exchange.pointee.canBeSentAgain else { return false }
        guard exchange.cluster._withUnsafeGuaranteedRef({ $0.beginHedge() }) else {
            upstream.count(.hedgeOverflow)
            return false
        }
        upstream.count(.hedgeBegun)
        trial.begun += 1
        return true
    }

    /// The call ends with what has failed, because there is no further attempt: why, for the log.
    private func recordExhausted(_ exchange: ExchangePointer, _ trial: Trial, _ policy: HedgingPolicy) {
        if trial.begun >= policy.attempts {
            exchange.pointee.flags.insert(.attemptsExhausted)
        } else if !trial.isPushedBack, exchange.pointee.canBeSentAgain {
            exchange.pointee.flags.insert(.budgetExhausted)
        }
    }

    /// An attempt is over without an answer.
    func hedgeFailed(_ attempt: AttemptPointer, _ failure: AttemptFailure, _ trial: Trial, _ policy: HedgingPolicy) {
        let exchange = attempt.pointee.exchange!
        if drop(attempt, exchange, trial) {
            // A failed attempt starts the next one without the delay.
            if policy.nonFatal.contains(failure.cause.row.code) { hedge(exchange) }
            return
        }
        guard policy.nonFatal.contains(failure.cause.row.code) else { return worker.fail(exchange, failure.cause) }
        guard reserve(exchange, trial, policy) else {
            recordExhausted(exchange, trial, policy)
            return worker.fail(exchange, failure.cause)
        }
        armNext(trial, policy)
        upstream.begin(attempt)
    }

    /// Whether another attempt decides, so that this one's answer is forgotten.
    func isSuperseded(
        _ attempt: AttemptPointer, _ stream: StreamPointer, _ trial: Trial, _ verdict: AttemptVerdict, from start: Int,
        _ policy: HedgingPolicy
    ) -> Bool {
        guard let status = verdict.status, policy.nonFatal.contains(status) else { return false }
        let exchange = attempt.pointee.exchange!
        let pushback = Pushback(in: stream, from: start)
        if pushback == .never { trial.isPushedBack = true }
        let hasOthers = attempt != exchange.pointee.attempt || !trial.others.isEmpty
        if !hasOthers {
            if case .after(let delay) = pushback, now + delay >= exchange.pointee.deadline { return false }
            guard reserve(exchange, trial, policy) else {
                recordExhausted(exchange, trial, policy)
                return false
            }
            trial.isReserved = true
        }
        upstream.record(attempt, verdict.outcome)
        disarm(attempt)
        upstream.cancel(attempt)
        _ = drop(attempt, exchange, trial)
        switch pushback {
        case .never: break
        case .after(let delay): trial.timer?.arm(after: delay)
        // A failed attempt starts the next one without the delay.
        case .none: hedge(exchange)
        }
        return true
    }

    /// Takes an attempt that is over out of a call that has others; false where it has none.
    private func drop(_ attempt: AttemptPointer, _ exchange: ExchangePointer, _ trial: Trial) -> Bool {
        if attempt == exchange.pointee.attempt {
            guard let other = trial.others.popLast() else { return false }
            exchange.pointee.attempt = other
        } else {
            trial.others.removeAll { $0 == attempt }
        }
        discard(attempt)
        return true
    }

    /// The caller gets the answer of `attempt`, of a call that has had several.
    func selectWinner(_ attempt: AttemptPointer, _ exchange: ExchangePointer) {
        guard let trial = exchange.pointee.trial else { return }
        if trial.retries.tries > 1, !trial.isExhausted { upstream.count(.retrySucceeded) }
        guard attempt != exchange.pointee.attempt else { return }
        upstream.count(.hedgeWon)
        trial.others.removeAll { $0 == attempt }
        trial.others.append(exchange.pointee.attempt)
        exchange.pointee.attempt = attempt
    }

    /// Nothing of an attempt beside the exchange's own is needed any more.
    func discard(_ attempt: AttemptPointer) {
        disarm(attempt)
        upstream.cancel(attempt)
        attempt.pointee.endpoint?._withUnsafeGuaranteedRef { $0.release() }
        attempt.pointee.finish()
        worker.attempts.give(attempt)
    }
}
