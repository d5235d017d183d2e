internal import Balancing
internal import Bytes
internal import GRPC
internal import GatewayModel
internal import HTTPModel
internal import Reactor
internal import Telemetry
internal import Time
internal import Transport

/// Hears of attempts whose answer another may replace: those of calls with a retry or hedging policy, until the answer is
/// committed. From then on `Upstream` hears of it, as of any other's. One per worker.
///
/// An answer is committed with its first byte of body, with an end that the policy takes, or when its head has waited for
/// either as long as a caller may be kept from it. A call whose first answer is good has cost a timer, and no memory.
final class Trials: StreamHandler {
    /// Set once, by the `Upstream` that owns it.
    var reference: Unmanaged<Upstream>!

    /// How long an answer's head waits for what follows.
    private static let holdNanosecondsMax: UInt64 = 100_000_000
    /// How often a request goes out again, uncounted, that the upstream says not to have looked at.
    private static let resentMax: UInt8 = 1

    var upstream: Upstream { reference.takeUnretainedValue() }
    var worker: GatewayWorker { upstream.worker }
    var now: Instant { upstream.now }

    /// Without counting references.
    @inline(__always)
    private func with<Result>(_ body: (Upstream) -> Result) -> Result { reference.unsafelyUnwrapped._withUnsafeGuaranteedRef(body) }

    @inline(__always)
    private func withTimers(_ body: (TimerWheel) -> Void) { with { $0.reference._withUnsafeGuaranteedRef { body($0.timers) } } }

    // MARK: Attempts

    /// Begins the first.
    func start(_ exchange: ExchangePointer) {
        exchange.pointee.flags.insert(.onTrial)
        if exchange.pointee.policy!._withUnsafeGuaranteedRef({ $0.isHedged }) { return startHedging(exchange) }
        begin(exchange.pointee.attempt)
    }

    private func begin(_ attempt: AttemptPointer) {
        let timeout = attempt.pointee.exchange!.pointee.policy!._withUnsafeGuaranteedRef { $0.tryNanoseconds }
        if timeout > 0 {
            attempt.pointee.due = Instant(nanoseconds: with { $0.now }.nanoseconds + timeout)
            withTimers { $0.arm(attempt.pointee.timer, at: attempt.pointee.due) }
        }
        with { $0.begin(attempt) }
    }

    /// What has become of the exchange's attempts so far.
    func trial(of exchange: ExchangePointer) -> Trial {
        if let trial = exchange.pointee.trial { return trial }
        let trial = Trial(exchange.pointee.policy!._withUnsafeGuaranteedRef { $0.trials! })
        exchange.pointee.trial = trial
        return trial
    }

    /// The call is on trial no longer: what it holds is given back, and nothing of it fires.
    func end(_ exchange: ExchangePointer) {
        exchange.pointee.flags.remove(.onTrial)
        disarm(exchange.pointee.attempt)
        if exchange.pointee.trial != nil { forget(exchange) }
    }

