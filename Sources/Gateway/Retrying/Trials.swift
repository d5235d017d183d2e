internal import Balancing
internal import Bytes
internal import GRPC
internal import GatewayModel
internal import HTTPModel
internal import Reactor
internal import Telemetry
internal import Time
internal import Transport
internal import Upstreams

/// Hears of attempts whose answer another may replace: those of calls with a retry or hedging policy, until the answer is
/// committed. From then on `Upstream` hears of it, as of any other's. One per worker.
///
/// An answer is committed with its first byte of body, with an end that the policy takes, or when its head has waited for
/// either as long as a caller may be kept from it. A call whose first answer is good has cost a timer, and no memory.
final class Trials: StreamHandler {
    /// Set once, by the `Upstream` that owns it.
    var reference: Borrowed<Upstream>!

    /// How long an answer's head waits for what follows.
    private static let holdNanosecondsMax: UInt64 = 100_000_000
    /// How often a request goes out again, uncounted, that the upstream says not to have looked at.
    private static let resentMax: UInt8 = 1

    var upstream: Upstream { reference.object }
    var worker: GatewayWorker { upstream.worker }
    var now: Instant { upstream.now }

    /// Without counting references.
    @inline(__always)
    private func with<Result>(_ body: (Upstream) -> Result) -> Result { reference.unsafelyUnwrapped(body) }

    @inline(__always)
    private func withTimers(_ body: (TimerWheel) -> Void) { with { $0.reference { body($0.timers) } } }

    // MARK: Attempts

    /// Begins the first.
    func start(_ call: Record<Call>) {
        call.flags.insert(.onTrial)
        if call.policy!.isHedged { return startHedging(call) }
        begin(call.attempt)
    }

    private func begin(_ attempt: Record<Attempt>) {
        let timeout = attempt.call!.policy!.tryNanoseconds
        if timeout > 0 {
            attempt.due = Instant(nanoseconds: with { $0.now }.nanoseconds + timeout)
            withTimers { $0.arm(attempt.timer, at: attempt.due) }
        }
        with { $0.begin(attempt) }
    }

    /// What has become of the call's attempts so far.
    func trial(of call: Record<Call>) -> Trial {
        if let trial = call.trial { return trial }
        let trial = Trial(call.policy! { $0.trials! })
        call.trial = trial
        return trial
    }

    /// The call is on trial no longer: what it holds is given back, and nothing of it fires.
    func end(_ call: Record<Call>) {
        call.flags.remove(.onTrial)
        disarm(call.attempt)
        if call.trial != nil { forget(call) }
    }

    private func forget(_ call: Record<Call>) {
        guard let trial = call.trial else { return }
        call.trial = nil
        giveBack(call, trial)
        trial.timer = nil
        while let other = trial.others.popLast() { discard(other) }
    }

    private func giveBack(_ call: Record<Call>, _ trial: Trial) {
        if trial.begun > 1 {
            call.cluster { $0.hedgesEnded(trial.begun - 1) }
            trial.begun = 1
        }
        guard trial.isCounted else { return }
        trial.isCounted = false
        call.cluster { $0.retryEnded() }
    }

    /// The attempt waits for nothing more.
    func disarm(_ attempt: Record<Attempt>) {
        withTimers { $0.disarm(attempt.timer) }
        attempt.isHeld = false
        attempt.due = .distantFuture
    }

    /// The caller gets this attempt's answer.
    private func commit(_ attempt: Record<Attempt>, _ stream: StreamPointer) {
        let call = attempt.call.unsafelyUnwrapped
        if call.trial != nil { selectWinner(attempt, call) }
        end(call)
        stream.listener = with { $0.ownReference }
    }

    // MARK: Failures

