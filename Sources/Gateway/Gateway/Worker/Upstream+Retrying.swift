internal import Balancing
internal import Bytes
internal import Calls
internal import Filters
internal import GRPC
internal import GatewayModel
internal import HTTPModel
internal import Reactor
internal import Snapshots
internal import Time
internal import Transport
internal import Upstreams

/// Performs what the machine of a call's attempts says, and reads answers that another attempt's may replace.
///
/// Such an answer is committed with its first byte of body, with an end that the policy takes, or when its head has waited for either as
/// long as a caller may be kept from it. A call whose first answer is good has cost a timer, and no memory.
extension Upstream {
    /// How long an answer's head waits for what follows.
    private static let holdNanosecondsMax: UInt64 = 100_000_000

    // MARK: Attempts

    /// Begins the first attempt of a call with a policy.
    func startReplaceable(_ call: Record<Call>, isHedged: Bool) {
        call.attempt.isReplaceable = true
        guard isHedged else { return begin(call.attempt) }
        _ = handle(call, .begun, of: call.attempt)
    }

    private func begin(_ attempt: Record<Attempt>) {
        let timeout = attempt.isReplaceable ? attempt.call.policy.tryNanoseconds : 0
        if timeout > 0 {
            attempt.due = Instant(nanoseconds: now.nanoseconds + timeout)
            arm(attempt, at: attempt.due)
        }
        handle(attempt, .begin)
    }

    private func arm(_ attempt: Record<Attempt>, at time: Instant) { reference { $0.timers.arm(attempt.timer, at: time) } }

    /// The attempt waits for nothing more.
    private func disarm(_ attempt: Record<Attempt>) {
        reference { $0.timers.disarm(attempt.timer) }
        attempt.due = .distantFuture
    }

    private func retryState(of call: Record<Call>) -> RetryState {
        if let state = call.retry { return state }
        let state = RetryState(call.policy.attempts)
        call.retry = state
        return state
    }

    /// The attempt has failed: another follows, or the call has failed too.
    func decide(_ attempt: Record<Attempt>) {
        guard let failure = attempt.failure else { return }
        attempt.failure = nil
        guard case .call(let call) = attempt.purpose else { return worker.mirrors.failed(attempt, failure) }
        if failure.reachedEndpoint { call.flags.insert(.endpointReached) }
        guard attempt.isReplaceable || failure.mayBeResent else { return fail(call, failure.cause) }
        if attempt.isReplaceable { disarm(attempt) }
        let cause = failure.cause
        let fallsBack = call.route.hasFallback && prefersFallback(fallback(of: call), to: failure, for: call)
        _ = handle(call, .failed(failure.kind, cause.row.code), of: attempt, failing: cause, fallsBack: fallsBack)
    }

    /// - Parameters:
    ///   - attempt: which the event is of; the call's own where it is of none.
    ///   - verdict: on the attempt's answer, where the event is that.
    ///   - cause: what the caller is told where the attempt has failed, and no other follows.
    /// - Returns: whether an answer is to be passed on.
    private func handle(
        _ call: Record<Call>, _ first: RetryMachine.Event, of attempt: Record<Attempt>, verdict: AttemptVerdict? = nil,
        failing cause: RefusalCause? = nil, fallsBack: Bool = false
    ) -> Bool {
        let retry = retryState(of: call)
        var event: RetryMachine.Event? = first
        // What the cluster's budget says is the next event. What a beginning or a failure leads to comes when no step of this event is left.
        while let current = event {
            event = nil
            let state = retry.machine.state
            let actions = retry.machine.handle(current, facts(call, attempt, retry, fallsBack: fallsBack))
            let steps = actions.steps
            if steps.contains(.releaseRetry) { call.cluster { $0.releaseRetry() } }
            if steps.contains(.releaseHedges) { call.cluster { $0.releaseHedges(actions.hedges) } }
            if steps.contains(.count), let event = actions.event { count(event) }
            if steps.contains(.countReset) { count(.upstreamReset) }
            if steps.contains(.limitReached) { call.flags.insert(.attemptsExhausted) }
            if steps.contains(.budgetExhausted) { call.flags.insert(.budgetExhausted) }
            if steps.contains(.recordAnswer), let verdict { record(attempt, verdict.outcome) }
            if steps.contains(.replace) {
                call.flags.insert(.endpointReached)
                disarm(attempt)
                handle(attempt, .replaced)
            }
            if steps.contains(.drop) { drop(attempt, call, retry) }
            if steps.contains(.backOff) { handle(call.attempt, .backOff) }
            if steps.contains(.arm) { arm(retry, call, after: actions.delay) }
            if steps.contains(.acquireRetry) {
                event = call.cluster { $0.acquireRetry(isHighPriority: call.isHighPriority) } ? .granted : .denied
            }
            if steps.contains(.acquireHedge) { event = call.cluster { $0.acquireHedge() } ? .granted : .denied }
            if steps.contains(.begin) { begin(attempt) }
            if steps.contains(.beginOwn) { begin(call.attempt) }
            if steps.contains(.beginHedge) { beginHedge(call, retry) }
            if steps.contains(.fail), let cause { fail(call, cause) }
            if steps.contains(.failWithoutPlace) { worker.calls.fail(call, .retryBudgetExhausted) }
            if steps.contains(.unexpected) { worker.calls.unexpected(call, "\(current) of attempts in \(state)") }
            if steps.contains(.pass) { return true }
        }
        return false
    }

