internal import Balancing
internal import Bridging
internal import Bytes
internal import GRPC
package import HTTPModel
internal import Time
internal import Transport
internal import Upstreams

/// The upstream half of every call of a worker: sends requests on, and walks the answers back.
package final class Upstream: StreamHandler {
    /// Set once, by the worker that owns it. On the way of every call it is reached without counting references.
    var reference: Borrowed<GatewayWorker>!
    private(set) var ownReference = UnownedReference<any StreamHandler>(nil)
    /// Watches the attempts of calls that may have several.
    let trials = Trials()
    /// `trials`, reached without counting references.
    private let trialsReference: Borrowed<Trials>
    private let trialsHandler: UnownedReference<any StreamHandler>
    var worker: GatewayWorker { reference.object }

    /// What of a request body is kept for sending it again.
    private static let replayBytesMax = 64 << 10
    /// The first try and one more, where no upstream has looked at the request, which is then safe to send again: once, so
    /// that one which refuses to save itself is not asked much more often than before.
    private static let unseenAttemptsMax: UInt8 = 2

    package init() {
        trialsReference = Borrowed(trials)
        trialsHandler = UnownedReference(trials)
        ownReference = UnownedReference(self)
        trials.reference = Borrowed(self)
    }

    @inline(__always)
    func count(_ event: GatewayEvent) { reference { $0.metrics.count(event) } }

    private var fieldScratch: UnsafeMutableBufferPointer<Field> {
        reference.context.fieldScratch
    }
    var now: Instant { reference.now }

    // MARK: The request's way up

    /// Sends a call on, for the first time.
    func start(_ call: Record<Call>) {
        guard call.policy!({ $0.trials == nil }) else {
            return trialsReference { $0.start(call) }
        }
        begin(call.attempt)
    }

    /// Picks an endpoint, another than the attempt's former one where there is one, and sends the request there, or waits
    /// for a connection to it.
    func begin(_ attempt: Record<Attempt>) {
        let former = attempt.endpoint
        begin(attempt, avoiding: former)
        if let former { former { $0.release() } }
    }

    /// - Parameter avoided: an endpoint that lives for the length of the call.
    func begin(_ attempt: Record<Attempt>, avoiding avoided: Borrowed<Endpoint>?) {
        let call = attempt.call!
        call.attempts &+= 1
        attempt.endpoint = nil
        switch choose(attempt, call, avoiding: avoided) {
        case .refused(let cause): failed(attempt, .refused(cause))
        case .endpoint(let endpoint):
            attempt.endpoint = endpoint
            attempt.began = now
            endpoint {
                $0.retain()
                send(attempt, to: $0)
            }
        }
    }

    /// Asks the call's cluster for an endpoint.
    @inline(__always)
    private func choose(_ attempt: Record<Attempt>, _ call: Record<Call>, avoiding avoided: Borrowed<Endpoint>?) -> Cluster.Choice {
        var request = Cluster.PickRequest(avoiding: avoided)
        return call.cluster {
            if $0.asksCalls {
                $0.describe(call, in: &request)
                attempt.waiter.isHighPriority = request.isHighPriority
            }
            return $0.choose(request)
        }
    }

    private func send(_ attempt: Record<Attempt>, to endpoint: Endpoint) {
        let call = attempt.call!
        count(.upstreamAttempt)
        endpoint.activeCount += 1
        switch endpoint.admit(attempt.part(\.waiter)) {
        case .room(let connection): connection { send(attempt, on: $0) }
        case .waits: if attempt == call.attempt { call.phase = .waiting }
        case .overflow:
            endpoint.activeCount -= 1
            count(.queueOverflow)
            failed(attempt, .refused(.upstreamQueueFull(retryAfter: nil)))
        case .failed: connectFailed(attempt, endpoint)
        case .withoutSocket: lackedSocket(attempt, endpoint)
        }
    }

    /// What became of an attempt, for those who judge endpoints by it: once for each.
    func record(_ attempt: Record<Attempt>, _ outcome: AttemptOutcome) {
        guard let endpoint = attempt.endpoint else { return }
        attempt.call!.cluster {
            $0.record(outcome, of: endpoint, began: attempt.began)
        }
    }

    /// An attempt is over without an answer, and no longer its endpoint's: another follows, or the call has failed.
    func failed(_ attempt: Record<Attempt>, _ failure: AttemptFailure) {
        let call = attempt.call!
        if call.flags.contains(.onTrial) { return trials.failed(attempt, failure) }
        let attemptsMax =
            switch failure {
            case .connectFailed, .closed(.unprocessed): Self.unseenAttemptsMax
            default: UInt8(0)
            }
        guard call.attempts < attemptsMax, call.canBeSentAgain else {
            if case .closed(.unprocessed) = failure { count(.upstreamReset) }
            return worker.fail(call, failure.cause)
        }
        count(.upstreamResent)
        begin(attempt)
    }

    func send(_ attempt: Record<Attempt>, on connection: ClientConnection) {
        let call = attempt.call!
        guard let downstream = call.downstream else { return }
        let bodyEnded = call.flags.contains(.requestEnded)
        let bodyIsEmpty = call.body.isEmpty
        let hasTrailers = downstream.fields.count > downstream.trailersStart
        let endsWithHead = bodyEnded && bodyIsEmpty && !hasTrailers
        let handler = call.flags.contains(.onTrial) ? trialsHandler : ownReference
        let stream: StreamPointer
        do throws(RequestRefusal) {
            stream = try connection.makeStream()
            let fields = reference { $0.writeRequestHead(attempt, from: downstream, to: stream) }
            try connection.submit(
                stream, fields, ended: endsWithHead, handler: handler, context: attempt.opaque)
        } catch {
            return failUnsent(attempt, error)
        }
        attempt.stream = stream
        call.phase = .requesting
        attempt.drained = 0
        call.bridge?.requestFlow.beginAgain()
        if !bodyIsEmpty {
            connection.send(stream, sharing: call.body)
            dropBodyIfLarge(call)
        }
        if bodyEnded, !endsWithHead { finishRequest(call, downstream, stream, connection) }
    }

    /// More of the body has arrived from the caller.
    @inline(__always)
    func forward(_ call: Record<Call>, _ bytes: UnsafeRawBufferPointer) {
        if call.shaping != nil { worker.copyForMirror(call, bytes) }
        guard let stream = call.upstream else {
            keep(bytes, of: call)
            return reference { $0.checkMemory() }
        }
        if call.phase == .requesting, !call.flags.contains(.bodyDropped) {
            let before = call.body.count
            keep(bytes, of: call)
            stream.connection { $0.send(stream, sharing: call.body, from: before) }
            dropBodyIfLarge(call)
        } else {
            stream.connection { $0.send(stream, bytes) }
        }
        reference { $0.checkMemory(afterUpstream: stream) }
    }

    @inline(__always)
    private func keep(_ bytes: UnsafeRawBufferPointer, of call: Record<Call>) {
        reference { call.body.append(bytes, from: $0.chunks) }
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
        if call.shaping != nil { worker.sendMirror(call) }
        guard let stream = call.upstream, let downstream = call.downstream else { return }
        stream.connection { finishRequest(call, downstream, stream, $0) }
    }

    private func finishRequest(
        _ call: Record<Call>, _ downstream: StreamPointer, _ stream: StreamPointer, _ connection: Connection
    ) {
        guard downstream.fields.count > downstream.trailersStart else { return connection.finish(stream) }
        let trailers = ResponseHead.trailers(
            from: downstream, to: stream, without: reference { $0.claims(of: call) }, scratch: fieldScratch)
        guard !trailers.isEmpty else { return connection.finish(stream) }
        guard connection.accepts(trailers) else { return refuseTrailers(call, trailers, on: connection) }
        connection.finish(stream, trailers: stream.fields.keepFields(trailers))
    }

    /// The call needs its attempts no longer.
    @inline(__always)
    func cancel(_ call: Record<Call>) {
        if call.flags.contains(.onTrial) { trials.end(call) }
        cancel(call.attempt)
    }

    func cancel(_ attempt: Record<Attempt>) {
        if attempt.waiter.isQueued {
            attempt.endpoint! {
                $0.withdraw(attempt.part(\.waiter))
                $0.activeCount -= 1
            }
        }
        guard let stream = attempt.stream else { return }
        if waitedLong(attempt, stream) { ClientConnection.callGivenUp(stream) }
        release(attempt, stream)
        stream.connection { $0.reset(stream, .cancel) }
    }

    /// Parts the attempt from its upstream stream.
    private func release(_ attempt: Record<Attempt>, _ stream: StreamPointer) {
        attempt.stream = nil
        attempt.endpoint! { $0.activeCount -= 1 }
        attempt.call!.upstreamNanoseconds += now.nanoseconds(since: attempt.began)
        // What the upstream had not taken of the body is no longer owed to its window.
        stream.handler = nil
        stream.context = nil
    }

    // MARK: The answer's way down

    @inline(__always)
    private func call(_ stream: StreamPointer) -> Record<Call> { stream.attempt.call.unsafelyUnwrapped }

    package func streamInformational(_ stream: StreamPointer) { call(stream).passInterim(stream) }

    package func streamHead(_ stream: StreamPointer, ended: Bool) { call(stream).passHead(stream, ended: ended) }

    package func streamData(_ stream: StreamPointer, _ bytes: UnsafeRawBufferPointer) { call(stream).passBody(stream, bytes) }

    package func streamEnded(_ stream: StreamPointer) { call(stream).passEnd(stream) }

    /// The upstream's socket took so much of the request body: the caller may send as much again.
    package func streamDrained(_ stream: StreamPointer, _ count: Int) {
        let call = call(stream)
        if let bridge = call.bridge { return reference { $0.bridgedRequestDrained(call, bridge, count) } }
        let attempt = stream.attempt
        attempt.drained += count
        let fresh = attempt.drained - call.bodyConsumed
        // A second attempt sends again what the window has already got back.
        guard fresh > 0, let downstream = call.downstream else { return }
        call.bodyConsumed += fresh
        downstream.connection { $0.consumed(downstream, fresh) }
    }

    package func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) { closed(stream.attempt, stream, reason) }

    /// The attempt's stream is no more, and it has not been let go before.
    func closed(_ attempt: Record<Attempt>, _ stream: StreamPointer, _ reason: StreamClose) {
        release(attempt, stream)
        guard attempt.call!.phase != .over else { return }
        switch reason {
        // RST_STREAM(NO_ERROR) before the answer was complete.
        case .complete: record(attempt, .failure)
        case .reset, .malformed: record(attempt, .gatewayFailure)
        case .connectionLost:
            // One that gave no sign of life is noted once, by its endpoint.
            if !isUnresponsive(stream) { record(attempt, .localFailure) }
        // One answer exceeded our limits; which one is unknown.
        case .limitExceeded: break
        // One that goes says nothing of itself by the streams it leaves; one that stays and refuses does.
        case .unprocessed:
            let isDraining = stream.connection { ($0 as? ClientConnection)?.isDraining ?? true }
            if !isDraining { record(attempt, .gatewayFailure) }
        }
        switch reason {
        case .complete, .reset, .malformed: count(.upstreamReset)
        case .connectionLost, .limitExceeded: count(.upstreamConnectionLost)
        case .unprocessed: break
        }
        failed(attempt, .closed(reason))
    }
}

extension Record<Call> {
    /// Where it leads.
    @inline(__always)
    var cluster: Borrowed<Cluster> { pointee.snapshot! { $0.cluster(of: self) } }
}
