package import GatewayModel

/// What bodies may hold on one worker: its share of the process's cap, and the cap of each connection.
///
/// Every queue has its own bound already (streams × stream window); these are for many of them together.
package struct MemoryLimits: Sendable, Equatable {
    /// Bytes of bodies that wait on this worker.
    package var workerBytesMax: Int
    /// Bytes of bodies that wait to be sent on one connection.
    package var connectionBytesMax: Int
    /// While more waits on this worker, no body that has been sent is kept for another attempt.
    package var replayBytesMax: Int

    package init(_ memory: MemoryConfiguration, workers: Int) {
        workerBytesMax = memory.process / max(1, workers)
        connectionBytesMax = memory.connection
        replayBytesMax = memory.replay / max(1, workers)
    }
}