    /// An attempt is over without an answer.
    func failed(_ attempt: Record<Attempt>, _ failure: AttemptFailure) {
        disarm(attempt)
        let call = attempt.call!
        let trial = trial(of: call)
        var cause: RetryConditions.Causes = []
        switch failure {
        case .refused: break
        case .connectFailed:
            // The request was not sent: another endpoint is asked at once, but not one after the other.
            if !trial.hasReconnected, call.canBeSentAgain {
                trial.hasReconnected = true
                return resend(attempt)
            }
            cause = .connectFailure
        case .closed(.unprocessed):
            if trial.resent < Self.resentMax, call.canBeSentAgain {
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
                || (call.isRPC && policy.conditions.contains(failure.cause.row.code))
            if !cause.isEmpty, isWanted, retry(attempt, trial, policy, .none) { return }
            worker.fail(call, failure.cause)
        }
    }

    private func resend(_ attempt: Record<Attempt>) {
        upstream.count(.upstreamResent)
        begin(attempt)
    }

    /// Has another attempt follow one that is worth it; false where there can be none, and why is noted.
    private func retry(_ attempt: Record<Attempt>, _ trial: Trial, _ policy: RetryPolicy, _ pushback: Pushback) -> Bool {
        let call = attempt.call!
        // The place of the retry that has just failed is free.
        giveBack(call, trial)
        guard call.canBeSentAgain else { return giveUpRetrying(trial, .retryWithoutBody) }
        let decision = trial.retries.decide(
            policy, pushback, now: now, deadline: call.deadline, random: worker.randomness.next())
        switch decision {
        case .limitReached:
            call.flags.insert(.attemptsExhausted)
            return giveUpRetrying(trial, .retryLimitExceeded)
        case .pushedBack: return giveUpRetrying(trial, .retryPushedBack)
        case .tooLate: return giveUpRetrying(trial, .retryTooLate)
        case .retry(let delay):
            guard call.cluster({ $0.beginRetry(isHighPriority: call.isHighPriority) }) else {
                call.flags.insert(.budgetExhausted)
                return giveUpRetrying(trial, .retryOverflow)
            }
            trial.isCounted = true
            trial.retries.recordRetry(pushback)
            // As long as the backend has it wait, it is no load, and takes no other's place.
            if pushback != .none { giveBack(call, trial) }
            upstream.count(.upstreamRetry)
            disarm(attempt)
            upstream.cancel(attempt)
            call.phase = .requesting
            if trial.timer == nil {
                trial.timer = Timer(on: worker.context.loop) { [unowned self] in beginAgain(call, trial) }
            }
            trial.timer!.arm(after: delay)
            return true
        }
    }

    /// The wait before a retry is over.
    private func beginAgain(_ call: Record<Call>, _ trial: Trial) {
        if !trial.isCounted {
            guard call.cluster({ $0.beginRetry(isHighPriority: call.isHighPriority) }) else {
                _ = giveUpRetrying(trial, .retryOverflow)
                call.flags.insert(.budgetExhausted)
                return worker.fail(call, .upstreamQueueFull(retryAfter: nil))
            }
            trial.isCounted = true
        }
        begin(call.attempt)
    }

    private func giveUpRetrying(_ trial: Trial, _ event: GatewayEvent) -> Bool {
        upstream.count(event)
        trial.isExhausted = true
        return false
    }

    /// The attempt's timer has fired.
    func timeIsUp(_ attempt: Record<Attempt>) {
        guard attempt.call!.flags.contains(.onTrial) else { return }
        guard attempt.due <= now else {
            // The head has waited long enough.
            guard attempt.isHeld, let stream = attempt.stream else { return }
            return pass(attempt, stream, ended: false)
        }
        upstream.count(.perTryTimeout)
        upstream.record(attempt, .localFailure)
        upstream.cancel(attempt)
        failed(attempt, .timedOut)
    }

    // MARK: Answers

    /// Commits an answer of which only the head has come.
    private func pass(_ attempt: Record<Attempt>, _ stream: StreamPointer, ended: Bool) {
        commit(attempt, stream)
        with { $0.streamHead(stream, ended: ended) }
    }

    func streamInformational(_ stream: StreamPointer) { upstream.streamInformational(stream) }

    func streamHead(_ stream: StreamPointer, ended: Bool) {
        let attempt = stream.attempt
        let call = attempt.call.unsafelyUnwrapped
        guard call.downstream != nil else { return }
        if stream.flags.contains(.headTooLarge), !ended || stream.fields.first(.grpcStatus) == nil {
            return pass(attempt, stream, ended: ended)
        }
        if let verdict = AttemptVerdict(head: stream, ended: ended, isRPC: call.isRPC) {
            if !isReplaced(attempt, stream, verdict, from: 0) { pass(attempt, stream, ended: ended) }
        } else if mayHold(call) {
            attempt.isHeld = true
            let end = Instant(nanoseconds: with { $0.now }.nanoseconds + Self.holdNanosecondsMax)
            withTimers { $0.arm(attempt.timer, at: min(end, attempt.due)) }
        } else {
            pass(attempt, stream, ended: false)
        }
    }

    /// Whether what follows the head may be worth another attempt, or at least a word in the log that there was none left.
    /// Who is still sending may be waiting for the head.
    @inline(__always)
    private func mayHold(_ call: Record<Call>) -> Bool {
        guard call.flags.contains(.requestEnded), call.canBeSentAgain else { return false }
        return call.policy!.holdsHeads
    }

    /// Whether another attempt follows this one, whose answer is then forgotten.
    private func isReplaced(_ attempt: Record<Attempt>, _ stream: StreamPointer, _ verdict: AttemptVerdict, from start: Int) -> Bool
    {
        if verdict.isGood { return false }
        let trial = trial(of: attempt.call!)
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
        if stream.context != nil { with { $0.streamData(stream, bytes) } }
    }

    func streamEnded(_ stream: StreamPointer) {
        let attempt = stream.attempt
        let start = stream.trailersStart
        // Trailers that were too large still say how the call ended.
        if isReplaced(attempt, stream, AttemptVerdict(trailers: stream), from: start) { return }
        pass(attempt, stream, ended: false)
        if stream.context != nil { upstream.streamEnded(stream) }
    }

    func streamDrained(_ stream: StreamPointer, _ count: Int) {
        let attempt = stream.attempt
        // A hedge sends what the window has got back, or will by the first.
        guard attempt == attempt.call.unsafelyUnwrapped.attempt else { return }
        with { $0.streamDrained(stream, count) }
    }

    func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) { upstream.closed(stream.attempt, stream, reason) }
}