    private func forget(_ exchange: ExchangePointer) {
        guard let trial = exchange.pointee.trial else { return }
        exchange.pointee.trial = nil
        giveBack(exchange, trial)
        trial.timer = nil
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
    func disarm(_ attempt: AttemptPointer) {
        withTimers { $0.disarm(attempt.pointee.timer) }
        attempt.pointee.isHeld = false
        attempt.pointee.due = .distantFuture
    }

    /// The caller gets this attempt's answer.
    private func commit(_ attempt: AttemptPointer, _ stream: StreamPointer) {
        let exchange = attempt.pointee.exchange.unsafelyUnwrapped
        if exchange.pointee.trial != nil { selectWinner(attempt, exchange) }
        end(exchange)
        stream.pointee.listener = with { $0.ownReference }
    }

    // MARK: Failures

    /// An attempt is over without an answer.
    func failed(_ attempt: AttemptPointer, _ failure: AttemptFailure) {
        disarm(attempt)
        let exchange = attempt.pointee.exchange!
        let trial = trial(of: exchange)
        var cause: RetryConditions.Causes = []
        switch failure {
        case .refused: break
        case .connectFailed:
            // The request was not sent: another endpoint is asked at once, but not one after the other.
            if !trial.hasReconnected, exchange.pointee.canBeSentAgain {
                trial.hasReconnected = true
                return resend(attempt)
            }
            cause = .connectFailure
        case .closed(.unprocessed):
            if trial.resent < Self.resentMax, exchange.pointee.canBeSentAgain {
                trial.resent += 1
                return resend(attempt)
            }
            upstream.count(.upstreamReset)
            cause = .refusedStream
        case .closed: cause = .reset
        case .timedOut: cause = .perTryTimeout
        }
        switch trial.policy {
        case .hedging(let policy): hedgeFailed(attempt, failure, trial, policy)
        case .retry(let policy):
            // What the caller would get as a status counts like one that came.
            let isWanted =
                policy.conditions.contains(cause)
                || (exchange.pointee.isRPC && policy.conditions.contains(failure.cause.row.code))
            if !cause.isEmpty, isWanted, retry(attempt, trial, policy, .none) { return }
            worker.fail(exchange, failure.cause)
        }
    }

    private func resend(_ attempt: AttemptPointer) {
        upstream.count(.upstreamResent)
        begin(attempt)
    }

    /// Has another attempt follow one that is worth it; false where there can be none, and why is noted.
    private func retry(_ attempt: AttemptPointer, _ trial: Trial, _ policy: RetryPolicy, _ pushback: Pushback) -> Bool {
        let exchange = attempt.pointee.exchange!
        // The place of the retry that has just failed is free.
        giveBack(exchange, trial)
        guard exchange.pointee.canBeSentAgain else { return giveUpRetrying(trial, .retryWithoutBody) }
        let decision = trial.retries.decide(
            policy, pushback, now: now, deadline: exchange.pointee.deadline, random: worker.randomness.next())
        switch decision {
        case .limitReached:
            exchange.pointee.flags.insert(.attemptsExhausted)
            return giveUpRetrying(trial, .retryLimitExceeded)
        case .pushedBack: return giveUpRetrying(trial, .retryPushedBack)
        case .tooLate: return giveUpRetrying(trial, .retryTooLate)
        case .retry(let delay):
            guard exchange.cluster._withUnsafeGuaranteedRef({ $0.beginRetry(exchange) }) else {
                exchange.pointee.flags.insert(.budgetExhausted)
                return giveUpRetrying(trial, .retryOverflow)
            }
            trial.isCounted = true
            trial.retries.recordRetry(pushback)
            // As long as the backend has it wait, it is no load, and takes no other's place.
            if pushback != .none { giveBack(exchange, trial) }
            upstream.count(.upstreamRetry)
            disarm(attempt)
            upstream.cancel(attempt)
            exchange.pointee.phase = .requesting
            if trial.timer == nil {
                trial.timer = Timer(on: worker.context.loop) { [unowned self] in beginAgain(exchange, trial) }
            }
            trial.timer!.arm(after: delay)
            return true
        }
    }

    /// The wait before a retry is over.
    private func beginAgain(_ exchange: ExchangePointer, _ trial: Trial) {
        if !trial.isCounted {
            guard exchange.cluster._withUnsafeGuaranteedRef({ $0.beginRetry(exchange) }) else {
                _ = giveUpRetrying(trial, .retryOverflow)
                exchange.pointee.flags.insert(.budgetExhausted)
                return worker.fail(exchange, .upstreamQueueFull(retryAfter: nil))
            }
            trial.isCounted = true
        }
        begin(exchange.pointee.attempt)
    }

    private func giveUpRetrying(_ trial: Trial, _ event: GatewayEvent) -> Bool {
        upstream.count(event)
        trial.isExhausted = true
        return false
    }

    /// The attempt's timer has fired.
    func timeIsUp(_ attempt: AttemptPointer) {
        guard attempt.pointee.exchange!.pointee.flags.contains(.onTrial) else { return }
        guard attempt.pointee.due <= now else {
            // The head has waited long enough.
            guard attempt.pointee.isHeld, let stream = attempt.pointee.stream else { return }
            return pass(attempt, stream, ended: false)
        }
        upstream.count(.perTryTimeout)
        upstream.record(attempt, .localFailure)
        upstream.cancel(attempt)
        failed(attempt, .timedOut)
    }

    // MARK: Answers

    /// Commits an answer of which only the head has come.
    private func pass(_ attempt: AttemptPointer, _ stream: StreamPointer, ended: Bool) {
        commit(attempt, stream)
        with { $0.streamHead(stream, ended: ended) }
    }

    func streamInformational(_ stream: StreamPointer) { upstream.streamInformational(stream) }

    func streamHead(_ stream: StreamPointer, ended: Bool) {
        let attempt = stream.attempt
        let exchange = attempt.pointee.exchange.unsafelyUnwrapped
        guard exchange.pointee.downstream != nil else { return }
        if stream.pointee.flags.contains(.headTooLarge), !ended || stream.pointee.fields.first(.grpcStatus) == nil {
            return pass(attempt, stream, ended: ended)
        }
        if let verdict = AttemptVerdict(head: stream, ended: ended, isRPC: exchange.pointee.isRPC) {
            if !isReplaced(attempt, stream, verdict, from: 0) { pass(attempt, stream, ended: ended) }
        } else if mayHold(exchange) {
            attempt.pointee.isHeld = true
            let end = Instant(nanoseconds: with { $0.now }.nanoseconds + Self.holdNanosecondsMax)
            withTimers { $0.arm(attempt.pointee.timer, at: min(end, attempt.pointee.due)) }
        } else {
            pass(attempt, stream, ended: false)
        }
    }

    /// Whether what follows the head may be worth another attempt, or at least a word in the log that there was none left.
    /// Who is still sending may be waiting for the head.
    @inline(__always)
    private func mayHold(_ exchange: ExchangePointer) -> Bool {
        guard exchange.pointee.flags.contains(.requestEnded), exchange.pointee.canBeSentAgain else { return false }
        return exchange.pointee.policy!._withUnsafeGuaranteedRef { $0.holdsHeads }
    }

    /// Whether another attempt follows this one, whose answer is then forgotten.
    private func isReplaced(_ attempt: AttemptPointer, _ stream: StreamPointer, _ verdict: AttemptVerdict, from start: Int) -> Bool
    {
        if verdict.isGood { return false }
        let trial = trial(of: attempt.pointee.exchange!)
        switch trial.policy {
        case .hedging(let policy): return isSuperseded(attempt, stream, trial, verdict, from: start, policy)
        case .retry(let policy):
            guard verdict.isAmong(policy.conditions) else { return false }
            guard retry(attempt, trial, policy, Pushback(in: stream, from: start)) else { return false }
            upstream.record(attempt, verdict.outcome)
            return true
        }
    }

    func streamData(_ stream: StreamPointer, _ bytes: UnsafeRawBufferPointer) {
        guard !bytes.isEmpty else { return }
        pass(stream.attempt, stream, ended: false)
        // The head may have been the end of it.
        if stream.pointee.context != nil { with { $0.streamData(stream, bytes) } }
    }

    func streamEnded(_ stream: StreamPointer) {
        let attempt = stream.attempt
        let start = stream.pointee.trailersStart
        // Trailers that were too large still say how the call ended.
        if isReplaced(attempt, stream, AttemptVerdict(trailers: stream), from: start) { return }
        pass(attempt, stream, ended: false)
        if stream.pointee.context != nil { upstream.streamEnded(stream) }
    }

    func streamDrained(_ stream: StreamPointer, _ count: Int) {
        let attempt = stream.attempt
        // A hedge sends what the window has got back, or will by the first.
        guard attempt == attempt.pointee.exchange.unsafelyUnwrapped.pointee.attempt else { return }
        with { $0.streamDrained(stream, count) }
    }

    func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) { upstream.closed(stream.attempt, stream, reason) }
}
