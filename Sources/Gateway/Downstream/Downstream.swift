internal import GRPC
internal import Bytes
package import HTTPModel
internal import Transport

/// The downstream half of every exchange of a worker: turns what callers send into exchanges.
package final class Downstream: StreamHandler {
    /// Set once, by the worker that owns it.
    var worker: Unmanaged<GatewayWorker>!

    @inline(__always)
    private func exchange(_ stream: StreamPointer) -> ExchangePointer? {
        stream.pointee.context?.assumingMemoryBound(to: Exchange.self)
    }

    package func streamHead(_ stream: StreamPointer, ended: Bool) {
        worker._withUnsafeGuaranteedRef { $0.begin(stream, ended: ended) }
    }

    package func streamData(_ stream: StreamPointer, _ bytes: UnsafeRawBufferPointer) {
        guard let exchange = exchange(stream), exchange.pointee.phase != .over else {
            // Answered already: what still comes is of no interest, but must not hold the caller up.
            return stream.connection { $0.consumed(stream, bytes.count) }
        }
        worker._withUnsafeGuaranteedRef { $0.receivedBody(exchange, bytes) }
    }

    package func streamEnded(_ stream: StreamPointer) {
        guard let exchange = exchange(stream), exchange.pointee.phase != .over else { return }
        exchange.pointee.flags.insert(.requestEnded)
        // None of them may have been kept.
        if stream.pointee.flags.contains(.headTooLarge) {
            return worker._withUnsafeGuaranteedRef { $0.fail(exchange, .headTooLarge(of: stream)) }
        }
        if stream.pointee.fields.count > stream.pointee.trailersStart {
            worker._withUnsafeGuaranteedRef { $0.sanitizeTrailers(exchange, stream) }
        }
        if exchange.pointee.bridge != nil, let cause = worker._withUnsafeGuaranteedRef({ $0.endBridgedRequest(exchange) }) {
            return worker._withUnsafeGuaranteedRef { $0.failBridged(exchange, cause) }
        }
        worker._withUnsafeGuaranteedRef { $0.upstream.requestEnded(exchange) }
    }

    /// The caller's socket took so much of the answer: the upstream may send as much again.
    package func streamDrained(_ stream: StreamPointer, _ count: Int) {
        guard let exchange = exchange(stream), let upstream = exchange.pointee.upstream else { return }
        if let bridge = exchange.pointee.bridge {
            return worker._withUnsafeGuaranteedRef { $0.bridgedAnswerDrained(exchange, bridge, count) }
        }
        upstream.connection { $0.consumed(upstream, count) }
    }

    package func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) {
        guard let exchange = exchange(stream) else { return }
        worker._withUnsafeGuaranteedRef { $0.end(exchange, reason) }
    }

    package func streamIdle(_ stream: StreamPointer) -> Bool {
        guard let exchange = exchange(stream) else { return false }
        return end(exchange, stream, .streamIdle, .streamIdleTimeout)
    }

    package func streamGraceExpired(_ stream: StreamPointer) -> Bool {
        guard let exchange = exchange(stream) else { return false }
        return end(exchange, stream, .connectionTooOld, nil)
    }

    /// Ends an exchange that has run too long; false where its answer has left, and the stream is only to be reset.
    private func end(_ exchange: ExchangePointer, _ stream: StreamPointer, _ cause: RefusalCause, _ event: GatewayEvent?) -> Bool {
        guard !stream.pointee.flags.contains(.localEnded) else { return false }
        worker._withUnsafeGuaranteedRef { worker in
            if let event { worker.metrics.count(event) }
            if exchange.pointee.phase == .over { worker.endUnsent(exchange, cause) } else { worker.fail(exchange, cause) }
        }
        return true
    }

    package func streamStalled(_ stream: StreamPointer) {
        guard let exchange = exchange(stream) else { return }
        worker._withUnsafeGuaranteedRef {
            $0.metrics.count(.stallTimeout)
            // What went wrong before is what the log tells.
            if exchange.pointee.flags.contains(.localReply) { return $0.upstream.cancel(exchange) }
            $0.reset(exchange, .cancel, flag: "SI", detail: "downstream_stalled")
        }
    }
}
