internal import Synchronization
package import Time

/// What guards a cluster: each part works only where it is configured.
package struct GuardSettings: Sendable, Equatable {
    /// For calls of default and of high priority; they are counted together.
    package var limits: CircuitLimits?
    package var highLimits: CircuitLimits?
    package var errors: BreakerSettings?
    package var endpointErrors: BreakerSettings?
    package var outliers: OutlierSettings?
    /// For clusters whose calls may be tried again, or hedged; each counts its own.
    package var retryBudget: RetryBudget?
    package var hedgeBudget: RetryBudget?
    /// Endpoints get no calls before a check has passed, as long as others have.
    package var hasHealthCheck = false

    package init() {}

    /// What is under way is counted.
    package var countsUsage: Bool { limits != nil || retryBudget != nil || hedgeBudget != nil }

    /// Those that a call is held to; `nil` where there are none.
    package func limits(isHighPriority: Bool) -> CircuitLimits? { isHighPriority ? highLimits ?? limits : limits }
}

/// What the whole process knows of a cluster: one for all workers.
package final class ClusterRecord: Sendable {
    package let name: String
    package let settings: GuardSettings
    package let usage = CircuitUsage()
    package let breaker: ErrorBreaker?
    private let endpoints = Mutex<[String: Entry]>([:])
    private let listener = Mutex<(@Sendable () -> Void)?>(nil)

    private struct Entry {
        let record: EndpointRecord
        var users = 0
    }

    package init(_ name: String, _ settings: GuardSettings) {
        self.name = name
        self.settings = settings
        breaker = settings.errors.map { ErrorBreaker($0) }
    }

    /// Whether what becomes of attempts is of interest.
    package var observes: Bool { breaker != nil || settings.endpointErrors != nil || settings.outliers != nil }

    /// Called, on any thread, when an endpoint's health changed and workers should look.
    package func onChange(_ body: (@Sendable () -> Void)?) { listener.withLock { $0 = body } }

    package func announceChange() {
        let body = listener.withLock { $0 }
        body?()
    }

    // MARK: Endpoints

    /// The record of an endpoint, until `release` was called as often.
    package func retain(_ name: String) -> EndpointRecord {
        endpoints.withLock { endpoints in
            var entry =
                endpoints[name]
                ?? Entry(
                    record: EndpointRecord(
                        name, breaker: settings.endpointErrors.map { ErrorBreaker($0) }, isUnchecked: settings.hasHealthCheck))
            entry.users += 1
            endpoints[name] = entry
            return entry.record
        }
    }

    package func release(_ record: EndpointRecord) {
        endpoints.withLock { endpoints in
            guard var entry = endpoints[record.name], entry.record === record else { return }
            entry.users -= 1
            endpoints[record.name] = entry.users > 0 ? entry : nil
        }
    }

    /// In the order of their names.
    package var records: [EndpointRecord] {
        endpoints.withLock { $0.values.map(\.record) }.sorted { $0.name < $1.name }
    }

    // MARK: Outcomes

    /// An attempt that began at `began` has ended. True where an endpoint's health has changed.
    package func record(_ outcome: AttemptOutcome, of endpoint: EndpointRecord, began: Instant, now: Instant) -> Bool {
        breaker?.record(isFailure: outcome.isFailure, began: began, now: now)
        endpoint.breaker?.record(isFailure: outcome.isFailure, began: began, now: now)
        guard let outliers = settings.outliers, endpoint.count(outcome, outliers) else { return false }
        return eject(endpoint, outliers, now)
    }

    /// The end of an interval: members that have been ejected long enough return, outliers are ejected. True where any did.
    package func sweep(now: Instant) -> Bool {
        guard let outliers = settings.outliers else { return false }
        let records = records
        var isChanged = false
        for record in records {
            let isOver = record.ejection.withLock { ejection in
                guard record.isEjected else {
                    ejection.count = max(0, ejection.count - 1)
                    return false
                }
                return ejection.until <= now
            }
            guard isOver else { continue }
            record.forgetFailures()
            record.setEjected(false)
            isChanged = true
        }
        let samples = records.map { $0.takeSample() }
        for index in OutlierSweep.outliers(samples, outliers) where eject(records[index], outliers, now) { isChanged = true }
        return isChanged
    }

    /// False where it is ejected already, or too many are.
    private func eject(_ record: EndpointRecord, _ outliers: OutlierSettings, _ now: Instant) -> Bool {
        endpoints.withLock { endpoints in
            guard !record.isEjected else { return false }
            let ejected = endpoints.values.count { $0.record.isEjected }
            guard ejected == 0 || (ejected + 1) * 100 <= outliers.maxEjectionPercent * endpoints.count else { return false }
            record.ejection.withLock { ejection in
                ejection.count += 1
                ejection.total += 1
                ejection.until = now + outliers.ejectionTime(ejection.count)
            }
            record.forgetFailures()
            record.setEjected(true)
            return true
        }
    }
}

extension ClusterRecord: Equatable {
    package static func == (left: ClusterRecord, right: ClusterRecord) -> Bool { left === right }
}

/// The records of all clusters of the process, by name; they outlive configurations that say the same of a cluster.
package final class ClusterRegistry: Sendable {
    /// As many of a name as there were settings for it.
    private let clusters = Mutex<[String: [ClusterRecord]]>([:])

    package init() {}

    package func record(_ name: String, _ settings: GuardSettings) -> ClusterRecord {
        clusters.withLock { clusters in
            if let known = clusters[name]?.first(where: { $0.settings == settings }) { return known }
            let record = ClusterRecord(name, settings)
            clusters[name, default: []].append(record)
            return record
        }
    }
}
