internal import Bytes
internal import GRPC
internal import Metrics
internal import Transport

/// When a worker looks at how near the gateway is to its limits: two comparisons for each call, and nothing more while both are
/// small.
struct Admission {
    /// Above so many calls of its own. As long as every worker has fewer than its share, all together are below any pressure.
    private(set) var callsLook = Int.max
    /// Above so many bytes of bodies.
    private(set) var bytesLook = Int.max
    fileprivate private(set) var callsMax: Int?
    fileprivate private(set) var bytesMax = Int.max
    /// What the process's memory makes of it.
    fileprivate var resident = Pressure.none

    mutating func adopt(_ overload: OverloadConfiguration, _ memory: MemoryLimits, workers: Int) {
        callsMax = overload.calls
        bytesMax = memory.workerBytesMax
        bytesLook = Pressure.threshold(bytesMax)
        share = overload.calls.map { Pressure.threshold($0) / max(1, workers) } ?? .max
        if overload.memory == nil { resident = .none }
        setLook()
    }
    private var share = Int.max

    mutating func setResident(_ pressure: Pressure) {
        resident = pressure
        setLook()
    }

    private mutating func setLook() { callsLook = resident == .none ? share : 0 }
}

extension GatewayWorker {
    /// What a new call finds, itself among the calls.
    @inline(__always)
    var pressure: Pressure {
        guard exchanges.liveCount > admission.callsLook || chunks.bytesInUse >= admission.bytesLook else { return .none }
        return worstPressure
    }

    private var worstPressure: Pressure { max(callsPressure, bytesPressure, admission.resident) }

    private var callsPressure: Pressure { admission.callsMax.map { Pressure(overload.calls, of: $0) } ?? .none }

    /// With one byte of the new call's.
    private var bytesPressure: Pressure { Pressure(chunks.bytesInUse + 1, of: admission.bytesMax) }

    /// Why a call of this priority is not taken; `nil` where it is.
    func refusal(under pressure: Pressure, priority: RouteConfiguration.Priority) -> RefusalCause? {
        guard !pressure.takes(priority) else { return nil }
        metrics.count(
            !bytesPressure.takes(priority) ? .overload : !callsPressure.takes(priority) ? .overloadCalls : .overloadResident)
        return .overloaded(retryAfter: .seconds(1))
    }

    /// What the whole process takes of the machine's memory has come nearer to its limit, or gone farther from it.
    package func setResidentPressure(_ pressure: Pressure) { admission.setResident(pressure) }
}