    private func facts(
        _ call: Record<Call>, _ attempt: Record<Attempt>, _ retry: RetryState, fallsBack: Bool
    ) -> RetryMachine.Facts {
        RetryMachine.Facts(
            now: now, deadline: call.deadline, canBeSentAgain: call.canBeSentAgain, mayRepeat: retry.mayRepeat(call),
            requestEnded: call.flags.contains(.requestEnded), isRPC: call.isRPC,
            hasOthers: attempt != call.attempt || !retry.others.isEmpty, fallsBack: fallsBack,
            random: worker.context.random.next())
    }

    private func arm(_ retry: RetryState, _ call: Record<Call>, after delay: Duration) {
        if retry.timer == nil {
            retry.timer = Timer(on: worker.context.loop) { [unowned self] in _ = handle(call, .timer, of: call.attempt) }
        }
        retry.timer?.arm(after: delay)
    }

    /// Begins one more attempt, at another endpoint than the last one where there is one.
    private func beginHedge(_ call: Record<Call>, _ retry: RetryState) {
        let attempt = worker.attempts.acquire()
        attempt.purpose = .call(call)
        attempt.isReplaceable = true
        attempt.endpoint = (retry.others.last ?? call.attempt).endpoint
        if let endpoint = attempt.endpoint { endpoint { $0.retain() } }
        retry.others.append(attempt)
        begin(attempt)
    }

    /// Takes an attempt that is over out of a call that has others.
    private func drop(_ attempt: Record<Attempt>, _ call: Record<Call>, _ retry: RetryState) {
        if attempt == call.attempt {
            guard let other = retry.others.popLast() else { return }
            call.attempt = other
        } else {
            retry.others.removeAll { $0 == attempt }
        }
        discard(attempt)
    }

    /// Nothing of an attempt beside the call's own is needed any more.
    private func discard(_ attempt: Record<Attempt>) {
        disarm(attempt)
        handle(attempt, .cancelled)
        if let endpoint = attempt.endpoint { endpoint { $0.release() } }
        attempt.finish()
        worker.attempts.release(attempt)
    }

    /// The caller gets the answer of this attempt, of a call that may have had several.
    func commit(_ attempt: Record<Attempt>) {
        let call = attempt.call
        if let retry = call.retry {
            _ = handle(call, .committed(isOwn: attempt == call.attempt), of: attempt)
            if attempt != call.attempt {
                retry.others.removeAll { $0 == attempt }
                retry.others.append(call.attempt)
                call.attempt = attempt
            }
        }
        end(call)
    }

    /// No other attempt follows: what the call holds for that is given back, and nothing of it fires.
    func end(_ call: Record<Call>) {
        if call.attempt.isReplaceable {
            call.attempt.isReplaceable = false
            disarm(call.attempt)
        }
        guard let retry = call.retry else { return }
        _ = handle(call, .ended, of: call.attempt)
        call.retry = nil
        retry.timer = nil
        while let other = retry.others.popLast() { discard(other) }
    }

    // MARK: Time

    /// The head of the attempt's answer waits for what follows.
    func hold(_ attempt: Record<Attempt>) {
        arm(attempt, at: min(Instant(nanoseconds: now.nanoseconds + Self.holdNanosecondsMax), attempt.due))
    }

    /// The attempt's timer has fired.
    func timeIsUp(_ attempt: Record<Attempt>) {
        guard attempt.isReplaceable else { return }
        guard attempt.due <= now else {
            // The head has waited long enough.
            guard let stream = attempt.stream else { return }
            handle(attempt, .holdOver)
            return reference { attempt.call.passHead(stream, ended: false, $0) }
        }
        count(.perTryTimeout)
        record(attempt, .localFailure)
        handle(attempt, fail(attempt, .timedOut(wasSent: attempt.stream != nil), .timeUp))
    }

    // MARK: Answers

    func judgeHead(_ attempt: Record<Attempt>, _ stream: StreamPointer, ended: Bool) {
        let call = attempt.call
        if stream.flags.contains(.headTooLarge), !ended || stream.fields.first(.grpcStatus) == nil {
            return pass(attempt, stream, ended: ended)
        }
        if let verdict = AttemptVerdict(head: stream, ended: ended, isRPC: call.isRPC) {
            if !isReplaced(attempt, stream, verdict, from: 0) { pass(attempt, stream, ended: ended) }
        } else if mayHold(call) {
            handle(attempt, .headOpen)
        } else {
            pass(attempt, stream, ended: false)
        }
    }

