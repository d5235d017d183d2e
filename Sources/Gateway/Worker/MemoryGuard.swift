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
    var isFull: Bool { context.chunks.bytesInUse >= current.snapshot.memory.workerBytesMax }

    /// Bytes were queued on `stream`: where its connection, or the worker, holds too much, the stream that holds most ends.
    @inline(__always)
    func checkMemory(after stream: StreamPointer) {
        let limits = current.snapshot.memory
        Connection.with(stream) { connection in
            guard connection.queuedBytes > limits.connectionBytesMax || context.chunks.bytesInUse > limits.workerBytesMax else {
                return
            }
            endLargest(on: connection)
        }
    }

    private func endLargest(on connection: Connection) {
        metrics.count(.overload)
        guard let stream = connection.largestStream else { return }
        connection.reset(stream, .enhanceYourCalm)
    }
}
