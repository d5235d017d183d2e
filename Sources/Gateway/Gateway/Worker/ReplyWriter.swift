internal import Bridging
internal import Bytes
internal import Calls
internal import Filters
internal import GRPC
internal import GatewayModel
internal import HTTPModel
internal import Routing
internal import Snapshots
internal import Transport

/// Writes refusals, and the ends of answers that cannot be completed. One per worker.
final class ReplyWriter {
    private var refusals = RefusalWriter()
    private var fields = FieldBlock()
    private var body = ByteBuffer(capacity: 1024)

    deinit { fields.destroy() }

    /// Answers with a refusal.
    func refuse(_ call: Record<Call>, _ cause: RefusalCause, _ worker: GatewayWorker) {
        if call.cors == nil { noteRefusedPage(call, worker) }
        let refusal = Refusal(cause, rule: call.refusalSource?.name, exposesRule: call.policy.exposesRules)
        fields.reset()
        body.removeAll()
        // Of a head that could not be read too.
        let method = call.facts.isRead ? call.facts.method : call.downstream.fields.first(.method)?.valueBytes ?? BorrowedBytes.none
        let isHead = method.equals("HEAD") || call.bridge?.isHead ?? false
        let status = refusal.httpStatus(to: call.clientProtocol)
        let own = errorResponse(call, status)
        // An answer to HEAD has no body to describe, and a body of the route's own describes itself.
        refusals.write(refusal, to: call.clientProtocol, isHead: isHead || own != nil, fields: &fields, body: &body)
        var reply = LocalReply(to: call, status: status, fields: fields, worker.filters.services)
        if let own {
            call.outcome.httpStatus = status
            CallText(CallView(call, worker.filters.services), keeping: .unreserved).appendKnown(own.body, to: &body)
            own.contentType.withUnsafeBytes { reply.put("content-type", $0, token: .contentType) }
            reply.putLength(body.count)
            if isHead { body.removeAll() }
        }
        reply.putRequestID()
        reply.send(body.readable)
    }

    /// What the call's route says to this status; `nil` for RPCs, whose callers could not read it.
    private func errorResponse(_ call: Record<Call>, _ status: Int) -> ErrorResponse? {
        guard call.isRouted, call.clientProtocol == .http else { return nil }
        return call.route { $0.errorResponses.first { $0.takes(status) } }
    }

    /// Notes what the route that the request would have taken says about pages: a page may read why its request was refused,
    /// also where the head itself was the reason. As far as the head can be read.
    private func noteRefusedPage(_ call: Record<Call>, _ worker: GatewayWorker) {
        let stream = call.downstream
        call.snapshot.reference { snapshot in
            guard snapshot.hasCORS,
                let facts = call.facts.isRead ? call.facts : HeadFacts(refused: &stream.fields),
                let route = call.isRouted ? call.route : worker.resolver.routeOfRefused(facts, stream, snapshot),
                let policy = route.cors
            else { return }
            let request = CORSRequest(stream.fields, method: facts.method)
            CallView(call, worker.filters.services).setCORS(policy, origin: request.origin(for: policy))
        }
    }

    /// Says behind what has been sent of an RPC's answer how it ended, as its caller expects it.
    func endAnswer(_ call: Record<Call>, with cause: RefusalCause, _ worker: GatewayWorker) {
        let refusal = Refusal(cause)
        if let bridge = call.bridge { return worker.bridges { $0.endAnswer(call, bridge, with: refusal) } }
        fields.reset()
        refusals.writeTrailers(refusal, fields: &fields)
        let stream = call.downstream
        var writer = FieldWriter(for: stream, scratch: worker.context.fieldScratch)
        for index in 0..<fields.count { writer.copy(fields[index]) }
        let fitting = writer.written.fitting(stream.connection { $0.peerFieldListBytesMax }, scratch: worker.context.fieldScratch)
        stream.connection { $0.finish(stream, trailers: stream.fields.keepFields(fitting)) }
    }

    /// The end of a converted answer, for a caller whose answers end in their bodies.
    func writeEnd(_ refusal: Refusal, for caller: ClientProtocol, to body: inout ByteBuffer) {
        refusals.writeEnd(refusal, for: caller, to: &body)
    }

    func writeJSON(_ refusal: Refusal, to body: inout ByteBuffer) { refusals.writeJSON(refusal, to: &body) }
}
