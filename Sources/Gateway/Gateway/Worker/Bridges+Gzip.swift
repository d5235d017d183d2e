internal import Bridging
internal import Bytes
internal import Calls
internal import Filters
internal import HTTPModel
internal import Reactor
internal import Routing
internal import Transport

/// Bodies of plain HTTP that are compressed on their way to the caller.
extension Bridges {
    /// False where too many are compressed already, or memory is short: the answer goes as it is then.
    func beginGzip(_ call: Record<Call>) -> Bool {
        guard worker.filters.services.admission.pressure == .none else { return false }
        // The head alone is told.
        if call.facts.method.equals("HEAD") { return true }
        guard let deflater = compression.takeDeflater() else { return false }
        call.compressor = AnswerCompressor(deflater)
        return true
    }

    /// More of the answer's body has arrived.
    func compress(_ call: Record<Call>, _ stream: StreamPointer, _ bytes: BorrowedBytes) {
        guard let compressor = call.compressor else { return }
        if !compressor.isHolding {
            if holding.isEmpty { worker.context.loop.markDirty(self) }
            holding.append((call, compressor))
        }
        compressor.compress(bytes, into: &compression.plain)
        // What is sent counts, not what has arrived.
        call.outcome.responseBytes -= bytes.count
        sendCompressed(call)
        // The call may have held more than there is memory for.
        guard call.machine.isUnderWay else { return }
        let due = compressor.flow.take(0)
        if due > 0 { call.giveBackAnswer(stream, due) }
    }

    /// The body is complete.
    func endGzip(_ call: Record<Call>) {
        call.compressor?.end(into: &compression.plain)
        sendCompressed(call)
    }

    private func sendCompressed(_ call: Record<Call>) {
        guard !compression.plain.isEmpty else { return }
        let downstream = call.downstream
        call.outcome.responseBytes += compression.plain.count
        downstream.connection { $0.send(downstream, compression.plain.readable) }
        compression.emptyPlain()
        worker { $0.checkMemory(after: downstream) }
    }

    /// The caller's socket took so much of the answer: the upstream may send as much again.
    func gzipDrained(_ call: Record<Call>, _ count: Int) {
        guard let due = call.compressor?.flow.take(count), due > 0, let stream = call.upstream else { return }
        call.giveBackAnswer(stream, due)
    }

    func releaseGzip(_ compressor: AnswerCompressor) { compression.give(compressor.deflater) }
}

extension Bridges: Flushable {
    /// The end of a tick: what an upstream has sent so far is not held back until it sends more.
    func flush() {
        let paused = holding
        holding.removeAll(keepingCapacity: true)
        for (call, compressor) in paused where compressor.isHolding {
            // The record may be another call's by now.
            guard let current = call.compressor, current === compressor, call.machine.isUnderWay else { continue }
            compressor.flush(into: &compression.plain)
            sendCompressed(call)
        }
    }
}
