internal import Balancing
internal import Bridging
internal import Bytes
internal import GRPC
package import HTTPModel
internal import Sockets
internal import Time
internal import Transport

/// The upstream half of every exchange of a worker: sends requests on, and walks the answers back.
package final class Upstream: StreamHandler, EndpointClient {
    /// Set once, by the worker that owns it. On the way of every call it is reached without counting references.
    var reference: Unmanaged<GatewayWorker>!
    private(set) var ownReference = UnownedReference<any StreamHandler>(nil)
    /// Watches the attempts of calls that may have several.
    let trials = Trials()
    /// `trials`, reached without counting references.
    private let trialsReference: Unmanaged<Trials>
    private let trialsHandler: UnownedReference<any StreamHandler>
    var worker: GatewayWorker { reference.takeUnretainedValue() }

    /// What of a request body is kept for sending it again.
    private static let replayBytesMax = 64 << 10
    /// The first try and one more, where no upstream has looked at the request, which is then safe to send again: once, so
    /// that one which refuses to save itself is not asked much more often than before.
    private static let unseenAttemptsMax: UInt8 = 2

    package init() {
        trialsReference = .passUnretained(trials)
        trialsHandler = UnownedReference(trials)
        ownReference = UnownedReference(self)
        trials.reference = .passUnretained(self)
    }

    @inline(__always)
    func count(_ event: GatewayEvent) { reference._withUnsafeGuaranteedRef { $0.metrics.count(event) } }

    private var fieldScratch: UnsafeMutableBufferPointer<Field> {
        reference._withUnsafeGuaranteedRef { $0.context.fieldScratch }
    }
    var now: Instant { reference._withUnsafeGuaranteedRef { $0.now } }

    // MARK: The request's way up

    /// Sends an exchange on, for the first time.
    func start(_ exchange: ExchangePointer) {
        guard exchange.pointee.policy!._withUnsafeGuaranteedRef({ $0.trials == nil }) else {
            return trialsReference._withUnsafeGuaranteedRef { $0.start(exchange) }
        }
        begin(exchange.pointee.attempt)
    }

    /// Picks an endpoint, another than the attempt's former one where there is one, and sends the request there, or waits
    /// for a connection to it.
    func begin(_ attempt: AttemptPointer) {
        let former = attempt.pointee.endpoint
        begin(attempt, avoiding: former)
        former?._withUnsafeGuaranteedRef { $0.release() }
    }

    /// - Parameter avoided: an endpoint that lives for the length of the call.
    func begin(_ attempt: AttemptPointer, avoiding avoided: Unmanaged<Endpoint>?) {
        let exchange = attempt.pointee.exchange!
        exchange.pointee.attempts &+= 1
        attempt.pointee.endpoint = nil
        switch exchange.cluster._withUnsafeGuaranteedRef({ $0.choose(for: exchange, avoiding: avoided) }) {
        case .refused(let cause): failed(attempt, .refused(cause))
        case .endpoint(let endpoint):
            attempt.pointee.endpoint = endpoint
            attempt.pointee.began = now
            endpoint._withUnsafeGuaranteedRef {
                $0.retain()
                send(attempt, to: $0)
            }
        }
    }

    private func send(_ attempt: AttemptPointer, to endpoint: Endpoint) {
        let exchange = attempt.pointee.exchange!
        count(.upstreamAttempt)
        endpoint.activeCount += 1
        switch endpoint.admit(attempt) {
        case .room(let connection): connection._withUnsafeGuaranteedRef { send(attempt, on: $0) }
        case .waits: if attempt == exchange.pointee.attempt { exchange.pointee.phase = .waiting }
        case .overflow:
            endpoint.activeCount -= 1
            count(.queueOverflow)
            failed(attempt, .refused(.upstreamQueueFull(retryAfter: nil)))
        case .failed: connectFailed(attempt, endpoint)
        case .withoutSocket: lackedSocket(attempt, endpoint)
        }
    }

    func endpoint(_ endpoint: Endpoint, hasRoomFor attempt: AttemptPointer, on connection: ClientConnection) {
        guard attempt.pointee.exchange != nil else { return worker.mirrors.send(attempt, on: connection) }
        send(attempt, on: connection)
    }

    func endpoint(_ endpoint: Endpoint, failed attempt: AttemptPointer, _ end: ChannelEnd) {
        guard let exchange = attempt.pointee.exchange else {
            return worker.mirrors.failed(attempt, end.isShortage ? nil : .localFailure)
        }
        if end.isShortage { return lackedSocket(attempt, endpoint) }
        if let reason = end.reason { exchange.pointee.transportFailure = reason }
        connectFailed(attempt, endpoint)
    }

    func endpointWasUnresponsive(_ endpoint: Endpoint) { count(.upstreamPingTimeout) }

    func endpoint(_ endpoint: Endpoint, removedFor attempt: AttemptPointer) {
        guard attempt.pointee.exchange != nil else { return worker.mirrors.failed(attempt, nil) }
        endpoint.activeCount -= 1
        attempt.pointee.exchange!.pointee.attempts -= 1
        begin(attempt)
    }

    /// What became of an attempt, for those who judge endpoints by it: once for each.
    func record(_ attempt: AttemptPointer, _ outcome: AttemptOutcome) {
        guard let endpoint = attempt.pointee.endpoint else { return }
        attempt.pointee.exchange!.cluster._withUnsafeGuaranteedRef {
            $0.record(outcome, of: endpoint, began: attempt.pointee.began)
        }
    }

    /// By what the answer says.
    private func recordAnswer(_ attempt: AttemptPointer, _ exchange: ExchangePointer) {
        if let status = exchange.pointee.outcome.grpcStatus {
            record(attempt, AttemptOutcome(status))
            if case .unimplemented = status { worker.methodMissed(exchange) }
        } else {
            let httpStatus = exchange.pointee.outcome.httpStatus
            record(attempt, exchange.pointee.isRPC ? .failure : AttemptOutcome(httpStatus: httpStatus))
        }
    }

    /// An attempt is over without an answer, and no longer its endpoint's: another follows, or the call has failed.
    func failed(_ attempt: AttemptPointer, _ failure: AttemptFailure) {
        let exchange = attempt.pointee.exchange!
        if exchange.pointee.flags.contains(.onTrial) { return trials.failed(attempt, failure) }
        let attemptsMax =
            switch failure {
            case .connectFailed, .closed(.unprocessed): Self.unseenAttemptsMax
            default: UInt8(0)
            }
        guard exchange.pointee.attempts < attemptsMax, exchange.pointee.canBeSentAgain else {
            if case .closed(.unprocessed) = failure { count(.upstreamReset) }
            return worker.fail(exchange, failure.cause)
        }
        count(.upstreamResent)
        begin(attempt)
    }

    private func send(_ attempt: AttemptPointer, on connection: ClientConnection) {
        let exchange = attempt.pointee.exchange!
        guard let downstream = exchange.pointee.downstream else { return }
        let bodyEnded = exchange.pointee.flags.contains(.requestEnded)
        let bodyIsEmpty = exchange.pointee.body.isEmpty
        let hasTrailers = downstream.pointee.fields.count > downstream.pointee.trailersStart
        let endsWithHead = bodyEnded && bodyIsEmpty && !hasTrailers
        let handler = exchange.pointee.flags.contains(.onTrial) ? trialsHandler : ownReference
        let stream: StreamPointer
        do throws(RequestRefusal) {
            stream = try connection.makeStream()
            let fields = reference._withUnsafeGuaranteedRef { $0.writeRequestHead(attempt, from: downstream, to: stream) }
            try connection.submit(
                stream, fields, ended: endsWithHead, handler: handler, context: UnsafeMutableRawPointer(attempt))
        } catch {
            return failUnsent(attempt, error)
        }
        attempt.pointee.stream = stream
        exchange.pointee.phase = .requesting
        attempt.pointee.drained = 0
        exchange.pointee.bridge?.requestFlow.beginAgain()
        if !bodyIsEmpty {
            connection.send(stream, sharing: exchange.pointee.body)
            dropBodyIfLarge(exchange)
        }
        if bodyEnded, !endsWithHead { finishRequest(exchange, downstream, stream, connection) }
    }

    /// More of the body has arrived from the caller.
    @inline(__always)
    func forward(_ exchange: ExchangePointer, _ bytes: UnsafeRawBufferPointer) {
        if exchange.pointee.shaping != nil { worker.copyForMirror(exchange, bytes) }
        guard let stream = exchange.pointee.upstream else {
            keep(bytes, of: exchange)
            return reference._withUnsafeGuaranteedRef { $0.checkMemory() }
        }
        if exchange.pointee.phase == .requesting, !exchange.pointee.flags.contains(.bodyDropped) {
            let before = exchange.pointee.body.count
            keep(bytes, of: exchange)
            stream.connection { $0.send(stream, sharing: exchange.pointee.body, from: before) }
            dropBodyIfLarge(exchange)
        } else {
            stream.connection { $0.send(stream, bytes) }
        }
        reference._withUnsafeGuaranteedRef { $0.checkMemory(afterUpstream: stream) }
    }

    @inline(__always)
    private func keep(_ bytes: UnsafeRawBufferPointer, of exchange: ExchangePointer) {
        reference._withUnsafeGuaranteedRef { exchange.pointee.body.append(bytes, from: $0.chunks) }
    }

    @inline(__always)
    private func dropBodyIfLarge(_ exchange: ExchangePointer) {
        let isTight = reference._withUnsafeGuaranteedRef { $0.chunks.bytesInUse > $0.memoryLimits.replayBytesMax }
        guard isTight || exchange.pointee.body.count > Self.replayBytesMax else { return }
        exchange.pointee.flags.insert(.bodyDropped)
        exchange.pointee.body.removeAll(pool: worker.context.chunks)
    }

    /// The caller has sent everything.
    func requestEnded(_ exchange: ExchangePointer) {
        if exchange.pointee.shaping != nil { worker.sendMirror(exchange) }
        guard let stream = exchange.pointee.upstream, let downstream = exchange.pointee.downstream else { return }
        stream.connection { finishRequest(exchange, downstream, stream, $0) }
    }

    private func finishRequest(
        _ exchange: ExchangePointer, _ downstream: StreamPointer, _ stream: StreamPointer, _ connection: Connection
    ) {
        if downstream.pointee.fields.count > downstream.pointee.trailersStart,
            let trailers = ResponseHead.trailers(
                from: downstream, to: stream,
                without: reference._withUnsafeGuaranteedRef({ $0.claims(of: exchange) }), scratch: fieldScratch)
        {
            guard connection.takes(UnsafeBufferPointer(trailers)) else { return refuseTrailers(exchange, trailers, on: connection) }
            connection.finish(stream, trailers: trailers)
        } else {
            connection.finish(stream)
        }
    }

    /// The exchange needs its attempts no longer.
    @inline(__always)
    func cancel(_ exchange: ExchangePointer) {
        if exchange.pointee.flags.contains(.onTrial) { trials.end(exchange) }
        cancel(exchange.pointee.attempt)
    }

    func cancel(_ attempt: AttemptPointer) {
        if attempt.pointee.isWaiting {
            attempt.pointee.endpoint!._withUnsafeGuaranteedRef {
                $0.withdraw(attempt)
                $0.activeCount -= 1
            }
        }
        guard let stream = attempt.pointee.stream else { return }
        if waitedLong(attempt, stream) { ClientConnection.callGivenUp(stream) }
        release(attempt, stream)
        stream.connection { $0.reset(stream, .cancel) }
    }

    /// Parts the attempt from its upstream stream.
    private func release(_ attempt: AttemptPointer, _ stream: StreamPointer) {
        attempt.pointee.stream = nil
        attempt.pointee.endpoint!._withUnsafeGuaranteedRef { $0.activeCount -= 1 }
        attempt.pointee.exchange!.pointee.upstreamNanoseconds += now.nanoseconds(since: attempt.pointee.began)
        // What the upstream had not taken of the body is no longer owed to its window.
        stream.pointee.handler = nil
        stream.pointee.context = nil
    }

    // MARK: The answer's way down

    @inline(__always)
    private func exchange(_ stream: StreamPointer) -> ExchangePointer { stream.attempt.pointee.exchange.unsafelyUnwrapped }

    package func streamInformational(_ stream: StreamPointer) {
        let exchange = exchange(stream)
        // Of no use to who expects gRPC, and some clients take them for the answer.
        guard !exchange.pointee.isRPC, let downstream = exchange.pointee.downstream else { return }
        if exchange.pointee.cors != nil { stream.pointee.fields.removeCORSFields(from: 0) }
        let fields = ResponseHead.write(
            from: stream, to: downstream, status: 0, isInformational: true, scratch: fieldScratch)
        downstream.serverConnection { $0.inform(downstream, fields) }
    }

    package func streamHead(_ stream: StreamPointer, ended: Bool) {
        let exchange = exchange(stream)
        guard let downstream = exchange.pointee.downstream else { return }
        if stream.pointee.flags.contains(.headTooLarge) {
            guard ended, exchange.pointee.isRPC, stream.pointee.fields.first(.grpcStatus) != nil else {
                // The endpoint answers, and others may be small.
                record(stream.attempt, .success)
                return abandon(exchange, .upstreamHeadTooLarge(of: stream))
            }
            dropDetails(exchange, stream, from: 0)
        }
        if exchange.pointee.cors != nil { stream.pointee.fields.removeCORSFields(from: 0) }
        let status = ResponseHead.status(of: stream)
        if exchange.pointee.isRPC, let refusal = AnswerCheck.refusal(stream, status: status, ended: ended) {
            record(stream.attempt, status < 400 ? .failure : AttemptOutcome(httpStatus: status))
            return abandon(exchange, refusal)
        }
        if let bridge = exchange.pointee.bridge {
            exchange.pointee.outcome.httpStatus = status
            if ended {
                _ = recordStatus(exchange, stream, from: 0)
                recordAnswer(stream.attempt, exchange)
            }
            return reference._withUnsafeGuaranteedRef { $0.beginBridgedAnswer(exchange, bridge, stream, ended: ended) }
        }
        exchange.pointee.phase = .responding
        exchange.pointee.outcome.httpStatus = status
        reference._withUnsafeGuaranteedRef { exchange.pointee.body.removeAll(pool: $0.chunks) }
        if ended { _ = recordStatus(exchange, stream, from: 0) }
        var written = ResponseHead.write(
            from: stream, to: downstream, status: status, scratch: fieldScratch)
        if ended, exchange.pointee.flags.contains(.statusSeen), !downstream.connection({ $0.takes(written) }) {
            dropDetails(exchange, stream, from: 0)
            written = ResponseHead.write(from: stream, to: downstream, status: status, scratch: fieldScratch)
        }
        let isSent = reference._withUnsafeGuaranteedRef { $0.respond(exchange, downstream, written, ended: ended) }
        guard ended, isSent else { return }
        recordAnswer(stream.attempt, exchange)
        exchange.pointee.phase = .over
    }

    /// The attempt is given up, and the caller is told why.
    private func abandon(_ exchange: ExchangePointer, _ cause: RefusalCause) {
        cancel(exchange)
        worker.refuse(exchange, cause)
    }

    package func streamData(_ stream: StreamPointer, _ bytes: UnsafeRawBufferPointer) {
        let exchange = exchange(stream)
        guard let downstream = exchange.pointee.downstream else {
            return stream.connection { $0.consumed(stream, bytes.count) }
        }
        exchange.pointee.outcome.responseBytes += bytes.count
        exchange.pointee.boundary.pass(bytes)
        if let bridge = exchange.pointee.bridge {
            return reference._withUnsafeGuaranteedRef { $0.passBridged(exchange, bridge, stream, bytes) }
        }
        downstream.connection { $0.send(downstream, bytes) }
        reference._withUnsafeGuaranteedRef { $0.checkMemory(after: downstream) }
    }

    package func streamEnded(_ stream: StreamPointer) {
        let exchange = exchange(stream)
        guard let downstream = exchange.pointee.downstream else { return }
        if stream.pointee.flags.contains(.headTooLarge) { dropDetails(exchange, stream, from: stream.pointee.trailersStart) }
        if exchange.pointee.cors != nil { stream.pointee.fields.removeCORSFields(from: stream.pointee.trailersStart) }
        let isReadable = recordStatus(exchange, stream, from: stream.pointee.trailersStart)
        recordAnswer(stream.attempt, exchange)
        guard isReadable else { return endUnreadable(exchange, stream, downstream) }
        if let bridge = exchange.pointee.bridge {
            return reference._withUnsafeGuaranteedRef {
                $0.endBridgedAnswer(exchange, bridge, stream, from: stream.pointee.trailersStart)
            }
        }
        exchange.pointee.phase = .over
        if case .grpc = exchange.pointee.clientProtocol, !exchange.pointee.flags.contains(.statusSeen) {
            return worker.finish(
                exchange, downstream, with: .upstreamWithoutStatus(httpStatus: exchange.pointee.outcome.httpStatus))
        }
        downstream.connection { connection in
            var trailers = ResponseHead.trailers(from: stream, to: downstream, scratch: fieldScratch)
            if let large = trailers, !connection.takes(UnsafeBufferPointer(large)) {
                dropDetails(exchange, stream, from: stream.pointee.trailersStart, bytesMax: connection.peerFieldListBytesMax)
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
    private func recordStatus(_ exchange: ExchangePointer, _ stream: StreamPointer, from start: Int) -> Bool {
        let status = AnswerStatus(stream.pointee.fields, from: start)
        guard let code = status.code else { return true }
        exchange.pointee.flags.insert(.statusSeen)
        exchange.pointee.outcome.grpcStatus = code
        if status.isRepeated, !status.isMalformed {
            AnswerStatus.removeRepeats(in: &stream.pointee.fields, from: start)
            if start == 0 { stream.pointee.trailersStart = stream.pointee.fields.count }
        }
        return !status.isMalformed || !exchange.pointee.isRPC
    }

    /// The answer's trailers say nothing that could be passed on.
    private func endUnreadable(_ exchange: ExchangePointer, _ stream: StreamPointer, _ downstream: StreamPointer) {
        let found = AnswerStatus.describe(stream.pointee.fields, from: stream.pointee.trailersStart)
        let cause = RefusalCause.upstreamMalformedStatus(found: found)
        if exchange.pointee.bridge != nil { return worker.fail(exchange, cause) }
        exchange.pointee.phase = .over
        worker.finish(exchange, downstream, with: cause)
    }

    /// The upstream's socket took so much of the request body: the caller may send as much again.
    package func streamDrained(_ stream: StreamPointer, _ count: Int) {
        let exchange = exchange(stream)
        if let bridge = exchange.pointee.bridge {
            return reference._withUnsafeGuaranteedRef { $0.bridgedRequestDrained(exchange, bridge, count) }
        }
        let attempt = stream.attempt
        attempt.pointee.drained += count
        let fresh = attempt.pointee.drained - exchange.pointee.bodyConsumed
        // A second attempt sends again what the window has already got back.
        guard fresh > 0, let downstream = exchange.pointee.downstream else { return }
        exchange.pointee.bodyConsumed += fresh
        downstream.connection { $0.consumed(downstream, fresh) }
    }

    package func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) { closed(stream.attempt, stream, reason) }

    /// The attempt's stream is no more, and it has not been let go before.
    func closed(_ attempt: AttemptPointer, _ stream: StreamPointer, _ reason: StreamClose) {
        release(attempt, stream)
        guard attempt.pointee.exchange!.pointee.phase != .over else { return }
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

extension ExchangePointer {
    /// Where it leads.
    @inline(__always)
    var cluster: Unmanaged<Cluster> { pointee.snapshot!._withUnsafeGuaranteedRef { $0.cluster(of: self) } }
}
