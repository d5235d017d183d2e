internal import Balancing
internal import Bytes
internal import Calls
internal import Filters
internal import GRPC
internal import HTTPModel
internal import Reactor
internal import Snapshots
internal import Time
internal import Transport
internal import Upstreams

/// Sends copies of calls to mirrors, and throws their answers away. One per worker.
///
/// A copy leaves when the request is complete, waits for a connection like any other request, and is let go where it would cost
/// too much: no call ever waits for its mirror, or fails with it.
final class Mirrors {
    private unowned(unsafe) let worker: GatewayWorker
    private var calls: [Record<Attempt>: MirrorCall] = [:]

    /// What is kept of one request; larger ones are not mirrored.
    static let bodyBytesMax = 1 << 20
    /// Copies under way on one worker.
    static let callsMax = 1024
    /// How long a copy may take, unless the call's deadline comes first.
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
    func keep(_ bytes: BorrowedBytes, in draft: MirrorDraft) -> Bool {
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
        let cluster = call.snapshot { $0.clusters[draft.cluster] }
        var request = Cluster.PickRequest()
        if cluster.asksCalls { cluster.describe(call, in: &request) }
        let source = call.downstream
        guard hasRoom, case .endpoint(let endpoint) = cluster.choose(request)
        else { return count(.mirrorDropped) }
        let copy = MirrorCall(
            draft, to: endpoint, of: cluster, streams: worker.context.streams, attempts: worker.attempts
        ) { target in
            worker.writeMirrorHead(call, from: source, to: target, isSecure: endpoint.isSecure)
        }
        let attempt = copy.attempt
        attempt.waiter.isHighPriority = request.isHighPriority
        calls[attempt] = copy
        copy.timer = Timer(on: worker.context.loop) { [unowned self] in timedOut(attempt) }
        copy.timer?.arm(at: min(call.deadline, worker.now + Self.timeout))
        worker.upstream.handle(attempt, .begin)
    }

    // MARK: Its attempt

    /// Asks the endpoint that was chosen for a connection: there is no other try.
    func pick(_ attempt: Record<Attempt>, _ connection: inout Borrowed<ClientConnection>?) -> AttemptMachine.Event {
        guard let copy = calls[attempt], let endpoint = copy.endpoint else {
            return worker.upstream.fail(attempt, .refused(.noHealthyEndpoint(retryAfter: nil)), .refused)
        }
        copy.endpoint = nil
        return worker.upstream.ask(endpoint, for: attempt, &connection)
    }

    /// There is a connection.
    ///
    /// - Returns: that it cannot be sent there, where that is so.
    func send(
        _ attempt: Record<Attempt>, on connection: ClientConnection, handler: UnownedReference<any StreamHandler>
    ) -> AttemptMachine.Event? {
        guard let copy = calls[attempt] else { return worker.upstream.fail(attempt, .refused(.internalError), .unsendable) }
        let isEmpty = copy.draft.body.isEmpty
        let stream: StreamPointer
        do throws(RequestRefusal) {
            stream = try connection.makeStream()
            var writer = FieldWriter(for: stream, scratch: worker.context.fieldScratch)
            for field in copy.head { writer.copy(field) }
            try connection.submit(stream, writer.written, ended: isEmpty, handler: handler, context: attempt.opaque)
        } catch {
            switch error {
            case .noStream: return worker.upstream.fail(attempt, .closed(.unprocessed), .unsendable)
            case .headTooLarge(let bytes, let bytesMax):
                return worker.upstream.fail(
                    attempt, .refused(.headTooLargeForUpstream(bytes: bytes, bytesMax: bytesMax)), .unsendable)
            }
        }
        attempt.stream = stream
        count(.mirrorSent)
        guard !isEmpty else { return nil }
        copy.draft.body.forEachChunk { connection.send(stream, $0) }
        connection.finish(stream)
        copy.draft.drop()
        worker.checkMemory(afterUpstream: stream)
        return nil
    }

    /// It has not been sent.
    func failed(_ attempt: Record<Attempt>, _ failure: AttemptFailure) {
        switch failure {
        case .refused(.upstreamQueueFull): end(attempt, .mirrorDropped, nil)
        case .refused(.headTooLargeForUpstream): end(attempt, .mirrorTooLarge, nil)
        case .connectFailed, .connectionDraining: end(attempt, .mirrorFailed, .localFailure)
        case .refused, .closed, .timedOut: end(attempt, .mirrorFailed, nil)
        }
    }

    /// Its stream is over, whose answer is of no use but for what it says of the endpoint.
    func closed(_ attempt: Record<Attempt>, _ stream: StreamPointer, _ reason: StreamClose) {
        let (event, outcome): (GatewayEvent?, AttemptOutcome?) =
            switch reason {
            case .complete: (nil, outcome(stream))
            case .reset, .malformed: (.mirrorFailed, .gatewayFailure)
            case .connectionLost: (.mirrorFailed, worker.upstream.isUnresponsive(stream) ? nil : .localFailure)
            case .unprocessed, .connectionStale, .limitExceeded: (.mirrorFailed, nil)
            }
        worker.upstream.handle(attempt, .streamClosed)
        end(attempt, event, outcome)
    }

    // MARK: Its end

    /// It holds more than there is memory for.
    func shed(_ attempt: Record<Attempt>) { cancel(attempt, nil) }

    /// Lets go of the copy that holds most, before any call is shed; false where none holds anything.
    func shedLargest() -> Bool {
        var largest: Record<Attempt>?
        var most = 0
        for (attempt, copy) in calls {
            let held = copy.draft.body.count + (attempt.stream?.outbound.count ?? 0)
            if held > most { (largest, most) = (attempt, held) }
        }
        guard let largest else { return false }
        calls[largest]?.draft.drop()
        shed(largest)
        return true
    }

    private func timedOut(_ attempt: Record<Attempt>) {
        if let stream = attempt.stream { ClientConnection.callGivenUp(stream) }
        cancel(attempt, .localFailure)
    }

    private func cancel(_ attempt: Record<Attempt>, _ outcome: AttemptOutcome?) {
        worker.upstream.handle(attempt, .cancelled)
        end(attempt, .mirrorFailed, outcome)
    }

    /// - Parameter outcome: what it says of the endpoint; `nil` for nothing.
    private func end(_ attempt: Record<Attempt>, _ event: GatewayEvent?, _ outcome: AttemptOutcome?) {
        guard let copy = calls.removeValue(forKey: attempt) else { return }
        if let event { count(event) }
        if let outcome, let endpoint = attempt.endpoint { copy.cluster.record(outcome, of: endpoint, began: attempt.began) }
        copy.timer = nil
        worker.context.loop.retire(copy)
    }

    private func outcome(_ stream: StreamPointer) -> AttemptOutcome {
        if let code = AnswerStatus(stream.fields, from: 0).code { return AttemptOutcome(code) }
        let status = stream.fields.status
        // RST_STREAM(NO_ERROR) without an answer.
        return status == 0 ? .failure : AttemptOutcome(httpStatus: status)
    }
}
