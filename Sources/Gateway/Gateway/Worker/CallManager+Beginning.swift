internal import Bridging
internal import Bytes
internal import Calls
internal import Filters
internal import GRPC
internal import GatewayModel
internal import HTTPModel
internal import Net
internal import Routing
internal import Snapshots
internal import Sockets
internal import Transport

/// What happens to a request from its head to the filters.
extension CallManager {
    /// The head of a request has arrived.
    func headArrived(_ stream: StreamPointer, ended: Bool) {
        let call = begin(stream)
        if ended { call.flags.insert(.requestEnded) }
        worker { worker in
            if let cause = earlyRefusal(stream, worker) { return refuseUnread(call, stream, cause) }
            call.bodyBytesMax = stream.serverConnection { $0.bodyBytesMax ?? .max }
            readHead(call, stream, worker) { headFailed(call, stream, $0, worker) }
        }
    }

    /// Out of line: a head with a fault pays for what mends it.
    @inline(never)
    private func headFailed(_ call: Record<Call>, _ stream: StreamPointer, _ fault: HeadFacts.Fault, _ worker: GatewayWorker) {
        guard worker.resolver.normalizePath(of: stream, after: fault) else {
            return refuseUnread(call, stream, RefusalCause(fault))
        }
        readHead(call, stream, worker) { refuseUnread(call, stream, RefusalCause($0)) }
    }

    @inline(__always)
    private func readHead(
        _ call: Record<Call>, _ stream: StreamPointer, _ worker: GatewayWorker, orElse refuse: (HeadFacts.Fault) -> Void
    ) {
        let facts: HeadFacts
        do throws(HeadFacts.Fault) {
            facts = try worker.resolver.read(stream, call.snapshot.reference)
        } catch {
            return refuse(error)
        }
        call.facts = facts
        call.snapshot.reference { snapshot in
            findOrigin(call, stream, snapshot)
            if facts.mayNeedSanitizing { HeaderSanitizing.sanitizeHead(call) }
            do throws(Resolver.Unresolved) {
                lead(call, to: try worker.resolver.resolve(facts, stream, snapshot), worker)
            } catch {
                self.refuse(call, error)
            }
        }
    }

    /// Takes the call through the filters of its route.
    @inline(__always)
    private func lead(_ call: Record<Call>, to destination: Resolver.Destination, _ worker: GatewayWorker) {
        call.clientProtocol = destination.caller
        call.set(destination)
        if let limits = call.policy.streamLimits { apply(limits, to: call) }
        if destination.missesMethod { worker.methodMissed(call) }
        if handle(call, .routed).contains(.filter) { conclude(call, worker.filters.start(call)) }
    }

    @inline(never)
    private func apply(_ limits: StreamLimits, to call: Record<Call>) {
        if let bytesMax = limits.bodyBytesMax { call.bodyBytesMax = bytesMax }
        if let idle = limits.idleNanoseconds { call.downstream.idleNanoseconds = idle }
    }

    @inline(never)
    private func refuse(_ call: Record<Call>, _ unresolved: Resolver.Unresolved) {
        call.clientProtocol = unresolved.caller
        if let destination = unresolved.destination { call.set(destination) }
        fail(call, unresolved.cause)
    }

    /// Why a head is not even read.
    @inline(__always)
    private func earlyRefusal(_ stream: StreamPointer, _ worker: GatewayWorker) -> RefusalCause? {
        if stream.flags.contains(.headTooLarge) { return .headTooLarge(of: stream) }
        guard worker.filters.isFull else { return nil }
        return worker.filters.services.admission.refusal(under: .full, priority: .high)
    }

    private func refuseUnread(_ call: Record<Call>, _ stream: StreamPointer, _ cause: RefusalCause) {
        call.facts = .none
        call.clientProtocol = Resolver.caller(of: stream)
        fail(call, cause)
    }

    @inline(__always)
    private func findOrigin(_ call: Record<Call>, _ stream: StreamPointer, _ snapshot: Snapshot) {
        let peer = stream.serverConnection { $0.channel.peer?.ip }
        call.origin =
            snapshot.trustsProxies
            ? ClientOrigin(peer: peer, fields: stream.fields, trusted: snapshot.trustedProxies)
            : ClientOrigin(peer: peer)
    }

    /// More of the request's body has arrived.
    @inline(__always)
    func bodyArrived(_ call: Record<Call>, _ slice: BufferSlice) {
        if call.downstream.bodyBytesReceived > call.bodyBytesMax {
            return fail(call, .messageTooLarge(bytesMax: call.bodyBytesMax))
        }
        if call.meter != nil, !worker({ $0.filters.metering.requestCarried(call, slice.count) }) { return }
        if let bridge = call.bridge { return worker.bridges { $0.forward(call, bridge, slice.bytes) } }
        worker { $0.upstream.forward(call, slice) }
    }
}

extension Record<Call> {
    @inline(__always)
    fileprivate func set(_ destination: Resolver.Destination) {
        self.route = destination.route
        self.policy = destination.policy
        self.transcoding = destination.transcoding
        if let rpc = destination.rpc { self.facts.rewrite(rpc) }
    }
}
