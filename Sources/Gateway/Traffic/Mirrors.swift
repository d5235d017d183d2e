internal import Balancing
internal import Bytes
internal import GRPC
internal import HTTPModel
internal import Reactor
internal import Sockets
internal import Time
internal import Transport
internal import Upstreams

/// Sends copies of calls to mirrors, and throws their answers away. One per worker.
///
/// A copy leaves when the request is complete, waits for a connection like any other request, and is let go where it would cost
/// too much: no copy ever waits for its copy, or fails with it.
final class Mirrors: StreamHandler, PoolWaiterOwner {
    private unowned(unsafe) let worker: GatewayWorker
    private lazy var reference = UnownedReference<any StreamHandler>(self)
    private var calls: [Record<Attempt>: MirrorCall] = [:]
    private lazy var attempts = Slab<Attempt>(
        makeValue: { [unowned self] record in Attempt(timer: RecordTimer(of: record.opaque) { _ in }, owner: self) },
        dispose: { $0.timer.deallocate() })

    /// What is kept of one request; larger ones are not mirrored.
    static let bodyBytesMax = 1 << 20
    /// Copies under way on one worker.
    static let callsMax = 1024
    /// How long a copy may take, where its copy's deadline does not come before.
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
    func send(_ draft: MirrorDraft, of call: Record<Call>) {
        let cluster = call.snapshot! { $0.clusters[draft.cluster] }
        var request = Cluster.PickRequest()
        if cluster.asksCalls { cluster.describe(call, in: &request) }
        guard hasRoom, let source = call.downstream, case .endpoint(let endpoint) = cluster.choose(request)
        else { return count(.mirrorDropped) }
        let copy = MirrorCall(
            draft, to: endpoint, of: cluster, at: worker.now, streams: worker.context.streams, attempts: attempts
        ) { target in
            worker.writeMirrorHead(call, from: source, to: target, isSecure: endpoint.isSecure)
        }
        let attempt = copy.attempt
        attempt.waiter.isHighPriority = request.isHighPriority
        calls[attempt] = copy
        copy.timer = Timer(on: worker.context.loop) { [unowned self] in timedOut(attempt) }
        copy.timer?.arm(at: min(call.deadline, worker.now + Self.timeout))
        endpoint { endpoint in
            endpoint.activeCount += 1
            switch endpoint.admit(attempt.part(\.waiter)) {
            case .room(let connection): connection { send(attempt, on: $0) }
            case .waits: break
            case .overflow: end(attempt, .mirrorDropped, nil)
            case .failed: end(attempt, .mirrorFailed, .localFailure)
            case .withoutSocket: end(attempt, .mirrorFailed, nil)
            }
        }
    }

    /// There is a connection for one that waited, or at once.
    private func send(_ attempt: Record<Attempt>, on connection: ClientConnection) {
        guard let copy = calls[attempt] else { return }
        let isEmpty = copy.draft.body.isEmpty
        let stream: StreamPointer
        do throws(RequestRefusal) {
            stream = try connection.makeStream()
            var writer = FieldWriter(for: stream, scratch: worker.context.fieldScratch)
            for field in copy.head { writer.copy(field) }
            try connection.submit(
                stream, writer.written, ended: isEmpty, handler: reference, context: attempt.opaque)
        } catch {
            return end(attempt, error == .noStream ? .mirrorFailed : .mirrorTooLarge, nil)
        }
        attempt.stream = stream
        count(.mirrorSent)
        guard !isEmpty else { return }
        copy.draft.body.forEachChunk { connection.send(stream, $0) }
        connection.finish(stream)
        copy.draft.drop()
        worker.checkMemory(afterUpstream: stream)
    }

    func hasRoom(_ waiter: Record<PoolWaiter>, on connection: ClientConnection) {
        send(Record(around: waiter, \Attempt.waiter), on: connection)
    }

    func connectionFailed(_ waiter: Record<PoolWaiter>, _ reason: ChannelEnd) {
        end(Record(around: waiter, \Attempt.waiter), .mirrorFailed, reason.isShortage ? nil : .localFailure)
    }

    func endpointRemoved(_ waiter: Record<PoolWaiter>) { end(Record(around: waiter, \Attempt.waiter), .mirrorFailed, nil) }

    /// It holds more than there is memory for.
    func giveUp(_ attempt: Record<Attempt>) { cancel(attempt, nil) }

    /// Lets go of the copy that holds most, before any copy has to; false where none holds anything.
    func giveUpLargest() -> Bool {
        var largest: Record<Attempt>?
        var most = 0
        for (attempt, copy) in calls {
            let held = copy.draft.body.count + (attempt.stream?.outbound.count ?? 0)
            if held > most { (largest, most) = (attempt, held) }
        }
        guard let largest else { return false }
        calls[largest]?.draft.drop()
        giveUp(largest)
        return true
    }

    private func timedOut(_ attempt: Record<Attempt>) {
        if let stream = attempt.stream { ClientConnection.callGivenUp(stream) }
        cancel(attempt, .localFailure)
    }

    private func cancel(_ attempt: Record<Attempt>, _ outcome: AttemptOutcome?) {
        if attempt.waiter.isQueued { attempt.endpoint! { $0.withdraw(attempt.part(\.waiter)) } }
        if let stream = attempt.stream {
            stream.handler = nil
            stream.context = nil
            stream.connection { $0.reset(stream, .cancel) }
        }
        end(attempt, .mirrorFailed, outcome)
    }

    /// - Parameter outcome: what it says of the endpoint; `nil` for nothing.
    private func end(_ attempt: Record<Attempt>, _ event: GatewayEvent?, _ outcome: AttemptOutcome?) {
        guard let copy = calls.removeValue(forKey: attempt) else { return }
        if let event { count(event) }
        let endpoint = attempt.endpoint!
        endpoint { $0.activeCount -= 1 }
        if let outcome { copy.cluster.record(outcome, of: endpoint, began: attempt.began) }
        copy.timer = nil
        worker.context.loop.retire(copy)
    }

    // MARK: The answer

    func streamHead(_ stream: StreamPointer, ended: Bool) {}

    func streamData(_ stream: StreamPointer, _ bytes: UnsafeRawBufferPointer) {
        stream.connection { $0.consumed(stream, bytes.count) }
    }

    func streamEnded(_ stream: StreamPointer) {}

    func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) {
        let attempt = stream.attempt
        attempt.stream = nil
        switch reason {
        case .complete: end(attempt, nil, outcome(stream))
        case .reset, .malformed: end(attempt, .mirrorFailed, .gatewayFailure)
        case .connectionLost: end(attempt, .mirrorFailed, worker.upstream.isUnresponsive(stream) ? nil : .localFailure)
        case .unprocessed, .limitExceeded: end(attempt, .mirrorFailed, nil)
        }
    }

    private func outcome(_ stream: StreamPointer) -> AttemptOutcome {
        if let code = AnswerStatus(stream.fields, from: 0).code { return AttemptOutcome(code) }
        let status = ResponseHead.status(of: stream)
        // RST_STREAM(NO_ERROR) without an answer.
        return status == 0 ? .failure : AttemptOutcome(httpStatus: status)
    }
}
