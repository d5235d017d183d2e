internal import Bridging
internal import Bytes
internal import GRPC
internal import HTTPModel
internal import Routing
internal import Transport

/// Writes refusals, and the ends of answers that cannot be completed. One per worker.
final class ReplyWriter {
    private var refusals = RefusalWriter()
    private var fields = FieldBlock()
    private var body = ByteBuffer(capacity: 1024)
    var end = CallEnd()

    deinit { fields.destroy() }

    /// Answers with a refusal.
    func refuse(_ call: Record<Call>, _ cause: RefusalCause, _ worker: GatewayWorker) {
        if call.cors == nil { CORSFilter.note(refused: call, worker) }
        let refusal = Refusal(cause, rule: call.refuser?.name, exposesRule: call.policy.exposesRules)
        fields.reset()
        body.removeAll()
        let isHead = call.facts.method.equals("HEAD") || call.bridge?.isHead ?? false
        refusals.write(refusal, to: call.clientProtocol, isHead: isHead, fields: &fields, body: &body)
        var reply = LocalReply(
            to: call, status: refusal.httpStatus(to: call.clientProtocol), fields: fields, worker)
        reply.putRequestID()
        reply.send(body.readable)
    }

    /// Says behind what has been sent of an RPC's answer how it ended, as its caller expects it.
    func endAnswer(_ call: Record<Call>, with cause: RefusalCause, _ worker: GatewayWorker) {
        let refusal = Refusal(cause)
        if let bridge = call.bridge { return worker.endBridgedAnswer(call, bridge, with: refusal) }
        fields.reset()
        refusals.writeTrailers(refusal, fields: &fields)
        let stream = call.downstream
        var writer = FieldWriter(for: stream, scratch: worker.context.fieldScratch)
        for index in 0..<fields.count { writer.copy(fields[index]) }
        let fitting = worker.fitting(writer.written, for: stream)
        stream.connection { $0.finish(stream, trailers: stream.fields.keepFields(fitting)) }
    }

    /// The end of a converted answer, for a caller whose answers end in their bodies.
    func writeEnd(_ refusal: Refusal, for caller: ClientProtocol, to body: inout ByteBuffer) {
        refusals.writeEnd(refusal, for: caller, to: &body)
    }

    func writeJSON(_ refusal: Refusal, to body: inout ByteBuffer) { refusals.writeJSON(refusal, to: &body) }
}
