internal import Balancing
internal import Bridging
internal import Bytes
internal import Calls
internal import Filters
internal import GRPC
internal import HTTPModel
internal import Metrics
internal import Reactor
internal import Snapshots
internal import Time
internal import Transport
internal import Upstreams

/// The calls of a worker: feeds events to each call's machine, and performs the actions it answers with.
final class CallManager {
    private(set) var worker = BackReference<GatewayWorker>()
    private let owner: Owner
    let records: Slab<Call>
    let noCall: NoCall
    private let activeCalls: Gauge
    let chunks: ChunkPool
    let timers: TimerWheel

    /// What records are made with, before there is a worker.
    private final class Owner {
        var worker = BackReference<GatewayWorker>()
    }

    /// - Parameters:
    ///   - attempts: where every call has one of its own from.
    ///   - activeCalls: how many there are.
    init(_ context: WorkerContext, attempts: Slab<Attempt>, noCall: NoCall, activeCalls: Gauge) {
        chunks = context.chunks
        timers = context.loop.timers
        self.noCall = noCall
        self.activeCalls = activeCalls
        let owner = Owner()
        self.owner = owner
        records = Slab(
            makeValue: { record in
                let attempt = attempts.acquire()
                attempt.purpose = .call(record)
                let timer = RecordTimer(of: record.opaque) {
                    let call = Record<Call>(opaque: $0)
                    owner.worker { $0.calls.deadlinePassed(call) }
                }
                return Call(noCall, serving: owner.worker { $0.serving }, timer: timer, attempt: attempt)
            },
            dispose: { $0.timer.deallocate() })
    }

    func bind(to worker: GatewayWorker) {
        self.worker.bind(to: worker)
        owner.worker.bind(to: worker)
    }

    /// The head of a request has arrived.
    @inline(__always)
    func begin(_ stream: StreamPointer) -> Record<Call> {
        let call = records.acquire()
        worker { worker in
            call.begin(on: stream, at: worker.now, serving: worker.serving, noCall)
            worker.serving { $0.callCount += 1 }
            worker.shard { $0.adjust(activeCalls, by: 1) }
        }
        stream.context = call.opaque
        handle(call, .arrived)
        return call
    }

    // MARK: Events

    /// - Returns: the actions. `filter` and `dispatch` are left to the two callers whose events cause them: performed here, the whole filter chain would
    ///   be inlined wherever an event is handled.
    @inline(__always)
    @discardableResult
    func handle(_ call: Record<Call>, _ event: CallMachine.Event) -> CallMachine.Actions {
        guard let actions = call.machine.handleCommon(event) else {
            handle(call, event, nil)
            return []
        }
        perform(actions, call, nil)
        return actions
    }

    /// - Parameter ending: why the call ends; every event that may end one has it.
    @inline(never)
    func handle(_ call: Record<Call>, _ event: CallMachine.Event, _ ending: CallEnding?) {
        let state = call.machine.state
        let actions = call.machine.handle(event, facts(call, ending))
        assert(ending != nil || actions.isDisjoint(with: .needEnding), "\(event) has no CallEnding")
        perform(actions, call, ending)
        if actions.contains(.unexpected) { unexpected(call, "\(event) of a call that is \(state)") }
    }

    private func facts(_ call: Record<Call>, _ ending: CallEnding?) -> CallMachine.Facts {
        var facts: CallMachine.Facts = []
        let stream = call.downstream
        if !stream.outbound.isEmpty { facts.insert(.hasUnsent) }
        if !stream.flags.isDisjoint(with: [.localEnded, .resetSent]) { facts.insert(.hasEnded) }
        if call.flags.contains(.deadlineDeferred) { facts.insert(.isDeferred) }
        if call.outcome.isRecorded { facts.insert(.isRecorded) }
        let isBetweenMessages = call.bridge?.converter.answerIsAtBoundary ?? call.boundary.isAtBoundary
        // Raw bytes have no place for an error.
        let isRaw = call.bridge?.json?.isRaw == true
        if call.isRPC, isBetweenMessages, !isRaw { facts.insert(.mayEndInTrailers) }
        if stream.flags.contains(.headWaits) { facts.insert(.headWaits) }
        if call.filtersLeft.contains(.conversionFailure) { facts.insert(.tellsConversion) }
        if case .refusal(.deadlineExceeded, _)? = ending { facts.insert(.isOutOfTime) }
        return facts
    }

