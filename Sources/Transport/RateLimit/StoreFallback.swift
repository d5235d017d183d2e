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
    @discardableResult
    package mutating func decide(_ request: LimitRequest, now: Instant, wall: WallTime) -> LimitOutcome {
        switch decide() {
        case .allowed: request.outcome = .uncounted(.allowed)
        case .unavailable: request.outcome = .uncounted(.unavailable)
        case .counted(let memory): memory.judge(request, now: now, wall: wall, source: .fallback)
        }
        return request.outcome
    }
}
