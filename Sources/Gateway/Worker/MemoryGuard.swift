internal import Bytes
internal import GRPC
internal import HTTP2
internal import HTTPModel
internal import Transport

/// What bodies may hold on one worker: its share of the process's cap, and the cap of each connection.
///
/// Every queue has its own bound already (streams × stream window); these are for many of them together.
package struct MemoryGuard: Sendable, Equatable {
    /// Bytes of bodies that wait on this worker.
    package var workerBytesMax: Int
    /// Bytes of bodies that wait to be sent on one connection.
    package var connectionBytesMax: Int

    package init(_ memory: MemoryConfiguration, workers: Int) {
        workerBytesMax = memory.process / max(1, workers)
        connectionBytesMax = memory.connection
    }
}

extension GatewayWorker {
    /// At the cap no new exchange is begun.
    var isFull: Bool { chunks.bytesInUse >= memoryLimits.workerBytesMax }

    /// Bytes were queued on `stream`: where its connection holds too much, the stream that holds most of that ends, and
    /// where the worker does, the one that holds most of all.
    @inline(__always)
    func checkMemory(after stream: StreamPointer) {
        let limits = memoryLimits
        Connection.with(stream) { connection in
            if connection.queuedBytes > limits.connectionBytesMax { endLargest(connection.largestStream) }
        }
        if chunks.bytesInUse > limits.workerBytesMax { endLargest(largestStream) }
    }

    private func endLargest(_ stream: StreamPointer?) {
        guard let stream, !stream.pointee.outbound.isEmpty else { return }
        metrics.count(.overload)
        Connection.with(stream) { $0.reset(stream, .enhanceYourCalm) }
    }

    /// Of all streams, on either side.
    private var largestStream: StreamPointer? {
        var largest: StreamPointer?
        exchanges.forEachRecord { exchange in
            for case let stream? in [exchange.pointee.downstream, exchange.pointee.upstream]
            where stream.pointee.outbound.count > largest?.pointee.outbound.count ?? 0 {
                largest = stream
            }
        }
        return largest
    }
}
