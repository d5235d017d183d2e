package import Bytes
internal import Calls
internal import Filters
internal import GRPC
package import HTTPModel
internal import Snapshots
internal import Transport

/// The downstream half of every call of a worker: turns what callers send into calls.
package final class Downstream: StreamHandler {
    private var worker = BackReference<GatewayWorker>()

    func bind(to worker: GatewayWorker) { self.worker.bind(to: worker) }

    @inline(__always)
    private func call(_ stream: StreamPointer) -> Record<Call>? {
        stream.context.map { Record<Call>(opaque: $0) }
    }

    package func streamHead(_ stream: StreamPointer, ended: Bool) {
        worker { $0.calls.headArrived(stream, ended: ended) }
    }

    package func streamData(_ stream: StreamPointer, _ slice: BufferSlice) {
        guard let call = call(stream), !call.machine.isAnswered else {
            // Answered already: what still comes is of no interest, but must not hold the caller up.
            return stream.connection { $0.consumed(stream, slice.count) }
        }
        worker { $0.calls.bodyArrived(call, slice) }
    }

    package func streamEnded(_ stream: StreamPointer) {
        guard let call = call(stream), !call.machine.isAnswered else { return }
        call.flags.insert(.requestEnded)
        // None of them may have been kept.
        if stream.flags.contains(.headTooLarge) {
            return worker { $0.calls.fail(call, .headTooLarge(of: stream)) }
        }
        if stream.fields.count > stream.trailersStart {
            HeaderSanitizing.sanitizeTrailers(call)
        }
        if call.bridge != nil, let cause = worker.bridges({ $0.endRequest(call) }) {
            return worker { $0.calls.handle(call, .unconvertible, .refusal(cause)) }
        }
        // What was converted may have been more than there is memory for.
        guard !call.machine.isAnswered else { return }
        worker { $0.upstream.requestEnded(call) }
    }

    /// The caller's socket took so much of the answer: the upstream may send as much again.
    package func streamDrained(_ stream: StreamPointer, _ count: Int) {
        guard let call = call(stream), let upstream = call.upstream else { return }
        if let bridge = call.bridge {
            return worker.bridges { $0.answerDrained(call, bridge, count) }
        }
        if call.compressor != nil { return worker.bridges { $0.gzipDrained(call, count) } }
        call.giveBackAnswer(upstream, count)
    }

    package func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) {
        guard let call = call(stream) else { return }
        worker { $0.calls.close(call, reason) }
    }

    package func streamIdle(_ stream: StreamPointer) -> Bool {
        guard let call = call(stream) else { return false }
        return end(call, stream, .streamIdle, .streamIdleTimeout)
    }

    package func streamGraceExpired(_ stream: StreamPointer) -> Bool {
        guard let call = call(stream) else { return false }
        return end(call, stream, .connectionTooOld, nil)
    }

    /// Ends a call that has run too long; false where its answer has left, and the stream is only to be reset.
    private func end(_ call: Record<Call>, _ stream: StreamPointer, _ cause: RefusalCause, _ event: GatewayEvent?) -> Bool {
        guard !stream.flags.contains(.localEnded) else { return false }
        worker { worker in
            if let event { worker.metrics.count(event) }
            worker.calls.handle(call, .timedOut, .refusal(cause))
        }
        return true
    }

    package func streamStalled(_ stream: StreamPointer) {
        guard let call = call(stream) else { return }
        worker {
            $0.metrics.count(.stallTimeout)
            $0.calls.handle(call, .stalled, .reset(flag: "SI", detail: "downstream_stalled"))
        }
    }
}
