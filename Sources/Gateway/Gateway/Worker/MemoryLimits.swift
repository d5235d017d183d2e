internal import Bridging
internal import Bytes
internal import Filters
internal import GRPC
package import GatewayModel
internal import HTTPModel
internal import Snapshots
internal import Transport

/// What bodies may hold on one worker (`MemoryLimits`), held.
extension GatewayWorker {
    /// Bytes were queued on `stream`: where its connection holds too much, the call that holds most of that ends, and
    /// where the worker does, the one that holds most of all.
    @inline(__always)
    func checkMemory(after stream: StreamPointer) {
        let limits = memoryLimits
        stream.connection { connection in
            if connection.queuedBytes > limits.connectionBytesMax { endLargest(of: connection, isUpstream: false) }
        }
        checkMemory()
    }

    /// The same for a connection to an upstream.
    @inline(__always)
    func checkMemory(afterUpstream stream: StreamPointer) {
        let limits = memoryLimits
        stream.connection { connection in
            if connection.queuedBytes > limits.connectionBytesMax { endLargest(of: connection, isUpstream: true) }
        }
        checkMemory()
    }

    /// Streams to an upstream belong to attempts, and some of those to mirrors.
    private func endLargest(of connection: Connection, isUpstream: Bool) {
        guard let context = connection.largestStream?.context else { return }
        guard isUpstream else { return shed(Record<Call>(opaque: context)) }
        let attempt = Record<Attempt>(opaque: context)
        guard case .call(let call) = attempt.purpose else { return mirrors.shed(attempt) }
        shed(call)
    }

    /// Bytes were kept.
    @inline(__always)
    func checkMemory() {
        if chunks.bytesInUse > memoryLimits.workerBytesMax { endLargest() }
    }

    private func endLargest() {
        if mirrors.shedLargest() { return }
        var largest: Record<Call>?
        var most = 0
        calls.records.forEachRecord { call in
            guard call.heldBytes > most else { return }
            most = call.heldBytes
            largest = call
        }
        if let largest { shed(largest) }
    }

    private func shed(_ call: Record<Call>) {
        metrics.count(.overload)
        calls.shed(call)
    }
}

extension Record<Call> {
    /// Bytes of bodies that wait for it, in either direction.
    fileprivate var heldBytes: Int {
        self.body.count + self.downstream.outbound.count + (self.upstream?.outbound.count ?? 0)
            + (self.compressor == nil ? 0 : BodyDeflater.bytes)
    }
}
