package import Bytes
internal import GRPC
package import HTTPModel
internal import LimitRules
package import RateLimit
internal import Reactor
package import Time
package import Transport

/// Asks a rate-limit service (RLS v3) about every call, over one connection of this worker's own.
///
/// A service that is slow or gone never holds a call longer than `timeout`; `when_unavailable` then decides.
package final class ServiceStore: LimitStore, StreamHandler {
    package unowned(unsafe) var delegate: (any LimitDelegate)?

    private lazy var ownReference = UnownedReference<any StreamHandler>(self)
    private let plan: StorePlan
    private let link: ServiceLink
    private var fallback: StoreFallback<MemoryStore>
    private unowned(unsafe) let context: WorkerContext
    private let domain: [UInt8]
    private let calls: Slab<Call>
    private var health = StoreHealth()
    private var message = ByteBuffer(capacity: 1024)
    private var answer = ByteBuffer(capacity: 256)
    /// Calls that wait for the connection.
    private var waiting: [Record<Call>] = []
    private static let waitingMax = 1024
    private static let answerBytesMax = 64 << 10

    /// One question on its way.
    struct Call {
        /// Holds the request until its answer is given; `nil` once it was, and for a probe.
        var request: LimitRequest?
        var stream: StreamPointer?
        var answer = ByteChain()
        var isFinished = false
        var isWaiting = false
        let timer: RecordTimer
        /// `nil` while no call has it.
        var store: Borrowed<ServiceStore>?
    }

    package init(_ plan: StorePlan, link: ServiceLink, fallback: MemoryStore, context: WorkerContext) {
        self.plan = plan
        self.link = link
        self.fallback = StoreFallback(plan.whenUnavailable, local: fallback)
        self.context = context
        domain = Array(plan.domain.utf8)
        calls = Slab(
            makeValue: { record in
                Call(
                    timer: RecordTimer(of: record.opaque) {
                        let call = Record<Call>(opaque: $0)
                        call.store?.callAsFunction { $0.timedOut(call) }
                    })
            },
            dispose: { $0.timer.deallocate() })
        link.opened = { [unowned self] in sendWaiting() }
        link.failed = { [unowned self] in failWaiting($0) }
    }

    package var needsValues: Bool { true }

    package func decide(_ request: LimitRequest, now: Instant, wall: WallTime) -> LimitAnswer {
        switch health.admit(now: now) {
        case .use: break
        case .skip: return .decided(withoutService(request))
        case .probe:
            // The call itself is the question: it did happen, so counting it is right.
            if let connection = link.ready() {
                if !send(begin(nil), request, on: connection) { health.probeFailed() }
            } else {
                health.probeFailed()
            }
            return .decided(withoutService(request))
        }
        if let connection = link.ready() {
            return send(begin(request), request, on: connection) ? .pending : .decided(withoutService(request))
        }
        guard link.isConnecting else {
            record(link.lastTrouble)
            return .decided(withoutService(request))
        }
        guard waiting.count < Self.waitingMax else { return .decided(withoutService(request)) }
        let call = begin(request)
        call.isWaiting = true
        waiting.append(call)
        return .pending
    }

    private func begin(_ request: LimitRequest?) -> Record<Call> {
        let call = calls.acquire()
        call.store = Borrowed(self)
        call.request = request
        call.isFinished = false
        call.isWaiting = false
        context.loop.timers.arm(call.timer, at: context.loop.now + plan.timeout)
        return call
    }

    // MARK: The question

    /// False where the connection takes no more: the call is over, and its owner has not been notified.
    private func send(_ call: Record<Call>, _ request: LimitRequest, on connection: ClientConnection) -> Bool {
        writeMessage(request)
        let stream: StreamPointer
        do throws(RequestRefusal) {
            stream = try connection.makeStream()
            try connection.submit(
                stream, writeHead(), ended: false, handler: ownReference, context: call.opaque)
        } catch {
            context.loop.timers.disarm(call.timer)
            release(call)
            return false
        }
        call.stream = stream
        connection.send(stream, message.readable)
        connection.finish(stream)
        return true
    }

    private func writeHead() -> FieldList {
        let scratch = context.fieldScratch
        scratch[0] = Field(":method", "POST", token: .method)
        scratch[1] = Field(":scheme", link.isSecure ? "https" : "http", token: .scheme)
        scratch[2] = Field(":path", RateLimitRequestWriter.path, token: .path)
        scratch[3] = link.authority.withUnsafeBufferPointer {
            Field(":authority", value: BorrowedBytes($0), token: .authority)
        }
        scratch[4] = Field("content-type", "application/grpc", token: .contentType)
        scratch[5] = Field("te", "trailers", token: .te)
        scratch[6] = link.timeoutText.withUnsafeBufferPointer {
            Field("grpc-timeout", value: BorrowedBytes($0), token: .grpcTimeout)
        }
        return FieldList(start: scratch.baseAddress, count: 7)
    }

    /// One descriptor a limit: `(limit, NAME)` and an entry for each key as it is written; or entries for rules of the service's own.
    private func writeMessage(_ request: LimitRequest) {
        message.removeAll()
        let frame = MessageFrame.begin(in: &message)
        domain.withUnsafeBytes { RateLimitRequestWriter.domain($0, into: &message) }
        for index in 0..<request.count {
            let limit = request.limit(at: index)
            let descriptor = RateLimitRequestWriter.beginDescriptor(in: &message)
            if !limit.isDecidedByService {
                limit.serviceEntry.withUnsafeBytes {
                    RateLimitRequestWriter.entry(key: Self.limitKey, value: $0, into: &message)
                }
            }
            for key in 0..<limit.keyCount {
                limit.serviceKeys[key].withUnsafeBytes {
                    RateLimitRequestWriter.entry(key: $0, value: request.value(at: index, key: key), into: &message)
                }
            }
            if !limit.isDecidedByService {
                RateLimitRequestWriter.override(
                    requestsPerUnit: UInt32(clamping: limit.rule.count), unit: RateLimitUnit(limit.rule.window.unit),
                    into: &message)
            }
            if request.hits(at: index) != 1 {
                RateLimitRequestWriter.descriptorHitsAddend(request.hits(at: index), into: &message)
            }
            RateLimitRequestWriter.endDescriptor(descriptor, in: &message)
        }
        MessageFrame.end(at: frame, in: &message)
    }

    private static var limitKey: BorrowedBytes { BorrowedBytes("limit") }

    private func sendWaiting() {
        let calls = waiting
        waiting = []
        for call in calls {
            call.isWaiting = false
            guard let request = call.request, let connection = link.ready() else {
                finish(call)
                continue
            }
            guard !send(call, request, on: connection) else { continue }
            _ = withoutService(request)
            delegate?.limitDecided(request)
        }
    }

    private func failWaiting(_ trouble: StoreTrouble) {
        let calls = waiting
        waiting = []
        // Unreachability is reported once a call needs the store; a fault with a status is reported at once.
        if !calls.isEmpty || trouble.code != nil { record(trouble) }
        for call in calls {
            call.isWaiting = false
            finish(call)
        }
    }

    // MARK: The answer

    /// The call of a stream; every stream of the link has one until it is closed.
    private func call(_ stream: StreamPointer) -> Record<Call>? { stream.context.map { Record(opaque: $0) } }

    package func streamHead(_ stream: StreamPointer, ended: Bool) {
        if ended { streamEnded(stream) }
    }

    package func streamData(_ stream: StreamPointer, _ slice: BufferSlice) {
        stream.connection { $0.consumed(stream, slice.count) }
        guard let call = call(stream), call.answer.count + slice.count <= Self.answerBytesMax else { return }
        call.answer.append(slice.bytes, from: context.chunks)
    }

    package func streamEnded(_ stream: StreamPointer) {
        guard let call = call(stream) else { return }
        let status = AnswerStatus(stream.fields, from: 0).code
        guard status == .ok, readAnswer(call) else {
            // The service's deadline expired just before ours.
            if status == .deadlineExceeded { missed() } else { record(Self.trouble(status)) }
            return finish(call)
        }
        health.answered()
        record(nil)
        conclude(call)
    }

    /// False where the answer is no valid message.
    private func readAnswer(_ call: Record<Call>) -> Bool {
        answer.removeAll()
        call.answer.move(call.answer.count, to: &answer, pool: context.chunks)
        guard let frame = ReceivedFrame(header: answer.readable), !frame.isCompressed,
            frame.payloadBytes.exactly(as: Int.self) == answer.count - MessageFrame.headerBytes,
            let response = try? RateLimitResponse(
                BorrowedBytes(rebasing: answer.readable[MessageFrame.headerBytes...])),
            response.overallCode != .unknown
        else { return false }
        guard let request = call.request else { return true }
        var index = 0
        response.forEachStatus { status in
            guard index < request.count else { return }
            let reset = status.nanosecondsUntilReset ?? 0
            let isAllowed = status.code != .overLimit
            request.setVerdict(
                LimitVerdict(
                    isAllowed: isAllowed, limit: status.currentLimit?.requestsPerUnit.clamped(as: UInt64.self) ?? 0,
                    remaining: status.limitRemaining.clamped(as: UInt64.self), retryAfterNanoseconds: isAllowed ? 0 : reset,
                    resetAfterNanoseconds: reset, windowSeconds: status.currentLimit?.unit.seconds ?? 0), at: index)
            index += 1
        }
        request.conclude(isCharged: response.overallCode == .ok, source: .service)
        return true
    }

    package func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) {
        guard let call = call(stream) else { return }
        call.stream = nil
        guard !call.isFinished else { return release(call) }
        record(reason == .connectionLost ? link.lastTrouble : .refusing("a reset"))
        finish(call)
    }

    /// The store is no longer used: what still runs is reset without notice. Only probes do: no call waits by then.
    package func shutDown() {
        link.shutDown()
        calls.forEachRecord { call in
            guard call.store != nil else { return }
            assert(call.request == nil)
            // The wheel outlives this store, and must not find its timers.
            context.loop.timers.disarm(call.timer)
            release(call)
        }
    }

    // MARK: Without an answer

    private func timedOut(_ call: Record<Call>) {
        missed()
        if call.isWaiting { waiting.removeAll { $0 == call } }
        if let stream = call.stream {
            ClientConnection.callGivenUp(stream)
            stream.connection { $0.reset(stream, .cancel) }
        }
        finish(call)
    }

    /// The service did not decide: `when_unavailable` applies.
    private func finish(_ call: Record<Call>) {
        if let request = call.request {
            _ = withoutService(request)
        } else {
            health.probeFailed()
        }
        conclude(call)
    }

    private func withoutService(_ request: LimitRequest) -> LimitOutcome {
        fallback.decide(request, now: context.loop.now, wall: context.loop.wall)
    }

    // MARK: Trouble

    private func missed() {
        health.timedOut(now: context.loop.now)
        if health.isSkipping { record(.silent) }
    }

    private func record(_ trouble: StoreTrouble?) {
        if health.record(trouble, now: context.loop.now) { delegate?.limitStoreChanged(trouble) }
    }

    private static func trouble(_ status: StatusCode?) -> StoreTrouble {
        guard let status, status != .ok else { return .refusing("an answer of another shape") }
        return .refusing("\(status.name)")
    }

    /// A service that did not answer is probed with a call, because a probe of its own would be counted.
    package func probe(now: Instant) -> Bool {
        switch health.trouble {
        case nil: return false
        case .unreachable, .insecure:
            if !health.isSkipping, link.ready() != nil { record(nil) }
        case .silent, .notAdmitted, .refusing: break
        }
        return true
    }

    /// Returns the request, which ends the call but for its stream.
    private func conclude(_ call: Record<Call>) {
        guard !call.isFinished else { return }
        call.isFinished = true
        context.loop.timers.disarm(call.timer)
        if let request = call.request {
            call.request = nil
            if call.stream == nil { release(call) }
            delegate?.limitDecided(request)
        } else if call.stream == nil {
            release(call)
        }
    }

    private func release(_ call: Record<Call>) {
        call.request = nil
        call.stream = nil
        call.answer.removeAll(pool: context.chunks)
        call.store = nil
        calls.release(call)
    }
}

extension RateLimitUnit {
    init(_ unit: LimitWindow.Unit) {
        switch unit {
        case .second: self = .second
        case .minute: self = .minute
        case .hour: self = .hour
        case .day: self = .day
        case .week: self = .week
        case .month: self = .month
        }
    }
}
