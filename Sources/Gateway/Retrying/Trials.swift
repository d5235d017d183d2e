internal import Balancing
internal import Bytes
internal import GRPC
internal import HTTPModel
internal import Reactor
internal import Telemetry
internal import Time
internal import Transport

/// Hears of attempts whose answer another may replace: those of calls with a retry or hedging policy, until the answer is
/// committed. From then on `Upstream` hears of it, as of any other's. One per worker.
///
/// An answer is committed with its first byte of body, with an end that the policy takes, or when its head has waited for
/// either as long as a caller may be kept from it.
final class Trials: StreamHandler {
    unowned(unsafe) let upstream: Upstream
    private(set) lazy var reference = UnownedReference<any StreamHandler>(self)

    /// How long an answer's head waits for what follows.
    static let holdMax = Duration.milliseconds(100)
    /// How often a request goes out again, uncounted, that the upstream says not to have looked at.
    private static let resentMax: UInt8 = 2

    init(_ upstream: Upstream) { self.upstream = upstream }

    var worker: GatewayWorker { upstream.worker }
    var now: Instant { upstream.now }

    // MARK: Attempts

    /// Begins the first.
    func start(_ exchange: ExchangePointer, _ policy: TrialPolicy) {
        let trial = Trial(policy)
        exchange.pointee.trial = trial
        if case .hedging(let policy) = policy { return startHedging(exchange, trial, policy) }
        begin(exchange.pointee.attempt, trial)
    }

    private func begin(_ attempt: AttemptPointer, _ trial: Trial) {
        if case .retry(let policy) = trial.policy, let timeout = policy.perTryTimeout {
            attempt.pointee.due = now + timeout
            worker.timers.arm(attempt.pointee.timer, at: attempt.pointee.due)
        }
        upstream.begin(attempt)
    }

    /// The call has no trial any more: what it holds is given back, and nothing of it fires.
    func end(_ exchange: ExchangePointer) {
        guard let trial = exchange.pointee.trial else { return }
        exchange.pointee.trial = nil
        giveBack(exchange, trial)
        trial.timer = nil
        settle(exchange.pointee.attempt)
        while let other = trial.others.popLast() { discard(other) }
    }

    private func giveBack(_ exchange: ExchangePointer, _ trial: Trial) {
        if trial.begun > 1 {
            exchange.cluster._withUnsafeGuaranteedRef { $0.hedgesEnded(trial.begun - 1) }
            trial.begun = 1
        }
        guard trial.isCounted else { return }
        trial.isCounted = false
        exchange.cluster._withUnsafeGuaranteedRef { $0.retryEnded() }
    }

    /// The attempt waits for nothing more.
    func settle(_ attempt: AttemptPointer) {
        worker.timers.disarm(attempt.pointee.timer)
        attempt.pointee.isHeld = false
        attempt.pointee.due = .distantFuture
    }

    /// The caller gets this attempt's answer.
    private func commit(_ attempt: AttemptPointer, _ stream: StreamPointer) {
        let exchange = attempt.pointee.exchange!
        if let trial = exchange.pointee.trial {
            if trial.retries.tries > 1, !trial.isExhausted { upstream.count(.retrySucceeded) }
            prefer(attempt, exchange, trial)
        }
        end(exchange)
        stream.pointee.handler = upstream
    }

    // MARK: Failures

    /// An attempt is over without an answer.
    func failed(_ attempt: AttemptPointer, _ failure: AttemptFailure, _ trial: Trial) {
        settle(attempt)
        let exchange = attempt.pointee.exchange!
        var cause: RetryConditions.Causes = []
        switch failure {
        case .refused: break
        case .connectFailed:
            // Nobody has seen the request: another endpoint is asked at once, but not one after the other.
            if !trial.hasReconnected, exchange.pointee.canBeSentAgain {
                trial.hasReconnected = true
                return resend(attempt, trial)
            }
            cause = .connectFailure
        case .closed(.unprocessed):
            if trial.resent < Self.resentMax, exchange.pointee.canBeSentAgain {
                trial.resent += 1
                return resend(attempt, trial)
            }
            upstream.count(.upstreamReset)
            cause = .refusedStream
        case .closed: cause = .reset
        case .timedOut: cause = .perTryTimeout
        }
        if case .hedging(let policy) = trial.policy { return hedgeFailed(attempt, failure, trial, policy) }
        if case .retry(let policy) = trial.policy, !cause.isEmpty, policy.conditions.contains(cause),
            retry(attempt, trial, policy, .none)
        {
            return
        }
        worker.fail(exchange, failure.cause)
    }

    private func resend(_ attempt: AttemptPointer, _ trial: Trial) {
        upstream.count(.upstreamResent)
        begin(attempt, trial)
    }

