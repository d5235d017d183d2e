package import Time

/// Decides for a store that is slow or gone, as `when_unavailable` says, and counts how often.
///
/// `Local` is the store in this process's memory that counts for `when_unavailable: local`. Pure.
package struct StoreFallback<Local> {
    private let local: Local
    private let whenUnavailable: StoreConfiguration.WhenUnavailable
    package private(set) var decisionCount: UInt64 = 0

    package init(_ whenUnavailable: StoreConfiguration.WhenUnavailable, local: Local) {
        self.whenUnavailable = whenUnavailable
        self.local = local
    }

    package enum Decision {
        /// Not counted.
        case allowed
        /// Not counted, and not the caller's fault.
        case unavailable
        case counted(by: Local)
    }

    package mutating func decide() -> Decision {
        decisionCount += 1
        switch whenUnavailable {
        case .allow: return .allowed
        case .deny: return .unavailable
        case .local: return .counted(by: local)
        }
    }
}

extension StoreFallback where Local == MemoryStore {
    /// - Parameters:
    ///   - remembered: where counters stood when the store last answered: counting goes on from there.
    ///   - gateways: how many processes count for themselves: each lets a share of every limit pass, but always the first hits of a
    ///     counter.
    @discardableResult
    package mutating func decide(
        _ request: LimitRequest, remembered: RememberedCounters? = nil, gateways: UInt64 = 1, now: Instant, wall: WallTime
    ) -> LimitOutcome {
        switch decide() {
        case .allowed: request.outcome = .uncounted(.allowed)
        case .unavailable: request.outcome = .uncounted(.unavailable)
        case .counted(let memory):
            if let remembered { remembered.raiseTables(of: request, now: now, wall: wall) }
            request.count(in: max(gateways, 1)) { memory.judge(request, now: now, wall: wall, source: .fallback) }
        }
        return request.outcome
    }
}

extension LimitRequest {
    /// Has every hit counted `gateways` times meanwhile: as if each of as many processes let the same calls pass.
    fileprivate func count(in gateways: UInt64, _ judge: () -> LimitOutcome) {
        guard gateways > 1 else {
            _ = judge()
            return
        }
        for index in 0..<count {
            let hits = slots[index].hits
            slots[index].single = hits
            // Calls in flight are those of this process.
            if limit(at: index).algorithm == .concurrency { continue }
            let capacity = limit(at: index).capacity
            slots[index].hits = min(hits.multipliedReportingOverflow(by: gateways).partialValue, max(hits, capacity))
        }
        _ = judge()
        for index in 0..<count {
            slots[index].hits = slots[index].single
            if slots[index].verdict.isKnown, limit(at: index).algorithm != .concurrency {
                slots[index].verdict.remaining /= gateways
            }
        }
    }
}
