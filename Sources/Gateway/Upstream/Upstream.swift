internal import Balancing
internal import Bridging
internal import Bytes
internal import GRPC
package import HTTPModel
internal import Sockets
internal import Time
internal import Transport

/// The upstream half of every call of a worker: sends requests on, and walks the answers back.
package final class Upstream: StreamHandler, EndpointClient {
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
        switch call.cluster({ $0.choose(for: call, avoiding: avoided) }) {
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

    private func send(_ attempt: Record<Attempt>, to endpoint: Endpoint) {
        let call = attempt.call!
        count(.upstreamAttempt)
        endpoint.activeCount += 1
        switch endpoint.admit(attempt) {
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

    func endpoint(_ endpoint: Endpoint, hasRoomFor attempt: Record<Attempt>, on connection: ClientConnection) {
        guard attempt.call != nil else { return worker.mirrors.send(attempt, on: connection) }
        send(attempt, on: connection)
    }

    func endpoint(_ endpoint: Endpoint, failed attempt: Record<Attempt>, _ end: ChannelEnd) {
        guard let call = attempt.call else {
            return worker.mirrors.failed(attempt, end.isShortage ? nil : .localFailure)
        }
        if end.isShortage { return lackedSocket(attempt, endpoint) }
        if let reason = end.reason { call.transportFailure = reason }
        connectFailed(attempt, endpoint)
    }

    func endpointWasUnresponsive(_ endpoint: Endpoint) { count(.upstreamPingTimeout) }

    func endpoint(_ endpoint: Endpoint, removedFor attempt: Record<Attempt>) {
        guard attempt.call != nil else { return worker.mirrors.failed(attempt, nil) }
        endpoint.activeCount -= 1
        attempt.call!.attempts -= 1
        begin(attempt)
    }

    /// What became of an attempt, for those who judge endpoints by it: once for each.
    func record(_ attempt: Record<Attempt>, _ outcome: AttemptOutcome) {
        guard let endpoint = attempt.endpoint else { return }
        attempt.call!.cluster {
            $0.record(outcome, of: endpoint, began: attempt.began)
        }
    }

    /// By what the answer says.
    private func recordAnswer(_ attempt: Record<Attempt>, _ call: Record<Call>) {
        if let status = call.outcome.grpcStatus {
            record(attempt, AttemptOutcome(status))
            if case .unimplemented = status { worker.methodMissed(call) }
        } else {
            let httpStatus = call.outcome.httpStatus
            record(attempt, call.isRPC ? .failure : AttemptOutcome(httpStatus: httpStatus))
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

    private func send(_ attempt: Record<Attempt>, on connection: ClientConnection) {
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
        if downstream.fields.count > downstream.trailersStart,
            let trailers = ResponseHead.trailers(
                from: downstream, to: stream,
                without: reference({ $0.claims(of: call) }), scratch: fieldScratch)
        {
            guard connection.takes(UnsafeBufferPointer(trailers)) else { return refuseTrailers(call, trailers, on: connection) }
            connection.finish(stream, trailers: trailers)
        } else {
            connection.finish(stream)
        }
    }

    /// The call needs its attempts no longer.
    @inline(__always)
    func cancel(_ call: Record<Call>) {
        if call.flags.contains(.onTrial) { trials.end(call) }
        cancel(call.attempt)
    }

    func cancel(_ attempt: Record<Attempt>) {
        if attempt.isWaiting {
            attempt.endpoint! {
                $0.withdraw(attempt)
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

    package func streamInformational(_ stream: StreamPointer) {
        let call = call(stream)
        // Of no use to who expects gRPC, and some clients take them for the answer.
        guard !call.isRPC, let downstream = call.downstream else { return }
        if call.cors != nil { stream.fields.removeCORSFields(from: 0) }
        let fields = ResponseHead.write(
            from: stream, to: downstream, status: 0, isInformational: true, scratch: fieldScratch)
        downstream.serverConnection { $0.inform(downstream, fields) }
    }

    package func streamHead(_ stream: StreamPointer, ended: Bool) {
        let call = call(stream)
        guard let downstream = call.downstream else { return }
        if stream.flags.contains(.headTooLarge) {
            guard ended, call.isRPC, stream.fields.first(.grpcStatus) != nil else {
                // The endpoint answers, and others may be small.
                record(stream.attempt, .success)
                return abandon(call, .upstreamHeadTooLarge(of: stream))
            }
            dropDetails(call, stream, from: 0)
        }
        if call.cors != nil { stream.fields.removeCORSFields(from: 0) }
        let status = ResponseHead.status(of: stream)
        if call.isRPC, let refusal = AnswerCheck.refusal(stream, status: status, ended: ended) {
            record(stream.attempt, status < 400 ? .failure : AttemptOutcome(httpStatus: status))
            return abandon(call, refusal)
        }
        if let bridge = call.bridge {
            call.outcome.httpStatus = status
            if ended {
                _ = recordStatus(call, stream, from: 0)
                recordAnswer(stream.attempt, call)
            }
            return reference { $0.beginBridgedAnswer(call, bridge, stream, ended: ended) }
        }
        call.phase = .responding
        call.outcome.httpStatus = status
        reference { call.body.removeAll(pool: $0.chunks) }
        if ended { _ = recordStatus(call, stream, from: 0) }
        var written = ResponseHead.write(
            from: stream, to: downstream, status: status, scratch: fieldScratch)
        if ended, call.flags.contains(.statusSeen), !downstream.connection({ $0.takes(written) }) {
            dropDetails(call, stream, from: 0)
            written = ResponseHead.write(from: stream, to: downstream, status: status, scratch: fieldScratch)
        }
        let isSent = reference { $0.respond(call, downstream, written, ended: ended) }
        guard ended, isSent else { return }
        recordAnswer(stream.attempt, call)
        call.phase = .over
    }

    /// The attempt is given up, and the caller is told why.
    private func abandon(_ call: Record<Call>, _ cause: RefusalCause) {
        cancel(call)
        worker.refuse(call, cause)
    }

    package func streamData(_ stream: StreamPointer, _ bytes: UnsafeRawBufferPointer) {
        let call = call(stream)
        guard let downstream = call.downstream else {
            return stream.connection { $0.consumed(stream, bytes.count) }
        }
        call.outcome.responseBytes += bytes.count
        call.boundary.pass(bytes)
        if let bridge = call.bridge {
            return reference { $0.passBridged(call, bridge, stream, bytes) }
        }
        downstream.connection { $0.send(downstream, bytes) }
        reference { $0.checkMemory(after: downstream) }
    }

    package func streamEnded(_ stream: StreamPointer) {
        let call = call(stream)
        guard let downstream = call.downstream else { return }
        if stream.flags.contains(.headTooLarge) { dropDetails(call, stream, from: stream.trailersStart) }
        if call.cors != nil { stream.fields.removeCORSFields(from: stream.trailersStart) }
        let isReadable = recordStatus(call, stream, from: stream.trailersStart)
        recordAnswer(stream.attempt, call)
        guard isReadable else { return endUnreadable(call, stream, downstream) }
        if let bridge = call.bridge {
            return reference {
                $0.endBridgedAnswer(call, bridge, stream, from: stream.trailersStart)
            }
        }
        call.phase = .over
        if case .grpc = call.clientProtocol, !call.flags.contains(.statusSeen) {
            return worker.finish(
                call, downstream, with: .upstreamWithoutStatus(httpStatus: call.outcome.httpStatus))
        }
        downstream.connection { connection in
            var trailers = ResponseHead.trailers(from: stream, to: downstream, scratch: fieldScratch)
            if let large = trailers, !connection.takes(UnsafeBufferPointer(large)) {
                dropDetails(call, stream, from: stream.trailersStart, bytesMax: connection.peerFieldListBytesMax)
                trailers = ResponseHead.trailers(from: stream, to: downstream, scratch: fieldScratch)
            }
            if let trailers {
                connection.finish(downstream, trailers: trailers)
            } else {
                connection.finish(downstream)
            }
        }
    }

    /// False where an RPC's status is there and cannot be read. (Of an answer that ends with its head `AnswerCheck` has seen.)
    private func recordStatus(_ call: Record<Call>, _ stream: StreamPointer, from start: Int) -> Bool {
        let status = AnswerStatus(stream.fields, from: start)
        guard let code = status.code else { return true }
        call.flags.insert(.statusSeen)
        call.outcome.grpcStatus = code
        if status.isRepeated, !status.isMalformed {
            AnswerStatus.removeRepeats(in: &stream.fields, from: start)
            if start == 0 { stream.trailersStart = stream.fields.count }
        }
        return !status.isMalformed || !call.isRPC
    }

    /// The answer's trailers say nothing that could be passed on.
    private func endUnreadable(_ call: Record<Call>, _ stream: StreamPointer, _ downstream: StreamPointer) {
        let found = AnswerStatus.describe(stream.fields, from: stream.trailersStart)
        let cause = RefusalCause.upstreamMalformedStatus(found: found)
        if call.bridge != nil { return worker.fail(call, cause) }
        call.phase = .over
        worker.finish(call, downstream, with: cause)
    }

    /// The upstream's socket took so much of the request body: the caller may send as much again.
    package func streamDrained(_ stream: StreamPointer, _ count: Int) {
        let call = call(stream)
        if let bridge = call.bridge {
            return reference { $0.bridgedRequestDrained(call, bridge, count) }
        }
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
            let isLeaving = stream.connection { ($0 as? ClientConnection)?.isLeaving ?? true }
            if !isLeaving { record(attempt, .gatewayFailure) }
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