    @inline(__always)
    private func perform(_ actions: CallMachine.Actions, _ call: Record<Call>, _ ending: CallEnding?) {
        if actions.contains(.cancelAttempts) { worker { $0.upstream.cancel(call) } }
        if actions.contains(.dropBody) { call.body.removeAll(pool: chunks) }
        if actions.contains(.disarmDeadline) { timers.disarm(call.timer) }
        if actions.contains(.countTimeout) { countTimeout(call) }
        if actions.contains(.record), let ending { record(call, ending) }
        if actions.contains(.deferDeadline) { deferDeadline(call) }
        if actions.contains(.keepFailure) { keepFailure(of: call, ending) }
        // One test for both: few calls meet either.
        if actions.rawValue & (CallMachine.Actions.withdrawHead.rawValue | CallMachine.Actions.refuse.rawValue) != 0 {
            refuse(call, ending, withdrawing: actions.contains(.withdrawHead))
        }
        if actions.contains(.endInTrailers) { endInTrailers(call, ending) }
        if actions.contains(.resetUnsent) { reset(call, .cancel) }
        if actions.contains(.resetIncomplete) { reset(call, .internalError) }
        if actions.contains(.resetRequest) { reset(call, .noError) }
        if actions.contains(.resetShed) { reset(call, .enhanceYourCalm) }
        if actions.contains(.finish) { finish(call) }
        if actions.contains(.fail) { handle(call, .failed, ending) }
        if actions.contains(.failByDeadline) { failByDeadline(call, ending) }
    }

    // MARK: Actions

    private func record(_ call: Record<Call>, _ ending: CallEnding) {
        switch ending {
        case .refusal(let cause, let source): record(call, cause, by: source)
        case .reset(let flag, let detail): call.outcome.record(flag: flag, detail: detail, .cancelled)
        case .closed(let reason):
            let (flag, detail) = Self.words(for: reason)
            // An answer whose end has not left went wrong, whatever it said.
            let status = call.outcome.grpcStatus
            call.outcome.record(flag: flag, detail: detail, status == nil || status == .ok ? .cancelled : status)
        }
    }

    private func record(_ call: Record<Call>, _ cause: RefusalCause, by source: Call.RefusalSource?) {
        let row = cause.row
        var detail = row.detail
        if case .deadlineExceeded(let stage) = cause, call.flags.contains(.callerSetDeadline) { detail = stage.callersDetail }
        call.outcome.record(flag: row.flag, detail: detail, row.code)
        call.flags.insert(.gatewayFailed)
        if let source { call.refusalSource = source }
        if let circuit = cause.circuit { call.cluster { $0.record.usage.recordRefusal(circuit) } }
    }

    private static func words(for reason: StreamClose) -> (flag: StaticString, detail: StaticString) {
        switch reason {
        case .limitExceeded: ("DPE", "downstream_limit_exceeded")
        case .malformed: ("DPE", "downstream_protocol_error")
        case .connectionLost, .connectionStale: ("DC", "downstream_disconnect")
        case .complete, .reset, .unprocessed: ("DR", "downstream_remote_reset")
        }
    }

    private func keepFailure(of call: Record<Call>, _ ending: CallEnding?) {
        if case .refusal(let cause, _)? = ending { worker.bridges { $0.keepFailure(of: call, cause) } }
    }

    private func withdrawHead(_ call: Record<Call>) {
        let stream = call.downstream
        stream.serverConnection { $0.withdrawHead(of: stream) }
        if let compressor = call.compressor { worker.bridges { $0.releaseGzip(compressor) } }
        call.compressor = nil
    }

    private func refuse(_ call: Record<Call>, _ ending: CallEnding?, withdrawing: Bool) {
        if withdrawing { withdrawHead(call) }
        if case .refusal(let cause, _)? = ending { worker { $0.replies.refuse(call, cause, $0) } }
    }

    private func endInTrailers(_ call: Record<Call>, _ ending: CallEnding?) {
        if case .refusal(let cause, _)? = ending { worker { $0.replies.endAnswer(call, with: cause, $0) } }
    }

    private func reset(_ call: Record<Call>, _ code: ErrorCode) {
        let stream = call.downstream
        stream.connection { $0.reset(stream, code) }
    }

