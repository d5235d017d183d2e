internal import Balancing
internal import Bytes
internal import Calls
internal import GRPC
internal import HTTPModel
internal import Reactor
internal import Snapshots
internal import Time
internal import Transport
internal import Upstreams

/// What a call's time does to it. The timer runs until the last byte of the answer has been handed to the codec: an answer that
/// waits for the caller's window is not over.
extension GatewayWorker {
    func deadlinePassed(_ call: Record<Call>) {
        if deferUntilWritten(call) { return }
        let stage: DeadlineStage
        switch call.phase {
        case .filtering, .suspended: stage = .filters
        case .waiting: stage = .connect
        case .requesting:
            stage = call.attempt.machine.state == .backingOff ? .retryPause : .response
        case .responding: stage = .stream
        case .over: return deadlinePassedUnsent(call)
        }
        let flags = call.flags
        countTimeout(flags)
        if stage != .filters, stage != .retryPause {
            metrics.count(.upstreamTimeout)
            call.cluster { $0.record.usage.recordTimeout() }
        }
        // An answer that had begun says that the endpoint is there, and one that cannot begin before the caller has sent the
        // rest of its request says nothing.
        if call.attempt.machine.isLive, stage == .connect || stage == .response && !waitsForRequest(call) {
            upstream.record(call.attempt, .localFailure)
            call.retry?.others.forEach { upstream.record($0, .localFailure) }
        }
        fail(call, .deadlineExceeded(flags.contains(.endsByDuration) ? .duration : stage))
        // Where the status is part of a body, it may wait for the caller's window in its turn.
        timers.arm(call.timer, at: now + Self.finalWriteTime)
    }

    /// The caller has more to send, and the endpoint has taken all that came.
    private func waitsForRequest(_ call: Record<Call>) -> Bool {
        guard !call.flags.contains(.requestEnded), let stream = call.upstream else { return false }
        return stream.outbound.isEmpty
    }

    /// For a status that was written into a body.
    private static let finalWriteTime = Duration.seconds(1)
    /// Long enough for the tick to end, which writes what it has queued.
    private static let tickTime = Duration.milliseconds(1)

    /// Defers the deadline, once, where an answer is queued that may only wait for the end of this tick: an upstream that is told the
    /// time that is left answers at the very moment of the deadline. What can be written leaves first, and the rest is out of time.
    ///
    /// - Returns: whether it was deferred.
    private func deferUntilWritten(_ call: Record<Call>) -> Bool {
        guard !call.flags.contains(.deadlineDeferred) else { return false }
        let stream = call.downstream
        switch call.phase {
        case .responding: guard !stream.outbound.isEmpty else { return false }
        case .over: guard !stream.flags.contains(.localEnded) else { return false }
        case .filtering, .suspended, .waiting, .requesting: return false
        }
        call.flags.insert(.deadlineDeferred)
        timers.arm(call.timer, at: now + Self.tickTime)
        return true
    }

    private func countTimeout(_ flags: Call.Flags) {
        metrics.count(
            flags.contains(.endsByDuration) ? .durationTimeout : flags.contains(.callerSetDeadline) ? .callerTimeout : .routeTimeout
        )
    }

    /// The answer is complete, and not all of it has left.
    private func deadlinePassedUnsent(_ call: Record<Call>) {
        let stream = call.downstream
        guard !stream.flags.contains(.localEnded) else {
            // Only the rest of the request is missing, and it is of no use any more.
            return stream.connection { $0.reset(stream, .noError) }
        }
        if !call.flags.contains(.localReply) { countTimeout(call.flags) }
        endUnsent(call, .deadlineExceeded(call.flags.contains(.endsByDuration) ? .duration : .stream))
    }

    /// Ends a call whose answer is complete and waits for a caller that does not read it. A status behind it would wait too.
    func endUnsent(_ call: Record<Call>, _ cause: RefusalCause) {
        upstream.cancel(call)
        let stream = call.downstream
        // What went wrong first is what the log tells.
        if !call.flags.contains(.localReply) { record(call, Refusal(cause)) }
        call.phase = .over
        timers.disarm(call.timer)
        stream.connection { $0.reset(stream, .cancel) }
    }
}
