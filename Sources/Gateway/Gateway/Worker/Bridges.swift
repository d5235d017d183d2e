internal import Bridging
internal import Bytes
internal import Calls
internal import Filters
internal import GRPC
internal import HTTPModel
internal import Routing
internal import Snapshots
internal import Transcoding
internal import Transport

/// Builds the bridges of calls whose callers do not speak gRPC, and passes bodies, the answer's head and its end over them. Native calls have
/// none.
///
/// One per worker: it keeps what converting needs between calls.
final class Bridges {
    private(set) var worker = BackReference<GatewayWorker>()
    /// Of calls that are over, for the next ones.
    private var idlePairs: [TranscoderPair] = []
    /// A status in JSON, or the message of a query; used within one event.
    var text = ByteBuffer(capacity: 256)
    var compression = CompressionPool()
    /// Whose compressed bodies wait for the end of the tick.
    var holding: [(call: Record<Call>, compressor: AnswerCompressor)] = []
    var end = CallEnd()

    private static let idlePairsMax = 64

    func bind(to worker: GatewayWorker) {
        self.worker.bind(to: worker)
        compression.memory = worker.chunks
    }

    /// Keeps the reason why a call cannot be converted until the filters have run: an unauthorized caller learns nothing of it, and the call counts
    /// for the limits.
    func keepFailure(of call: Record<Call>, _ cause: RefusalCause) {
        let bridge = call.bridge ?? Bridge(PassingConverter())
        call.bridge = bridge
        if bridge.failure == nil { bridge.failure = cause }
    }

    // MARK: Transcoders

    func pair(for plan: TranscodingPlan) -> TranscoderPair {
        guard let index = idlePairs.lastIndex(where: { $0.plan === plan }) else { return TranscoderPair(plan) }
        return idlePairs.remove(at: index)
    }

    /// The call is over: its transcoders can serve another one. The oldest are dropped where too many are idle.
    func release(_ bridge: Bridge, serving snapshot: Snapshot) {
        bridge.giveBack(to: &compression)
        guard let pair = bridge.pair, snapshot.transcodings.contains(where: { $0 === pair.plan }) else { return }
        if idlePairs.count >= Self.idlePairsMax { idlePairs.removeFirst() }
        idlePairs.append(pair)
    }

    /// Schemas may have changed.
    func dropPairs() { idlePairs.removeAll() }
}

/// The request's way over a bridge.
extension Bridges {
    /// More of the request's body has arrived.
    func forward(_ call: Record<Call>, _ bridge: Bridge, _ bytes: BorrowedBytes) {
        guard bridge.failure == nil else {
            bridge.requestFlow.convert(bytes.count, to: 0)
            return requestDrained(call, bridge, 0)
        }
        if bridge.refusesBody, bytes.count > 0 { return failRequest(call, .bodyIsNotJSON) }
        do throws(ConversionFailure) {
            try bridge.convertRequest(bytes, &compression)
        } catch {
            bridge.output.removeAll()
            return failRequest(call, error.cause)
        }
        bridge.requestFlow.convert(bytes.count, to: bridge.output.count)
        forwardOutput(call, bridge)
        requestDrained(call, bridge, 0)
    }

    /// The request's body cannot be converted.
    private func failRequest(_ call: Record<Call>, _ cause: RefusalCause) {
        worker { $0.calls.handle(call, .unconvertible, .refusal(cause)) }
    }

    /// The request is complete; a cause where it cannot be.
    func endRequest(_ call: Record<Call>) -> RefusalCause? {
        guard let bridge = call.bridge, bridge.failure == nil else { return nil }
        do throws(ConversionFailure) {
            try bridge.convertRequestEnd(&compression)
        } catch {
            bridge.output.removeAll()
            return error.cause
        }
        bridge.requestFlow.convert(0, to: bridge.output.count)
        forwardOutput(call, bridge)
        return nil
    }

    private func forwardOutput(_ call: Record<Call>, _ bridge: Bridge) {
        guard !bridge.output.isEmpty else { return }
        worker { $0.upstream.forward(call, BufferSlice(bridge.output.readable)) }
        bridge.output.removeAll()
        bridge.output.shrink(to: Bridge.outputBytesKept)
    }

    /// The upstream's socket took so much of the request: the caller may send as much again.
    func requestDrained(_ call: Record<Call>, _ bridge: Bridge, _ count: Int) {
        let due = bridge.requestFlow.take(count)
        guard due > 0 else { return }
        call.giveBackRequest(due)
    }
}

/// The answer's way over a bridge, while it comes.
extension Bridges {
    /// The upstream has begun its answer.
    func beginAnswer(_ call: Record<Call>, _ bridge: Bridge, _ stream: StreamPointer, ended: Bool) {
        worker { _ = $0.calls.handle(call, .headKept) }
        bridge.recordEncoding(of: stream, to: call.downstream, &compression)
        // A call that ends with its head has nothing but an end.
        if ended { return endAnswer(call, bridge, stream, from: 0) }
        guard call.clientProtocol.answersWith200 else { return }
        sendStreamHead(call, bridge, from: stream)
    }

    /// More of the answer's body has arrived.
    func forwardAnswer(_ call: Record<Call>, _ bridge: Bridge, _ stream: StreamPointer, _ bytes: BorrowedBytes) {
        do throws(ConversionFailure) {
            try bridge.convertAnswer(bytes, headIsSent: call.machine.headIsSent, &compression)
        } catch {
            // What came before it is whole, and the caller's.
            sendHeldJSONHead(call, bridge, from: stream, hasFailed: true)
            // The caller may not have taken the head.
            guard call.machine.isUnderWay else { return }
            return worker { $0.calls.fail(call, error.cause) }
        }
        sendHeldJSONHead(call, bridge, from: stream, hasFailed: false)
        guard call.machine.isUnderWay else { return }
        bridge.compressOutput(isLast: false, &compression)
        if bridge.isHead { bridge.output.removeAll() }
        bridge.answerFlow.convert(bytes.count, to: bridge.output.count)
        sendOutput(call, bridge)
        let due = bridge.answerFlow.take(0)
        if due > 0 { call.giveBackAnswer(stream, due) }
    }

    func sendOutput(_ call: Record<Call>, _ bridge: Bridge) {
        guard !bridge.output.isEmpty else { return }
        let downstream = call.downstream
        if !bridge.isHead { downstream.connection { $0.send(downstream, bridge.output.readable) } }
        bridge.output.removeAll()
        bridge.output.shrink(to: Bridge.outputBytesKept)
        worker { $0.checkMemory(after: downstream) }
    }

    /// The caller's socket took so much of the answer: the upstream may send as much again.
    func answerDrained(_ call: Record<Call>, _ bridge: Bridge, _ count: Int) {
        let due = bridge.answerFlow.take(count)
        guard due > 0, let stream = call.upstream else { return }
        call.giveBackAnswer(stream, due)
    }
}
