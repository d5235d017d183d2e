internal import Balancing
internal import Bytes
internal import Calls
internal import Filters
internal import GRPC
internal import HTTPModel
internal import Reactor
internal import Snapshots
internal import Time
internal import Transport
internal import Upstreams

/// What a call's time does to it. The timer runs until the last byte of the answer has been handed to the codec: an answer that
/// waits for the caller's window is not over.
extension CallManager {
    /// For a status that was written into a body.
    private static let finalWriteTime = Duration.seconds(1)
    /// Long enough for the tick to end, which writes what it has queued.
    private static let tickTime = Duration.milliseconds(1)

    private var now: Instant { worker { $0.now } }

    func deadlinePassed(_ call: Record<Call>) {
        let stage = call.flags.contains(.endsByDuration) ? .duration : call.deadlineStage
        handle(call, .deadlinePassed, .refusal(.deadlineExceeded(stage)))
    }

    /// Its time is up before its answer is complete.
    func failByDeadline(_ call: Record<Call>, _ ending: CallEnding?) {
        let stage = call.deadlineStage
        countTimeout(call)
        if stage != .filters, stage != .retryPause {
            worker { $0.metrics.count(.upstreamTimeout) }
            // A direct answer whose caller takes it too slowly has none.
            if call.isRouted, call.route.leadsToCluster { call.cluster { $0.record.usage.recordTimeout() } }
        }
        // An answer that had begun says that the endpoint is there, and one that cannot begin before the caller has sent the
        // rest of its request says nothing.
        if call.attempt.machine.isLive, stage == .connect || stage == .response && !call.waitsForRequest {
            worker { worker in
                worker.upstream.record(call.attempt, .localFailure)
                call.retry?.others.forEach { worker.upstream.record($0, .localFailure) }
            }
        }
        handle(call, .failed, ending)
        // Where the status is part of a body, it may wait for the caller's window in its turn.
        timers.arm(call.timer, at: now + Self.finalWriteTime)
    }

    /// Defers the deadline, once, where an answer is queued that may only wait for the end of this tick: an upstream that is told the
    /// time that is left answers at the very moment of the deadline. What can be written leaves first, and the rest is out of time.
    func deferDeadline(_ call: Record<Call>) {
        call.flags.insert(.deadlineDeferred)
        timers.arm(call.timer, at: now + Self.tickTime)
    }

    func countTimeout(_ call: Record<Call>) {
        let flags = call.flags
        let event: GatewayEvent =
            flags.contains(.endsByDuration) ? .durationTimeout : flags.contains(.callerSetDeadline) ? .callerTimeout : .routeTimeout
        worker { $0.metrics.count(event) }
    }
}

extension Record<Call> {
    /// What the call was about when its time was up.
    fileprivate var deadlineStage: DeadlineStage {
        switch self.machine.state {
        case .idle, .arriving, .filtering, .suspended: return .filters
        case .holding, .answering, .answered: return .stream
        case .dispatching:
            switch self.attempt.machine.state {
            case .backingOff: return .retryPause
            // A hedge may have been sent already.
            case .queued: return self.retry?.others.contains { $0.stream != nil } == true ? .response : .connect
            default: return .response
            }
        }
    }

    /// The caller has more to send, and the endpoint has taken all that came.
    fileprivate var waitsForRequest: Bool {
        guard !self.flags.contains(.requestEnded), let stream = self.upstream else { return false }
        return stream.outbound.isEmpty
    }
}
