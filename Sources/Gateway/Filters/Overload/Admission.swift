package import Bytes
package import GRPC
package import GatewayModel
internal import Metrics
package import Snapshots
internal import Synchronization
internal import Transport

/// When a worker looks at how near the gateway is to its limits: two comparisons for each call, and nothing more while all is well.
package final class Admission {
    private let monitor: OverloadMonitor
    /// The monitor's.
    let callsLook: UnsafeMutablePointer<Atomic<Int>>
    /// From so many bytes of bodies on.
    private(set) var bytesLook = Int.max
    private var bytesMax = Int.max
    /// What the process's memory makes of it.
    private(set) var resident = Pressure.none
    private var callsMax: Int?
    /// A worker's, of as many calls as are free of pressure.
    private var share = Int.max
    private var workers: [OverloadMonitor.Part] = []

    private let chunks: ChunkPool
    private let calls: Slab<Call>
    private let metrics: WorkerMetrics

    package init(_ monitor: OverloadMonitor, chunks: ChunkPool, calls: Slab<Call>, metrics: WorkerMetrics) {
        self.monitor = monitor
        self.chunks = chunks
        self.calls = calls
        self.metrics = metrics
        callsLook = monitor.callsLook
    }

    package func adopt(_ overload: OverloadConfiguration, _ memory: MemoryLimits) {
        callsMax = overload.calls
        share = overload.calls.map { Pressure.threshold($0) / max(1, monitor.workers) } ?? .max
        callsLook.pointee.store(share, ordering: .relaxed)
        bytesMax = memory.workerBytesMax
        setResident(overload.memory == nil ? .none : resident)
    }

    /// What the whole process takes of the machine's memory has come nearer to its limit, or gone farther from it.
    package func setResident(_ pressure: Pressure) {
        resident = pressure
        bytesLook = pressure == .none ? Pressure.threshold(bytesMax) : 0
    }

    /// Of the calls of all workers.
    private func look() -> Pressure {
        guard let callsMax else { return .none }
        // All have come before the first call.
        if workers.count < monitor.workers { workers = monitor.registered }
        var (sum, most) = (0, 0)
        for worker in workers {
            let calls = worker.calls
            sum += calls
            most = max(most, calls)
        }
        callsLook.pointee.store(most > share ? 0 : share, ordering: .relaxed)
        return Pressure(sum, of: callsMax)
    }

    /// What a new call finds, itself among the calls.
    @inline(__always)
    package var pressure: Pressure {
        if calls.liveCount > callsLook.pointee.load(ordering: .relaxed) { return worstPressure }
        return chunks.bytesInUse >= bytesLook ? worstPressure : .none
    }

    /// Not even a head is read; what the call is refused with says `refusal`.
    package var isFull: Bool { pressure.rawValue == Pressure.full.rawValue }

    private var worstPressure: Pressure { max(look(), bytesPressure, resident) }

    /// With one byte of the new call's.
    private var bytesPressure: Pressure { Pressure(chunks.bytesInUse + 1, of: bytesMax) }

    /// Why a call of this priority is not taken; `nil` where it is.
    package func refusal(under pressure: Pressure, priority: RouteConfiguration.Priority) -> RefusalCause? {
        guard !pressure.takes(priority) else { return nil }
        metrics.count(
            !bytesPressure.takes(priority)
                ? .overload : !resident.takes(priority) ? .overloadResident : .overloadCalls)
        return .overloaded(retryAfter: .seconds(1))
    }
}
