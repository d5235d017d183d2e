internal import Balancing
internal import Bytes
internal import GRPC
internal import HTTP2
package import HTTPModel
internal import Sockets
internal import Time
internal import Transport

/// The upstream half of every exchange of a worker: sends requests on, and walks the answers back.
package final class Upstream: StreamHandler, EndpointClient {
    /// Set once, by the worker that owns it. On the way of every call it is reached without counting references.
    var reference: Unmanaged<GatewayWorker>!
    private lazy var ownReference = UnownedReference<any StreamHandler>(self)
    private var worker: GatewayWorker { reference.takeUnretainedValue() }

    /// What of a request body is kept for sending it again.
    private static let replayBytesMax = 64 << 10
    /// The first try and one more, after a failed connect.
    private static let attemptsMax: UInt8 = 2
    /// Where the upstream says that it has not looked at the request, which is then safe to send again; an upstream near
    /// its stream limit may say so twice, since it ends its side of a stream later than we see the end.
    private static let unprocessedAttemptsMax: UInt8 = 3

    @inline(__always)
    private func count(_ event: GatewayEvent) { reference._withUnsafeGuaranteedRef { $0.metrics.count(event) } }

    private var fieldScratch: UnsafeMutableBufferPointer<Field> {
        reference._withUnsafeGuaranteedRef { $0.context.fieldScratch }
    }
    private var now: Instant { reference._withUnsafeGuaranteedRef { $0.now } }

    // MARK: The request's way up

    /// Picks an endpoint and sends the request there, or waits for a connection to it.
    func start(_ exchange: ExchangePointer) {
        exchange.pointee.attempts += 1
        let former = exchange.pointee.endpoint
        let cluster = exchange.pointee.snapshot!._withUnsafeGuaranteedRef { snapshot in
            snapshot.cluster(of: exchange.pointee.route!)
        }
        let choice = cluster._withUnsafeGuaranteedRef { $0.choose(for: exchange, avoiding: former) }
        if case .endpoint(let endpoint) = choice {
            exchange.pointee.endpoint = endpoint
            endpoint._withUnsafeGuaranteedRef { $0.hold() }
        } else {
            exchange.pointee.endpoint = nil
        }
        former?._withUnsafeGuaranteedRef { $0.letGo() }
        guard case .endpoint(let endpoint) = choice else {
            if case .refused(let cause) = choice { worker.refuse(exchange, cause) }
            return
        }
        exchange.pointee.attemptBegan = now
        endpoint._withUnsafeGuaranteedRef { send(exchange, to: $0) }
    }

    private func send(_ exchange: ExchangePointer, to endpoint: Endpoint) {
        count(.upstreamAttempt)
        if exchange.pointee.attempts > 1 { count(.upstreamRetry) }
        endpoint.activeCount += 1
        switch endpoint.admit(exchange) {
        case .room(let connection): connection._withUnsafeGuaranteedRef { send(exchange, on: $0) }
        case .waits: exchange.pointee.phase = .waiting
        case .overflow:
            endpoint.activeCount -= 1
            count(.queueOverflow)
            worker.refuse(exchange, .upstreamQueueFull(retryAfter: nil))
        case .failed:
            endpoint.activeCount -= 1
            connectFailed(exchange)
        }
    }

    func endpoint(_ endpoint: Endpoint, hasRoomFor exchange: ExchangePointer, on connection: ClientConnection) {
        send(exchange, on: connection)
    }

    func endpoint(_ endpoint: Endpoint, failed exchange: ExchangePointer, _ end: ChannelEnd) {
        endpoint.activeCount -= 1
        connectFailed(exchange)
    }

    func endpoint(_ endpoint: Endpoint, leftBehind exchange: ExchangePointer) {
        endpoint.activeCount -= 1
        exchange.pointee.attempts -= 1
        start(exchange)
    }

    /// What became of an attempt, for those who judge endpoints by it: once for each.
    func note(_ exchange: ExchangePointer, _ outcome: AttemptOutcome) {
        guard let endpoint = exchange.pointee.endpoint else { return }
        let cluster = exchange.pointee.snapshot!._withUnsafeGuaranteedRef { $0.cluster(of: exchange.pointee.route!) }
        cluster._withUnsafeGuaranteedRef { $0.note(outcome, of: endpoint, began: exchange.pointee.attemptBegan) }
    }

    /// By what the answer says.
    private func noteAnswer(_ exchange: ExchangePointer) {
        if let status = exchange.pointee.outcome.grpcStatus {
            note(exchange, AttemptOutcome(status))
            if status == .unimplemented { worker.methodMissed(exchange) }
        } else {
            let httpStatus = exchange.pointee.outcome.httpStatus
            note(exchange, exchange.pointee.isRPC ? .failure : AttemptOutcome(httpStatus: httpStatus))
        }
    }

    private func connectFailed(_ exchange: ExchangePointer) {
        count(.upstreamConnectFailed)
        note(exchange, .localFailure)
        if exchange.pointee.attempts < Self.attemptsMax { return start(exchange) }
        worker.refuse(exchange, .connectFailed)
    }

    private func send(_ exchange: ExchangePointer, on connection: ClientConnection) {
        guard let downstream = exchange.pointee.downstream else { return }
        let bodyEnded = exchange.pointee.flags.contains(.requestEnded)
        let bodyIsEmpty = exchange.pointee.body.isEmpty
        let hasTrailers = downstream.pointee.fields.count > downstream.pointee.trailersStart
        let endsWithHead = bodyEnded && bodyIsEmpty && !hasTrailers
        let stream = connection.request(
            ended: endsWithHead, handler: ownReference, stream: UnsafeMutableRawPointer(exchange)
        ) { stream in
            reference._withUnsafeGuaranteedRef { $0.writeRequestHead(exchange, from: downstream, to: stream) }
        }
        guard let stream else {
            // The connection has just been told to go: the pool finds another.
            exchange.pointee.endpoint!._withUnsafeGuaranteedRef { $0.activeCount -= 1 }
            return connectFailed(exchange)
        }
        exchange.pointee.upstream = stream
        exchange.pointee.phase = .requesting
        exchange.pointee.attemptDrained = 0
        exchange.pointee.bridge?.requestFlow.beginAgain()
        if !bodyIsEmpty {
            exchange.pointee.body.forEachChunk { connection.send(stream, $0) }
            dropBodyIfLarge(exchange)
        }
        if bodyEnded, !endsWithHead { finishRequest(exchange, downstream, stream, connection) }
    }

    /// More of the body has arrived from the caller.
    @inline(__always)
    func forward(_ exchange: ExchangePointer, _ bytes: UnsafeRawBufferPointer) {
        guard let stream = exchange.pointee.upstream else {
            keep(bytes, of: exchange)
            return reference._withUnsafeGuaranteedRef { $0.checkMemory() }
        }
        if exchange.pointee.phase == .requesting, !exchange.pointee.flags.contains(.bodyDropped) {
            keep(bytes, of: exchange)
            dropBodyIfLarge(exchange)
        }
        Connection.with(stream) { $0.send(stream, bytes) }
        reference._withUnsafeGuaranteedRef { $0.checkMemory(after: stream) }
    }

    @inline(__always)
    private func keep(_ bytes: UnsafeRawBufferPointer, of exchange: ExchangePointer) {
        reference._withUnsafeGuaranteedRef { exchange.pointee.body.append(bytes, from: $0.chunks) }
    }

    @inline(__always)
    private func dropBodyIfLarge(_ exchange: ExchangePointer) {
        guard exchange.pointee.body.count > Self.replayBytesMax else { return }
        exchange.pointee.flags.insert(.bodyDropped)
        exchange.pointee.body.removeAll(pool: worker.context.chunks)
    }

    /// The caller has sent everything.
    func requestEnded(_ exchange: ExchangePointer) {
        guard let stream = exchange.pointee.upstream, let downstream = exchange.pointee.downstream else { return }
        Connection.with(stream) { finishRequest(exchange, downstream, stream, $0) }
    }

    private func finishRequest(
        _ exchange: ExchangePointer, _ downstream: StreamPointer, _ stream: StreamPointer, _ connection: Connection
    ) {
        if downstream.pointee.fields.count > downstream.pointee.trailersStart,
            let trailers = ResponseHead.trailers(
                from: downstream, to: stream,
                without: reference._withUnsafeGuaranteedRef({ $0.claims(of: exchange) }), scratch: fieldScratch)
        {
            connection.finish(stream, trailers: trailers)
        } else {
            connection.finish(stream)
        }
    }

    /// The exchange needs its attempt no longer.
    func cancel(_ exchange: ExchangePointer) {
        if exchange.pointee.phase == .waiting, let endpoint = exchange.pointee.endpoint {
            endpoint._withUnsafeGuaranteedRef {
                $0.withdraw(exchange)
                $0.activeCount -= 1
            }
        }
        guard let stream = exchange.pointee.upstream else { return }
        release(exchange, stream)
        Connection.with(stream) { $0.reset(stream, .cancel) }
    }

    /// Parts the exchange from its upstream stream.
    private func release(_ exchange: ExchangePointer, _ stream: StreamPointer) {
        exchange.pointee.upstream = nil
        exchange.pointee.endpoint!._withUnsafeGuaranteedRef { $0.activeCount -= 1 }
        exchange.pointee.upstreamNanoseconds += now.nanoseconds(since: exchange.pointee.attemptBegan)
        // What the upstream had not taken of the body is no longer owed to its window.
        stream.pointee.handler = nil
        stream.pointee.context = nil
    }

    // MARK: The answer's way down

    @inline(__always)
    private func exchange(_ stream: StreamPointer) -> ExchangePointer {
        stream.pointee.context!.assumingMemoryBound(to: Exchange.self)
    }

    package func streamInformational(_ stream: StreamPointer) {
        let exchange = exchange(stream)
        guard let downstream = exchange.pointee.downstream else { return }
        let fields = ResponseHead.write(
            from: stream, to: downstream, status: 0, isInformational: true, scratch: fieldScratch)
        ServerConnection.withServer(downstream) { $0.inform(downstream, fields) }
    }

    package func streamHead(_ stream: StreamPointer, ended: Bool) {
        let exchange = exchange(stream)
        guard let downstream = exchange.pointee.downstream else { return }
        if stream.pointee.flags.contains(.headTooLarge) {
            note(exchange, .failure)
            return abandon(exchange, .upstreamProtocolError)
        }
        let status = ResponseHead.status(of: stream)
        if exchange.pointee.isRPC, let refusal = AnswerCheck.refusal(stream, status: status, ended: ended) {
            note(exchange, status < 400 ? .failure : AttemptOutcome(httpStatus: status))
            return abandon(exchange, refusal)
        }
        if let bridge = exchange.pointee.bridge {
            exchange.pointee.outcome.httpStatus = status
            if ended {
                noteStatus(exchange, stream, from: 0)
                noteAnswer(exchange)
            }
            return reference._withUnsafeGuaranteedRef { $0.beginBridgedAnswer(exchange, bridge, stream, ended: ended) }
        }
        exchange.pointee.phase = .responding
        exchange.pointee.outcome.httpStatus = status
        reference._withUnsafeGuaranteedRef { exchange.pointee.body.removeAll(pool: $0.chunks) }
        if ended { noteStatus(exchange, stream, from: 0) }
        let written = ResponseHead.write(
            from: stream, to: downstream, status: status, scratch: fieldScratch)
        let fields = reference._withUnsafeGuaranteedRef { $0.withPermission(exchange, downstream, written) }
        ServerConnection.withServer(downstream) { $0.respond(downstream, fields, ended: ended) }
        guard ended else { return }
        noteAnswer(exchange)
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
            return Connection.with(stream) { $0.consumed(stream, bytes.count) }
        }
        exchange.pointee.outcome.responseBytes += bytes.count
        exchange.pointee.boundary.pass(bytes)
        if let bridge = exchange.pointee.bridge {
            return reference._withUnsafeGuaranteedRef { $0.passBridged(exchange, bridge, stream, bytes) }
        }
        Connection.with(downstream) { $0.send(downstream, bytes) }
        reference._withUnsafeGuaranteedRef { $0.checkMemory(after: downstream) }
    }

    package func streamEnded(_ stream: StreamPointer) {
        let exchange = exchange(stream)
        guard let downstream = exchange.pointee.downstream else { return }
        if stream.pointee.flags.contains(.headTooLarge) { return worker.fail(exchange, .upstreamProtocolError) }
        noteStatus(exchange, stream, from: stream.pointee.trailersStart)
        noteAnswer(exchange)
        if let bridge = exchange.pointee.bridge {
            return reference._withUnsafeGuaranteedRef {
                $0.endBridgedAnswer(exchange, bridge, stream, from: stream.pointee.trailersStart)
            }
        }
        exchange.pointee.phase = .over
        if case .grpc = exchange.pointee.caller, !exchange.pointee.flags.contains(.statusSeen) {
            return worker.finishWithoutStatus(exchange, downstream)
        }
        Connection.with(downstream) { connection in
            if let trailers = ResponseHead.trailers(
                from: stream, to: downstream, scratch: fieldScratch)
            {
                connection.finish(downstream, trailers: trailers)
            } else {
                connection.finish(downstream)
            }
        }
    }

    private func noteStatus(_ exchange: ExchangePointer, _ stream: StreamPointer, from start: Int) {
        guard let field = stream.pointee.fields.first(.grpcStatus, from: start) else { return }
        exchange.pointee.flags.insert(.statusSeen)
        exchange.pointee.outcome.grpcStatus = StatusCode(field: field.valueBytes)
    }

    /// The upstream's socket took so much of the request body: the caller may send as much again.
    package func streamDrained(_ stream: StreamPointer, _ count: Int) {
        let exchange = exchange(stream)
        if let bridge = exchange.pointee.bridge {
            return reference._withUnsafeGuaranteedRef { $0.bridgedRequestDrained(exchange, bridge, count) }
        }
        exchange.pointee.attemptDrained += count
        let fresh = exchange.pointee.attemptDrained - exchange.pointee.bodyConsumed
        // A second attempt sends again what the window has already got back.
        guard fresh > 0, let downstream = exchange.pointee.downstream else { return }
        exchange.pointee.bodyConsumed += fresh
        Connection.with(downstream) { $0.consumed(downstream, fresh) }
    }

    package func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) {
        let exchange = exchange(stream)
        release(exchange, stream)
        guard exchange.pointee.phase != .over else { return }
        switch reason {
        case .complete:
            count(.upstreamReset)
            note(exchange, .failure)
            // RST_STREAM(NO_ERROR) before the answer was complete.
            worker.fail(exchange, .upstreamReset(http2ErrorCode: ErrorCode.noError.rawValue))
        case .reset(let code):
            count(.upstreamReset)
            note(exchange, .gatewayFailure)
            worker.fail(exchange, .upstreamReset(http2ErrorCode: code))
        case .connectionLost:
            count(.upstreamConnectionLost)
            note(exchange, .localFailure)
            worker.fail(exchange, .connectionLost)
        case .unprocessed:
            if exchange.pointee.phase == .requesting, !exchange.pointee.flags.contains(.bodyDropped),
                exchange.pointee.attempts < Self.unprocessedAttemptsMax
            {
                return start(exchange)
            }
            count(.upstreamReset)
            worker.fail(exchange, .upstreamReset(http2ErrorCode: ErrorCode.refusedStream.rawValue))
        }
    }
}
