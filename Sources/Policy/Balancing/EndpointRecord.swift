internal import Synchronization
internal import Time

/// What the whole process knows of an endpoint's health. Read by every worker, without a lock.
package final class EndpointRecord: Sendable {
    package let name: String
    package let breaker: ErrorBreaker?
    /// Why it is not to get calls; zero while it is well.
    private let faults: Atomic<UInt8>
    private let succeeded = Atomic<Int>(0)
    private let failed = Atomic<Int>(0)
    private let failuresInARow = Atomic<Int>(0)
    private let gatewayFailuresInARow = Atomic<Int>(0)
    private let localFailuresInARow = Atomic<Int>(0)
    let ejection = Mutex(Ejection())

    struct Ejection {
        var until = Instant(nanoseconds: 0)
        /// In a row: it falls with each interval that the endpoint spends well.
        var count = 0
        var total = 0
    }

    private enum Fault {
        static let ejected: UInt8 = 1
        static let failedCheck: UInt8 = 2
        static let unchecked: UInt8 = 4
    }

    init(_ name: String, breaker: ErrorBreaker?, isUnchecked: Bool) {
        self.name = name
        self.breaker = breaker
        faults = Atomic(isUnchecked ? Fault.unchecked : 0)
    }

    package var isHealthy: Bool { faults.load(ordering: .relaxed) == 0 }
    package var isEjected: Bool { faults.load(ordering: .relaxed) & Fault.ejected != 0 }
    package var hasFailedCheck: Bool { faults.load(ordering: .relaxed) & Fault.failedCheck != 0 }
    /// No check has come to a verdict yet.
    package var isUnchecked: Bool { faults.load(ordering: .relaxed) & Fault.unchecked != 0 }
    package var ejectionTotal: Int { ejection.withLock { $0.total } }

    /// What a health check has found out. True where that is news.
    @discardableResult
    package func setCheck(isPassed: Bool) -> Bool {
        let former = faults.load(ordering: .relaxed)
        if isPassed {
            faults.bitwiseAnd(~(Fault.failedCheck | Fault.unchecked), ordering: .relaxed)
        } else {
            faults.bitwiseOr(Fault.failedCheck, ordering: .relaxed)
            faults.bitwiseAnd(~Fault.unchecked, ordering: .relaxed)
        }
        return former != faults.load(ordering: .relaxed)
    }

    func setEjected(_ isEjected: Bool) {
        if isEjected {
            faults.bitwiseOr(Fault.ejected, ordering: .relaxed)
        } else {
            faults.bitwiseAnd(~Fault.ejected, ordering: .relaxed)
        }
    }

    /// Counts an attempt. True where it was one failure in a row too many.
    func count(_ outcome: AttemptOutcome, _ settings: OutlierSettings) -> Bool {
        guard outcome.isFailure else {
            succeeded.wrappingAdd(1, ordering: .relaxed)
            for counter in 0..<3 { reset(counter) }
            return false
        }
        failed.wrappingAdd(1, ordering: .relaxed)
        var isOver = reaches(failuresInARow, settings.consecutiveFailures)
        if outcome == .failure {
            reset(1)
        } else {
            isOver = reaches(gatewayFailuresInARow, settings.consecutiveGatewayFailures) || isOver
        }
        if outcome == .localFailure {
            isOver = reaches(localFailuresInARow, settings.consecutiveLocalFailures) || isOver
        } else {
            reset(2)
        }
        return isOver
    }

    private func reaches(_ counter: borrowing Atomic<Int>, _ limit: Int) -> Bool {
        let count = counter.wrappingAdd(1, ordering: .relaxed).newValue
        return limit > 0 && count >= limit
    }

    private func reset(_ counter: Int) {
        // A store is a shared write: only where there is something to forget.
        switch counter {
        case 0: if failuresInARow.load(ordering: .relaxed) != 0 { failuresInARow.store(0, ordering: .relaxed) }
        case 1: if gatewayFailuresInARow.load(ordering: .relaxed) != 0 { gatewayFailuresInARow.store(0, ordering: .relaxed) }
        default: if localFailuresInARow.load(ordering: .relaxed) != 0 { localFailuresInARow.store(0, ordering: .relaxed) }
        }
    }

    func forgetFailures() { for counter in 0..<3 { reset(counter) } }

    /// The interval's counts, which begin anew.
    func takeSample() -> OutlierSweep.Sample {
        OutlierSweep.Sample(
            succeeded: succeeded.exchange(0, ordering: .relaxed), failed: failed.exchange(0, ordering: .relaxed))
    }
}