    /// Has another attempt follow one that is worth it; false where there can be none, and why is noted.
    private func retry(_ attempt: AttemptPointer, _ trial: Trial, _ policy: RetryPolicy, _ pushback: Pushback) -> Bool {
        let exchange = attempt.pointee.exchange!
        // The place of the retry that has just failed is free.
        giveBack(exchange, trial)
        guard exchange.pointee.canBeSentAgain else { return deny(exchange, .retryWithoutBody) }
        let decision = trial.retries.decide(
            policy, pushback, now: now, deadline: exchange.pointee.deadline, random: worker.randomness.next())
        switch decision {
        case .limitReached:
            exchange.pointee.outcome.flag = "URX"
            exchange.pointee.outcome.detail = "retry_limit_exceeded"
            return deny(exchange, .retryLimitExceeded)
        case .pushedBack: return deny(exchange, .retryPushedBack)
        case .tooLate: return deny(exchange, .retryTooLate)
        case .retry(let delay):
            guard exchange.cluster._withUnsafeGuaranteedRef({ $0.beginRetry(exchange) }) else {
                exchange.pointee.outcome.flag = "UO"
                exchange.pointee.outcome.detail = "retry_budget_exceeded"
                return deny(exchange, .retryOverflow)
            }
            trial.isCounted = true
            trial.retries.noteRetry(pushback)
            upstream.count(.upstreamRetry)
            settle(attempt)
            upstream.cancel(attempt)
            exchange.pointee.phase = .requesting
            if trial.timer == nil { trial.timer = Timer(on: worker.context.loop) { [unowned self] in nextAttempt(exchange) } }
            trial.timer!.arm(after: delay)
            return true
        }
    }

    private func deny(_ exchange: ExchangePointer, _ event: GatewayEvent) -> Bool {
        upstream.count(event)
        exchange.pointee.trial?.isExhausted = true
        return false
    }

    private func nextAttempt(_ exchange: ExchangePointer) {
        guard let trial = exchange.pointee.trial else { return }
        begin(exchange.pointee.attempt, trial)
    }

    /// The attempt's timer has fired.
    func timeIsUp(_ attempt: AttemptPointer) {
        let exchange = attempt.pointee.exchange!
        guard let trial = exchange.pointee.trial else { return }
        guard attempt.pointee.due <= now else {
            // The head has waited long enough.
            guard attempt.pointee.isHeld, let stream = attempt.pointee.stream else { return }
            return pass(attempt, stream, ended: false)
        }
        upstream.count(.perTryTimeout)
        upstream.note(attempt, .localFailure)
        settle(attempt)
        upstream.cancel(attempt)
        failed(attempt, .timedOut, trial)
    }

    // MARK: Answers

    /// Commits an answer of which only the head has come.
    private func pass(_ attempt: AttemptPointer, _ stream: StreamPointer, ended: Bool) {
        commit(attempt, stream)
        upstream.streamHead(stream, ended: ended)
    }

    func streamInformational(_ stream: StreamPointer) { upstream.streamInformational(stream) }

    func streamHead(_ stream: StreamPointer, ended: Bool) {
        let attempt = upstream.attempt(stream)
        let exchange = attempt.pointee.exchange!
        guard let trial = exchange.pointee.trial, exchange.pointee.downstream != nil else { return }
        guard !stream.pointee.flags.contains(.headTooLarge) else { return pass(attempt, stream, ended: ended) }
        guard let verdict = Verdict(head: stream, ended: ended, isRPC: exchange.pointee.isRPC) else {
            guard mayHold(exchange, trial) else { return pass(attempt, stream, ended: ended) }
            attempt.pointee.isHeld = true
            return worker.timers.arm(attempt.pointee.timer, at: min(now + Self.holdMax, attempt.pointee.due))
        }
        if isReplaced(attempt, stream, trial, verdict, from: 0) { return }
        pass(attempt, stream, ended: ended)
    }

    /// Whether what follows the head may be worth another attempt, or at least a word in the log that there was none left.
    /// Who is still sending may be waiting for the head.
    private func mayHold(_ exchange: ExchangePointer, _ trial: Trial) -> Bool {
        guard exchange.pointee.flags.contains(.requestEnded), exchange.pointee.isRPC, exchange.pointee.canBeSentAgain else {
            return false
        }
        switch trial.policy {
        case .retry(let policy): return policy.conditions.hasStatuses
        case .hedging: return true
        }
    }

    /// Whether another attempt follows this one, whose answer is then forgotten.
    private func isReplaced(
        _ attempt: AttemptPointer, _ stream: StreamPointer, _ trial: Trial, _ verdict: Verdict, from start: Int
    ) -> Bool {
        if case .hedging(let policy) = trial.policy {
            return isOutdone(attempt, stream, trial, verdict, from: start, policy)
        }
        guard case .retry(let policy) = trial.policy, verdict.isAmong(policy.conditions) else { return false }
        guard retry(attempt, trial, policy, Pushback(in: stream, from: start)) else { return false }
        upstream.note(attempt, verdict.outcome)
        return true
    }

    func streamData(_ stream: StreamPointer, _ bytes: UnsafeRawBufferPointer) {
        guard !bytes.isEmpty else { return }
        pass(upstream.attempt(stream), stream, ended: false)
        // The head may have been the end of it.
        if stream.pointee.context != nil { upstream.streamData(stream, bytes) }
    }

    func streamEnded(_ stream: StreamPointer) {
        let attempt = upstream.attempt(stream)
        guard let trial = attempt.pointee.exchange!.pointee.trial else { return }
        let start = stream.pointee.trailersStart
        if !stream.pointee.flags.contains(.headTooLarge),
            isReplaced(attempt, stream, trial, Verdict(trailers: stream), from: start)
        {
            return
        }
        pass(attempt, stream, ended: false)
        if stream.pointee.context != nil { upstream.streamEnded(stream) }
    }

    func streamDrained(_ stream: StreamPointer, _ count: Int) {
        let attempt = upstream.attempt(stream)
        // A hedge sends what the window has got back, or will by the first.
        if attempt == attempt.pointee.exchange!.pointee.attempt { upstream.streamDrained(stream, count) }
    }

    func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) { upstream.closed(upstream.attempt(stream), stream, reason) }
}
