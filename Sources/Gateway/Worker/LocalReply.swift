internal import Balancing
internal import Bridging
internal import Reactor
internal import Bytes
internal import GRPC
internal import HTTPModel
internal import Routing
internal import Time
internal import Transport

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
    func refuse(_ exchange: ExchangePointer, _ cause: RefusalCause, by refuser: Exchange.Refuser? = nil) {
        guard let stream = exchange.pointee.downstream else { return }
        if exchange.pointee.cors == nil { recordCORS(ofRefused: exchange, stream) }
        let exposes = exchange.pointee.policy?._withUnsafeGuaranteedRef { $0.exposesRules } ?? false
        let refusal = Refusal(cause, rule: refuser?.name, exposesRule: exposes)
        record(exchange, refusal)
        if let refuser { exchange.pointee.refuser = refuser }
        exchange.pointee.phase = .over
        exchange.pointee.body.removeAll(pool: context.chunks)
        replies.fields.reset()
        replies.body.removeAll()
        let isHead = exchange.pointee.facts?.method.equals("HEAD") ?? false || exchange.pointee.bridge?.isHead ?? false
        replies.refusals.write(
            refusal, to: exchange.pointee.clientProtocol, isHead: isHead, fields: &replies.fields, body: &replies.body)
        var writer = FieldWriter(for: stream, scratch: context.fieldScratch)
        for index in 0..<replies.fields.count { writer.copy(replies.fields[index]) }
        // What a caller can quote, and the log knows.
        writer.put("x-request-id", requestID(exchange, stream), token: .xRequestID, flags: .borrowedNeverIndexed)
        exchange.pointee.outcome.httpStatus = refusal.httpStatus(to: exchange.pointee.clientProtocol)
        exchange.pointee.outcome.responseBytes = replies.body.count
        stream.serverConnection { connection in
            connection.respond(
                stream, fitting(withPermission(exchange, stream, writer.written), for: stream), ended: replies.body.isEmpty)
            guard !replies.body.isEmpty else { return }
            connection.send(stream, replies.body.readable)
            connection.finish(stream)
        }
    }

    /// Ends an exchange that went wrong, wherever it stands: with a refusal before the answer has begun, then in trailers
    /// where a gRPC answer stands between two messages, else with RST_STREAM.
    func fail(_ exchange: ExchangePointer, _ cause: RefusalCause) {
        upstream.cancel(exchange)
        guard exchange.pointee.phase == .responding, exchange.pointee.bridge?.headIsSent != false else {
            return refuse(exchange, cause)
        }
        guard let stream = exchange.pointee.downstream else { return }
        // What is to go first already waits for the caller, whose time is up.
        if case .deadlineExceeded = cause, !stream.pointee.outbound.isEmpty { return endUnsent(exchange, cause) }
        let refusal = Refusal(cause)
        record(exchange, refusal)
        exchange.pointee.phase = .over
        let isBetweenMessages = exchange.pointee.bridge?.converter.answerIsAtBoundary ?? exchange.pointee.boundary.isAtBoundary
        guard exchange.pointee.isRPC, isBetweenMessages else {
            return stream.connection { $0.reset(stream, .internalError) }
        }
        if let bridge = exchange.pointee.bridge { return endBridgedAnswer(exchange, bridge, with: refusal) }
        replies.fields.reset()
        replies.refusals.writeTrailers(refusal, fields: &replies.fields)
        finish(stream, trailers: replies.fields)
    }

    /// Ends an exchange without a word: its caller does not take what waits for it already.
    func reset(_ exchange: ExchangePointer, _ code: ErrorCode, flag: StaticString, detail: StaticString) {
        upstream.cancel(exchange)
        guard let stream = exchange.pointee.downstream else { return }
        exchange.pointee.recordCut(flag: flag, detail: detail)
        exchange.pointee.phase = .over
        timers.disarm(exchange.pointee.timer)
        stream.connection { $0.reset(stream, code) }
    }

    /// Trailers of our own for a gRPC answer that ended without any that could be passed on.
    func finish(_ exchange: ExchangePointer, _ stream: StreamPointer, with cause: RefusalCause) {
        let refusal = Refusal(cause)
        record(exchange, refusal)
        replies.fields.reset()
        replies.refusals.writeTrailers(refusal, fields: &replies.fields)
        finish(stream, trailers: replies.fields)
    }

    private func finish(_ stream: StreamPointer, trailers: FieldBlock) {
        var writer = FieldWriter(for: stream, scratch: context.fieldScratch)
        for index in 0..<trailers.count { writer.copy(trailers[index]) }
        let fields = fitting(writer.written, for: stream)
        let kept = stream.pointee.fields.reserveFields(fields.count)
        _ = kept.initialize(from: fields)
        stream.connection { $0.finish(stream, trailers: kept) }
    }

    func record(_ exchange: ExchangePointer, _ refusal: Refusal) {
        let row = refusal.row
        exchange.pointee.flags.insert(.localReply)
        exchange.pointee.outcome.flag = row.flag
        exchange.pointee.outcome.detail = row.detail
        if case .deadlineExceeded(let stage) = refusal.cause, exchange.pointee.flags.contains(.callerSetDeadline) {
            exchange.pointee.outcome.detail = stage.callersDetail
        }
        exchange.pointee.outcome.grpcStatus = row.code
        if let circuit = refusal.cause.circuit {
            exchange.cluster._withUnsafeGuaranteedRef { $0.record.usage.recordRefusal(circuit) }
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
