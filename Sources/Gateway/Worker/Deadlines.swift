internal import Balancing
internal import Bytes
internal import GRPC
internal import HTTPModel
internal import Reactor
internal import Time
internal import Transport

/// What a call's time does to it. The timer runs until the last byte of the answer has been handed to the codec: an answer that
/// waits for the caller's window is not over.
extension GatewayWorker {
    func deadlinePassed(_ exchange: ExchangePointer) {
        if deferUntilWritten(exchange) { return }
        let stage: DeadlineStage
        switch exchange.pointee.phase {
        case .filtering, .suspended: stage = .filters
        case .waiting: stage = .connect
        case .requesting:
            let waits = exchange.pointee.attempt.pointee.isLive || exchange.pointee.trial?.others.isEmpty == false
            stage = waits ? .response : .retryPause
        case .responding: stage = .stream
        case .over: return deadlinePassedUnsent(exchange)
        }
        let flags = exchange.pointee.flags
        countTimeout(flags)
        if stage != .filters, stage != .retryPause {
            metrics.count(.upstreamTimeout)
            exchange.cluster._withUnsafeGuaranteedRef { $0.record.usage.recordTimeout() }
        }
        // An answer that had begun says that the endpoint is there, and one that cannot begin before the caller has sent the
        // rest of its request says nothing.
        if exchange.pointee.attempt.pointee.isLive, stage == .connect || stage == .response && !waitsForRequest(exchange) {
            upstream.record(exchange.pointee.attempt, .localFailure)
            exchange.pointee.trial?.others.forEach { upstream.record($0, .localFailure) }
        }
        fail(exchange, .deadlineExceeded(flags.contains(.endsByDuration) ? .duration : stage))
        // Where the status is part of a body, it may wait for the caller's window in its turn.
        timers.arm(exchange.pointee.timer, at: now + Self.finalWriteTime)
    }

    /// The caller has more to send, and the endpoint has taken all that came.
    private func waitsForRequest(_ exchange: ExchangePointer) -> Bool {
        guard !exchange.pointee.flags.contains(.requestEnded), let stream = exchange.pointee.upstream else { return false }
        return stream.pointee.outbound.isEmpty
    }

    /// For a status that was written into a body.
    private static let finalWriteTime = Duration.seconds(1)
    /// Long enough for the tick to end, which writes what it has queued.
    private static let tickTime = Duration.milliseconds(1)

    /// Defers the deadline, once, where an answer is queued that may only wait for the end of this tick: an upstream that is told the
    /// time that is left answers at the very moment of the deadline. What can be written leaves first, and the rest is out of time.
    ///
    /// - Returns: whether it was deferred.
    private func deferUntilWritten(_ exchange: ExchangePointer) -> Bool {
        guard !exchange.pointee.flags.contains(.deadlineDeferred), let stream = exchange.pointee.downstream else { return false }
        switch exchange.pointee.phase {
        case .responding: guard !stream.pointee.outbound.isEmpty else { return false }
        case .over: guard !stream.pointee.flags.contains(.localEnded) else { return false }
        case .filtering, .suspended, .waiting, .requesting: return false
        }
        exchange.pointee.flags.insert(.deadlineDeferred)
        timers.arm(exchange.pointee.timer, at: now + Self.tickTime)
        return true
    }

    private func countTimeout(_ flags: Exchange.Flags) {
        metrics.count(
            flags.contains(.endsByDuration) ? .durationTimeout : flags.contains(.callerSetDeadline) ? .callerTimeout : .routeTimeout
        )
    }

    /// The answer is complete, and not all of it has left.
    private func deadlinePassedUnsent(_ exchange: ExchangePointer) {
        guard let stream = exchange.pointee.downstream else { return }
        guard !stream.pointee.flags.contains(.localEnded) else {
            // Only the rest of the request is missing, and it is of no use any more.
            return stream.connection { $0.reset(stream, .noError) }
        }
        if !exchange.pointee.flags.contains(.localReply) { countTimeout(exchange.pointee.flags) }
        endUnsent(exchange, .deadlineExceeded(exchange.pointee.flags.contains(.endsByDuration) ? .duration : .stream))
    }

    /// Ends an exchange whose answer is complete and waits for a caller that does not read it. A status behind it would wait too.
    func endUnsent(_ exchange: ExchangePointer, _ cause: RefusalCause) {
        upstream.cancel(exchange)
        guard let stream = exchange.pointee.downstream else { return }
        // What went wrong first is what the log tells.
        if !exchange.pointee.flags.contains(.localReply) { record(exchange, Refusal(cause)) }
        exchange.pointee.phase = .over
        timers.disarm(exchange.pointee.timer)
        stream.connection { $0.reset(stream, .cancel) }
    }
}