    /// Commits an answer, of which only the head has come.
    private func pass(_ attempt: Record<Attempt>, _ stream: StreamPointer, ended: Bool) {
        handle(attempt, .answer)
        reference { attempt.call.passHead(stream, ended: ended, $0) }
    }

    /// Whether what follows the head may be worth another attempt, or a note in the log that none was left.
    /// A streaming caller may wait for the head before it sends more, so it is not held.
    @inline(__always)
    private func mayHold(_ call: Record<Call>) -> Bool {
        guard call.flags.contains(.requestEnded), call.canBeSentAgain else { return false }
        return call.policy.holdsHeads && call.mayRepeat
    }

    /// Whether another attempt follows this one, whose answer is then forgotten.
    private func isReplaced(_ attempt: Record<Attempt>, _ stream: StreamPointer, _ verdict: AttemptVerdict, from start: Int) -> Bool
    {
        if verdict.isGood { return false }
        return !handle(attempt.call, .answered(verdict, Pushback(in: stream, from: start)), of: attempt, verdict: verdict)
    }

    /// The first bytes of a body have come: false where nothing of it is passed on, because the head was the end of it.
    func commitBody(_ attempt: Record<Attempt>, _ stream: StreamPointer, isEmpty: Bool) -> Bool {
        if isEmpty { return false }
        pass(attempt, stream, ended: false)
        return stream.context != nil
    }

    /// The answer is complete: false where it is not passed on.
    func commitEnd(_ attempt: Record<Attempt>, _ stream: StreamPointer) -> Bool {
        // Trailers that were too large still say how the call ended.
        if isReplaced(attempt, stream, AttemptVerdict(trailers: stream), from: stream.trailersStart) { return false }
        pass(attempt, stream, ended: false)
        return stream.context != nil
    }
}

/// What becomes of a call whose attempts have failed.
extension Upstream {
    /// The route's fallback serves a call that has reached no endpoint; any other fails, and so does one that its fallback fails.
    func fail(_ call: Record<Call>, _ cause: RefusalCause) {
        if !fallBack(call, cause) { worker.calls.fail(call, cause) }
    }

    /// - Returns: false where there is none for this call.
    private func fallBack(_ call: Record<Call>, _ cause: RefusalCause) -> Bool {
        guard call.route.hasFallback, let fallback = fallback(of: call), let reason = FallbackReason(cause),
            !call.flags.contains(.endpointReached), call.machine.state == .dispatching
        else { return false }
        let traffic = call.traffic ?? TrafficState(cluster: call.route.cluster)
        leave(call, cause, reason)
        switch fallback {
        case .cluster(let index):
            traffic.fallBack(reason, to: index)
            call.traffic = traffic
            HeadersFilter.clusterChanged(CallView(call, worker.filters.services))
            dispatch(call)
        case .respond(let respond):
            traffic.fallBack(reason, to: nil)
            call.traffic = traffic
            DirectAnswerFilter.respond(CallView(call, worker.filters.services), respond)
        }
        return true
    }

    /// What serves the call if it reaches no endpoint; `nil` where nothing does: its fallback serves it already, is the cluster that was
    /// chosen, or is a response that the caller cannot read.
    @inline(never)
    func fallback(of call: Record<Call>) -> Route.Fallback? {
        guard let fallback = call.route({ $0.fallback }), call.traffic?.fallback == nil else { return nil }
        return switch fallback {
        case .cluster(let index): index != call.traffic?.cluster ?? call.route.cluster ? fallback : nil
        case .respond: call.clientProtocol == .http ? fallback : nil
        }
    }

    /// Whether the fallback serves the call at once, without another attempt: connecting to the cluster's only endpoint has just failed, which may
    /// have taken as long as `timeouts.connect`.
    private func prefersFallback(_ fallback: Route.Fallback?, to failure: AttemptFailure, for call: Record<Call>) -> Bool {
        guard fallback != nil, case .connectFailed = failure, !call.flags.contains(.endpointReached) else { return false }
        return call.cluster { $0.endpoints.count == 1 }
    }

    /// Gives back what the call has of its cluster.
    private func leave(_ call: Record<Call>, _ cause: RefusalCause, _ reason: FallbackReason) {
        count(reason.event)
        if let circuit = cause.circuit { call.cluster { $0.record.usage.recordRefusal(circuit) } }
        end(call)
        call.flags.subtract([.attemptsExhausted, .budgetExhausted])
        if let endpoint = call.attempt.endpoint { endpoint { $0.release() } }
        call.attempt.endpoint = nil
    }
}