    /// Gives back whatever the call still holds.
    @inline(__always)
    private func finish(_ call: Record<Call>) {
        worker { worker in
            worker.filters.end(call)
            worker.record(call)
            worker.shard { $0.adjust(activeCalls, by: -1) }
            call.downstream.context = nil
            let snapshot = call.snapshot
            if let endpoint = call.endpoint { endpoint { $0.release() } }
            if let bridge = call.bridge { worker.bridges { $0.release(bridge, serving: worker.current.snapshot) } }
            if let compressor = call.compressor { worker.bridges { $0.releaseGzip(compressor) } }
            call.finish(pool: chunks, noCall)
            records.release(call)
            snapshot { $0.callCount -= 1 }
            worker.retireSnapshots()
        }
    }

    // MARK: Filters

    /// Goes on by the filters' verdict.
    @inline(__always)
    func conclude(_ call: Record<Call>, _ verdict: FilterVerdict) {
        switch verdict {
        case .proceed: if handle(call, .filtered).contains(.dispatch) { worker { $0.upstream.start(call) } }
        case .suspended: handle(call, .waits)
        case .replied: break
        }
    }

    // MARK: What ends calls

    /// Ends a call that went wrong: with a refusal before the answer's head has been sent, else as well as it can be told.
    ///
    /// - Parameter source: the configured rule or limit that it comes from.
    func fail(_ call: Record<Call>, _ cause: RefusalCause, by source: Call.RefusalSource? = nil) {
        handle(call, .failed, .refusal(cause, by: source))
    }

    /// The call holds more memory than there is.
    func shed(_ call: Record<Call>) {
        // What has been answered waits for the caller to take it: words behind it would wait too.
        let ending: CallEnding =
            call.machine.headIsSent
            ? .reset(flag: "OM", detail: "overload") : .refusal(.overloaded(retryAfter: .seconds(1)), by: nil)
        handle(call, .shed, ending)
    }

    /// The downstream stream is no more, and so the call.
    @inline(__always)
    func close(_ call: Record<Call>, _ reason: StreamClose) {
        if case .complete = reason, call.machine.isAnswered {
            handle(call, .closed)
        } else {
            handle(call, reason == .complete ? .closed : .lost, .closed(reason))
        }
    }

    /// A machine got an event that its state does not allow, which is a bug of ours: stops the process in checked builds, and ends the call in
    /// others.
    ///
    /// - Parameter call: `nil` for a mirror's.
    func unexpected(_ call: Record<Call>?, _ what: String) {
        assertionFailure(what)
        worker {
            $0.metrics.count(.internalError)
            $0.internalErrorSeen?("unexpected \(what)")
        }
        // A call that has been answered ends by itself.
        if let call, call.machine.isUnderWay { fail(call, .internalError) }
    }

    /// Ends every call that runs, as well as it can be told.
    func endAll() {
        records.forEachRecord { call in
            if call.machine.isUnderWay { fail(call, .shuttingDown) }
        }
    }

    /// Ends those whose tenants are blocked.
    func endBlocked() {
        worker { worker in
            records.forEachRecord { call in
                guard call.machine.isUnderWay, worker.filters.services.isBlocked(call) else { return }
                worker.metrics.count(.tenantBlocked)
                fail(call, .permissionDenied(.tenantBlocked))
            }
        }
    }
}

extension CallManager: FilterHost {
    func refuse(_ call: Record<Call>, _ cause: RefusalCause, by source: Call.RefusalSource?) { fail(call, cause, by: source) }

    func willReply(_ call: Record<Call>) { handle(call, .replied) }

    func didReply(on stream: StreamPointer) { worker { $0.checkMemory(after: stream) } }

    func resume(_ token: SuspensionToken, _ decide: (CallView) -> FilterVerdict) {
        guard let call = token.waitingCall else { return }
        handle(call, .resumed)
        conclude(call, worker { $0.filters.resume(call, decide) })
    }

    func convert(_ call: Record<Call>) {
        worker.bridges {
            if let cause = $0.build(call) { $0.keepFailure(of: call, cause) }
        }
    }

    func compressAnswer(_ call: Record<Call>) -> Bool { worker.bridges { $0.beginGzip(call) } }

    func beginMirror(_ call: Record<Call>, _ mirror: TrafficPlan.Mirror) { worker { $0.beginMirror(call, mirror) } }
}
