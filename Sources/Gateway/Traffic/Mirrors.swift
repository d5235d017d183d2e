internal import Balancing
internal import Bytes
internal import GRPC
internal import HTTPModel
internal import Reactor
internal import Time
internal import Transport

/// Sends copies of calls to mirrors, and throws their answers away. One per worker.
///
/// A copy leaves when the request is complete, waits for a connection like any other request, and is let go where it would cost
/// too much: no call ever waits for its copy, or fails with it.
final class Mirrors: StreamHandler {
    private unowned(unsafe) let worker: GatewayWorker
    private lazy var reference = UnownedReference<any StreamHandler>(self)
    private var calls: [AttemptPointer: MirrorCall] = [:]

    /// What is kept of one request; larger ones are not mirrored.
    static let bodyBytesMax = 1 << 20
    /// Copies under way on one worker.
    static let callsMax = 1024
    /// How long a copy may take, where its call's deadline does not come before.
    static let timeout = Duration.seconds(15)

    init(_ worker: GatewayWorker) { self.worker = worker }

    /// Copies under way.
    var count: Int { calls.count }

    /// There is room for bytes of more copies beside what calls hold themselves.
    private var hasRoom: Bool {
        calls.count < Self.callsMax && worker.chunks.bytesInUse < worker.memoryLimits.workerBytesMax / 2
    }

    private func count(_ event: GatewayEvent) { worker.metrics.count(event) }

    // MARK: The request

    /// Keeps more of a request's body; false where its copy is to be let go.
    func keep(_ bytes: UnsafeRawBufferPointer, in draft: MirrorDraft) -> Bool {
        guard draft.body.count + bytes.count <= Self.bodyBytesMax else {
            count(.mirrorTooLarge)
            return false
        }
        guard hasRoom else {
            count(.mirrorDropped)
            return false
        }
        draft.append(bytes)
        return true
    }

    /// The request is complete: its copy leaves.
    func send(_ draft: MirrorDraft, of exchange: ExchangePointer) {
        let cluster = exchange.pointee.snapshot!._withUnsafeGuaranteedRef { $0.clusters[draft.cluster] }
        guard hasRoom, let source = exchange.pointee.downstream, case .endpoint(let endpoint) = cluster.choose(for: exchange)
        else { return count(.mirrorDropped) }
        let call = MirrorCall(draft, to: endpoint, of: cluster, at: worker.now, streams: worker.context.streams) { target in
            worker.writeMirrorHead(exchange, from: source, to: target, isSecure: endpoint._withUnsafeGuaranteedRef { $0.isSecure })
        }
        let attempt = call.attempt
        calls[attempt] = call
        call.timer = Timer(on: worker.context.loop) { [unowned self] in timedOut(attempt) }
        call.timer?.arm(at: min(exchange.pointee.deadline, worker.now + Self.timeout))
        endpoint._withUnsafeGuaranteedRef { endpoint in
            endpoint.activeCount += 1
            switch endpoint.admit(attempt) {
            case .room(let connection): connection._withUnsafeGuaranteedRef { send(attempt, on: $0) }
            case .waits: break
            case .overflow: end(attempt, .mirrorDropped, nil)
            case .failed: end(attempt, .mirrorFailed, .localFailure)
            case .withoutSocket: end(attempt, .mirrorFailed, nil)
            }
        }
    }

    /// There is a connection for one that waited, or at once.
    func send(_ attempt: AttemptPointer, on connection: ClientConnection) {
        guard let call = calls[attempt] else { return }
        let isEmpty = call.draft.body.isEmpty
        let stream: StreamPointer
        do throws(RequestRefusal) {
            stream = try connection.makeStream()
            var writer = FieldWriter(for: stream, scratch: worker.context.fieldScratch)
            for field in call.head { writer.copy(field) }
            try connection.submit(
                stream, writer.written, ended: isEmpty, handler: reference, context: UnsafeMutableRawPointer(attempt))
        } catch {
            return end(attempt, error == .noStream ? .mirrorFailed : .mirrorTooLarge, nil)
        }
        attempt.pointee.stream = stream
        count(.mirrorSent)
        guard !isEmpty else { return }
        call.draft.body.forEachChunk { connection.send(stream, $0) }
        connection.finish(stream)
        call.draft.drop()
        worker.checkMemory(afterUpstream: stream)
    }

    /// No connection could be made, or its endpoint is no longer there.
    func failed(_ attempt: AttemptPointer, _ outcome: AttemptOutcome?) { end(attempt, .mirrorFailed, outcome) }

    /// It holds more than there is memory for.
    func giveUp(_ attempt: AttemptPointer) { cancel(attempt, nil) }

    /// Lets go of the copy that holds most, before any call has to; false where none holds anything.
    func giveUpLargest() -> Bool {
        var largest: AttemptPointer?
        var most = 0
        for (attempt, call) in calls {
            let held = call.draft.body.count + (attempt.pointee.stream?.pointee.outbound.count ?? 0)
            if held > most { (largest, most) = (attempt, held) }
        }
        guard let largest else { return false }
        calls[largest]?.draft.drop()
        giveUp(largest)
        return true
    }

    private func timedOut(_ attempt: AttemptPointer) {
        if let stream = attempt.pointee.stream { ClientConnection.callGivenUp(stream) }
        cancel(attempt, .localFailure)
    }

    private func cancel(_ attempt: AttemptPointer, _ outcome: AttemptOutcome?) {
        if attempt.pointee.isWaiting { attempt.pointee.endpoint!._withUnsafeGuaranteedRef { $0.withdraw(attempt) } }
        if let stream = attempt.pointee.stream {
            stream.pointee.handler = nil
            stream.pointee.context = nil
            stream.connection { $0.reset(stream, .cancel) }
        }
        end(attempt, .mirrorFailed, outcome)
    }

    /// - Parameter outcome: what it says of the endpoint; `nil` for nothing.
    private func end(_ attempt: AttemptPointer, _ event: GatewayEvent?, _ outcome: AttemptOutcome?) {
        guard let call = calls.removeValue(forKey: attempt) else { return }
        if let event { count(event) }
        let endpoint = attempt.pointee.endpoint!
        endpoint._withUnsafeGuaranteedRef { $0.activeCount -= 1 }
        if let outcome { call.cluster.record(outcome, of: endpoint, began: attempt.pointee.began) }
        call.timer = nil
        worker.context.loop.retire(call)
    }

    // MARK: The answer

    func streamHead(_ stream: StreamPointer, ended: Bool) {}

    func streamData(_ stream: StreamPointer, _ bytes: UnsafeRawBufferPointer) {
        stream.connection { $0.consumed(stream, bytes.count) }
    }

    func streamEnded(_ stream: StreamPointer) {}

    func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) {
        let attempt = stream.attempt
        attempt.pointee.stream = nil
        switch reason {
        case .complete: end(attempt, nil, outcome(stream))
        case .reset, .malformed: end(attempt, .mirrorFailed, .gatewayFailure)
        case .connectionLost: end(attempt, .mirrorFailed, worker.upstream.isUnresponsive(stream) ? nil : .localFailure)
        case .unprocessed, .limitExceeded: end(attempt, .mirrorFailed, nil)
        }
    }

    private func outcome(_ stream: StreamPointer) -> AttemptOutcome {
        if let code = AnswerStatus(stream.pointee.fields, from: 0).code { return AttemptOutcome(code) }
        let status = ResponseHead.status(of: stream)
        // RST_STREAM(NO_ERROR) without an answer.
        return status == 0 ? .failure : AttemptOutcome(httpStatus: status)
    }
}
