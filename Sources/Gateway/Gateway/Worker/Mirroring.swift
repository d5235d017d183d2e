internal import Bytes
internal import Calls
internal import Filters
internal import GatewayModel
internal import HTTPModel
internal import Routing
internal import Snapshots
internal import Telemetry
internal import Transport
internal import Upstreams

/// A call's side of its mirror.
extension GatewayWorker {
    /// Keeps a copy of a call that its route's mirror is to have, beginning with what has arrived.
    func beginMirror(_ call: Record<Call>, _ mirror: TrafficPlan.Mirror) {
        guard mirror.fraction.takes(context.random.next()) else { return }
        call.traffic?.draft = MirrorDraft(cluster: mirror.cluster, pool: chunks)
        call.body.forEachChunk { copyForMirror(call, $0) }
    }

    /// More of the body has arrived.
    func copyForMirror(_ call: Record<Call>, _ bytes: BorrowedBytes) {
        guard let traffic = call.traffic, let draft = traffic.draft else { return }
        if !mirrors.keep(bytes, in: draft) { traffic.draft = nil }
    }

    /// The caller has sent everything.
    func sendMirror(_ call: Record<Call>) {
        guard let traffic = call.traffic, let draft = traffic.draft else { return }
        traffic.draft = nil
        mirrors.send(draft, of: call)
    }

    /// As a call's own, but for the authority: `-shadow` behind the host tells a mirror what it gets, as Envoy's does.
    func writeMirrorHead(
        _ call: Record<Call>, from source: StreamPointer, to target: StreamPointer, isSecure: Bool
    ) -> FieldList {
        var additions = call.additions(context)
        additions.isUpstreamSecure = isSecure
        let written = RequestHead.write(
            method: call.facts.method, target: call.facts.target, from: source, to: target,
            additions, scratch: context.fieldScratch)
        guard let index = written.firstIndex(where: { $0.token == .authority }) else { return written }
        let shadow = RequestHead.shadow(written[index].valueBytes, in: &target.fields)
        let field = Field(
            ":authority", value: shadow, token: .authority, flags: written[index].flags)
        UnsafeMutableBufferPointer(mutating: written)[index] = field
        return written
    }
}
