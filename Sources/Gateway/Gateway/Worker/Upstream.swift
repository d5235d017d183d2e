internal import Balancing
internal import Bridging
package import Bytes
internal import Calls
internal import Filters
internal import GRPC
package import HTTPModel
internal import Snapshots
internal import Time
internal import Transport
internal import Upstreams

/// The upstream half of every call of a worker: sends requests to endpoints, and passes their answers on.
package final class Upstream: StreamHandler {
    /// On the way of every call it is reached without counting references.
    private(set) var reference = BackReference<GatewayWorker>()
    private(set) var ownReference = UnownedReference<any StreamHandler>(nil)
    var worker: GatewayWorker { reference.borrowed.object }

    /// What of a request body is kept for sending it again.
    private static let replayBytesMax = 64 << 10

    package init() {
        ownReference = UnownedReference(self)
    }

    func bind(to worker: GatewayWorker) { reference.bind(to: worker) }

    @inline(__always)
    func count(_ event: GatewayEvent) { reference { $0.metrics.count(event) } }

    private var fieldScratch: FieldScratch {
        reference.context.fieldScratch
    }
    var now: Instant { reference.now }

    // MARK: Requests

    /// Sends a call on, for the first time.
    func start(_ call: Record<Call>) {
        // As the filters have left the request: its copy leaves with it.
        if call.traffic != nil, call.flags.contains(.requestEnded) {
            worker.sendMirror(call)
            // The copy may have been more than there is memory for.
            guard call.machine.isUnderWay else { return }
        }
        dispatch(call)
    }

    /// Begins the first attempt at the call's cluster.
    @inline(__always)
    func dispatch(_ call: Record<Call>) {
        guard call.policy.mayReplace else { return handle(call.attempt, .begin) }
        startReplaceable(call, isHedged: call.policy.isHedged)
    }

    /// Reports the outcome of an attempt to outlier detection and error breakers, once each.
    func record(_ attempt: Record<Attempt>, _ outcome: AttemptOutcome) {
        guard let endpoint = attempt.endpoint else { return }
        attempt.call.cluster {
            $0.record(outcome, of: endpoint, began: attempt.began)
        }
    }

    /// Sends the request on a connection that has room.
    ///
    /// - Returns: that it cannot be sent there, where that is so.
    func send(_ attempt: Record<Attempt>, on connection: ClientConnection) -> AttemptMachine.Event? {
        guard case .call(let call) = attempt.purpose else {
            return worker.mirrors.send(attempt, on: connection, handler: ownReference)
        }
        let downstream = call.downstream
        let bodyEnded = call.flags.contains(.requestEnded)
        let bodyIsEmpty = call.body.isEmpty
        let hasTrailers = downstream.fields.count > downstream.trailersStart
        let endsWithHead = bodyEnded && bodyIsEmpty && !hasTrailers
        let stream: StreamPointer
        do throws(RequestRefusal) {
            stream = try connection.makeStream()
            let fields = reference { attempt.writeHead(to: stream, $0.context) }
            try connection.submit(
                stream, fields, ended: endsWithHead, handler: ownReference, context: attempt.opaque)
        } catch {
            return unsendable(attempt, error)
        }
        attempt.stream = stream
        attempt.drained = 0
        call.bridge?.requestFlow.beginAgain()
        if !bodyIsEmpty {
            connection.send(stream, sharing: call.body)
            dropBodyIfLarge(call)
        }
        if bodyEnded, !endsWithHead { finishRequest(call, stream, connection) }
        return nil
    }

    /// More of the body has arrived from the caller.
    @inline(__always)
    func forward(_ call: Record<Call>, _ slice: BufferSlice) {
        if call.meter != nil, !worker.filters.metering.requestCarried(call, messages: slice.bytes) { return }
        if call.traffic != nil { worker.copyForMirror(call, slice.bytes) }
        guard let stream = call.upstream else {
            keep(slice, of: call)
            return reference { $0.checkMemory() }
        }
        if call.canBeSentAgain {
            let before = call.body.count
            keep(slice, of: call)
            stream.connection { $0.send(stream, sharing: call.body, from: before) }
            dropBodyIfLarge(call)
        } else {
            stream.connection { $0.send(stream, slice) }
        }
        reference { $0.checkMemory(afterUpstream: stream) }
    }

    @inline(__always)
    private func keep(_ slice: BufferSlice, of call: Record<Call>) {
        reference { call.body.append(slice, from: $0.chunks) }
    }

    @inline(__always)
    private func dropBodyIfLarge(_ call: Record<Call>) {
        let isTight = reference { $0.chunks.bytesInUse > $0.memoryLimits.replayBytesMax }
        guard isTight || call.body.count > Self.replayBytesMax else { return }
        call.flags.insert(.bodyDropped)
        call.body.removeAll(pool: worker.context.chunks)
    }

    /// The caller has sent everything.
    func requestEnded(_ call: Record<Call>) {
        if call.traffic != nil { worker.sendMirror(call) }
        guard let stream = call.upstream else { return }
        stream.connection { finishRequest(call, stream, $0) }
    }

    private func finishRequest(_ call: Record<Call>, _ stream: StreamPointer, _ connection: Connection) {
        let downstream = call.downstream
        guard downstream.fields.count > downstream.trailersStart else { return connection.finish(stream) }
        let trailers = ResponseHead.trailers(
            from: downstream, to: stream, without: call.claims, call.policy.requestHeaders,
            scratch: fieldScratch)
        guard !trailers.isEmpty else { return connection.finish(stream) }
        guard connection.accepts(trailers) else { return refuseTrailers(call, trailers, on: connection) }
        connection.finish(stream, trailers: stream.fields.keepFields(trailers))
    }

    /// The call needs its attempts no longer.
    @inline(__always)
    func cancel(_ call: Record<Call>) {
        if call.attempt.isReplaceable || call.retry != nil { end(call) }
        handle(call.attempt, .cancelled)
    }

    // MARK: Answers

    package func streamInformational(_ stream: StreamPointer) {
        if case .call(let call) = stream.attempt.purpose { reference { call.passInterim(stream, $0) } }
    }

    package func streamHead(_ stream: StreamPointer, ended: Bool) {
        let attempt = stream.attempt
        if attempt.isReplaceable { return judgeHead(attempt, stream, ended: ended) }
        handle(attempt, .answer)
        if case .call(let call) = attempt.purpose { reference { call.passHead(stream, ended: ended, $0) } }
    }

    package func streamData(_ stream: StreamPointer, _ slice: BufferSlice) {
        let attempt = stream.attempt
        if attempt.isReplaceable, !commitBody(attempt, stream, isEmpty: slice.isEmpty) { return }
        guard case .call(let call) = attempt.purpose else { return stream.connection { $0.consumed(stream, slice.count) } }
        reference { call.passBody(stream, slice, $0) }
    }

    package func streamEnded(_ stream: StreamPointer) {
        let attempt = stream.attempt
        if attempt.isReplaceable, !commitEnd(attempt, stream) { return }
        if case .call(let call) = attempt.purpose { reference { call.passEnd(stream, $0) } }
    }

    /// The upstream's socket took so much of the request body: the caller may send as much again.
    package func streamDrained(_ stream: StreamPointer, _ count: Int) {
        let attempt = stream.attempt
        // A hedge sends what the window has got back, or will by the first; a mirror what had come before.
        guard case .call(let call) = attempt.purpose, attempt == call.attempt else { return }
        if let bridge = call.bridge { return reference.bridges { $0.requestDrained(call, bridge, count) } }
        attempt.drained += count
        let fresh = attempt.drained - call.bodyConsumed
        // A second attempt sends again what the window has already got back.
        guard fresh > 0 else { return }
        call.bodyConsumed += fresh
        call.giveBackRequest(fresh)
    }

    package func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) { closed(stream.attempt, stream, reason) }
}
