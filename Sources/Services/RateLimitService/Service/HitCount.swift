internal import RateLimit

/// What became of a descriptor's hits, as envoyproxy/ratelimit counts them: those within the limit, of them those near it, and those over
/// it.
struct HitCount: Equatable {
    var within: UInt64 = 0
    var near: UInt64 = 0
    var over: UInt64 = 0

    /// - Parameter isCharged: hits that fitted were; else another descriptor has refused the request.
    static func of(_ check: LimitDecision.Check, _ decision: LimitDecision, isCharged: Bool) -> HitCount {
        guard check.kind == .counted else { return HitCount(within: check.hits) }
        guard let verdict = decision.verdict(check) else { return HitCount() }
        let limit = UInt64(check.requests)
        let nearFrom = limit * UInt64(decision.tree?.answers.nearPercent ?? 100) / 100
        if verdict.isAllowed {
            guard isCharged else { return HitCount() }
            return HitCount(hits: check.hits, after: limit - min(verdict.remaining, limit), limit: limit, nearFrom: nearFrom)
        }
        guard decision.request.charging == .always else { return HitCount(over: check.hits) }
        return HitCount(
            hits: check.hits, after: decision.request.hitsAfter(at: check.slot), limit: limit, nearFrom: nearFrom)
    }

    private init(within: UInt64 = 0, over: UInt64 = 0) {
        self.within = within
        self.over = over
    }

    /// - Parameters:
    ///   - after: what the counter holds, these hits included.
    ///   - nearFrom: hits above it are near the limit.
    init(hits: UInt64, after: UInt64, limit: UInt64, nearFrom: UInt64) {
        let before = after - min(hits, after)
        guard after > limit else {
            within = hits
            near = after > nearFrom ? min(hits, after - nearFrom) : 0
            return
        }
        guard before < limit else {
            over = hits
            return
        }
        over = after - limit
        near = limit - max(nearFrom, before)
    }
}
