internal import Balancing
internal import Bridging
internal import Reactor
internal import Bytes
internal import GRPC
internal import HTTPModel
internal import Routing
internal import Time
internal import Transport
internal import Upstreams

/// The buffers that local replies are written in. One per worker.
final class ReplyWriter {
    var refusals = RefusalWriter()
    var fields = FieldBlock()
    var body = ByteBuffer(capacity: 1024)
    var end = CallEnd()

    deinit { fields.destroy() }
}

/// Answers that the gateway gives itself: every refusal leaves by this room.
extension GatewayWorker {
    /// Answers with a refusal. The answer's head must not have been sent.
    func refuse(_ call: Record<Call>, _ cause: RefusalCause, by refuser: Call.Refuser? = nil) {
        if call.cors == nil { CORSFilter.note(refused: call, self) }
        let exposes = call.policy.exposesRules
        let refusal = Refusal(cause, rule: refuser?.name, exposesRule: exposes)
        record(call, refusal)
        if let refuser { call.refuser = refuser }
        replies.fields.reset()
        replies.body.removeAll()
        let isHead = call.facts.method.equals("HEAD") || call.bridge?.isHead ?? false
        replies.refusals.write(
            refusal, to: call.clientProtocol, isHead: isHead, fields: &replies.fields, body: &replies.body)
        var reply = LocalReply(
            to: call, status: refusal.httpStatus(to: call.clientProtocol), fields: replies.fields, self)
        reply.putRequestID()
        reply.send(replies.body.readable)
    }

    /// Ends a call that went wrong, wherever it stands: with a refusal before the answer has begun, then in trailers
    /// where a gRPC answer stands between two messages, else with RST_STREAM.
    func fail(_ call: Record<Call>, _ cause: RefusalCause) {
        upstream.cancel(call)
        guard call.phase == .responding, call.bridge?.headIsSent != false else {
            return refuse(call, cause)
        }
        let stream = call.downstream
        // What is to go first already waits for the caller, whose time is up.
        if case .deadlineExceeded = cause, !stream.outbound.isEmpty { return endUnsent(call, cause) }
        let refusal = Refusal(cause)
        record(call, refusal)
        call.phase = .over
        let isBetweenMessages = call.bridge?.converter.answerIsAtBoundary ?? call.boundary.isAtBoundary
        guard call.isRPC, isBetweenMessages else {
            return stream.connection { $0.reset(stream, .internalError) }
        }
        if let bridge = call.bridge { return endBridgedAnswer(call, bridge, with: refusal) }
        replies.fields.reset()
        replies.refusals.writeTrailers(refusal, fields: &replies.fields)
        finish(stream, trailers: replies.fields)
    }

    /// Ends a call without a word: its caller does not take what waits for it already.
    func reset(_ call: Record<Call>, _ code: ErrorCode, flag: StaticString, detail: StaticString) {
        upstream.cancel(call)
        let stream = call.downstream
        call.recordCut(flag: flag, detail: detail)
        call.phase = .over
        timers.disarm(call.timer)
        stream.connection { $0.reset(stream, code) }
    }

    /// Trailers of our own for a gRPC answer that ended without any that could be passed on.
    func finish(_ call: Record<Call>, _ stream: StreamPointer, with cause: RefusalCause) {
        let refusal = Refusal(cause)
        record(call, refusal)
        replies.fields.reset()
        replies.refusals.writeTrailers(refusal, fields: &replies.fields)
        finish(stream, trailers: replies.fields)
    }

    private func finish(_ stream: StreamPointer, trailers: FieldBlock) {
        var writer = FieldWriter(for: stream, scratch: context.fieldScratch)
        for index in 0..<trailers.count { writer.copy(trailers[index]) }
        let fields = fitting(writer.written, for: stream)
        let kept = stream.fields.reserveFields(fields.count)
        _ = kept.initialize(from: fields)
        stream.connection { $0.finish(stream, trailers: kept) }
    }

    func record(_ call: Record<Call>, _ refusal: Refusal) {
        let row = refusal.row
        call.flags.insert(.localReply)
        call.outcome.flag = row.flag
        call.outcome.detail = row.detail
        if case .deadlineExceeded(let stage) = refusal.cause, call.flags.contains(.callerSetDeadline) {
            call.outcome.detail = stage.callersDetail
        }
        call.outcome.grpcStatus = row.code
        if let circuit = refusal.cause.circuit {
            call.cluster { $0.record.usage.recordRefusal(circuit) }
        }
    }
}

extension RefusalCause {
    /// What of a cluster's guards has refused the call.
    fileprivate var circuit: CircuitRefusal? {
        switch self {
        case .circuitFull: .requests
        case .upstreamQueueFull: .pending
        case .circuitOpen: .open
        default: nil
        }
    }
}
