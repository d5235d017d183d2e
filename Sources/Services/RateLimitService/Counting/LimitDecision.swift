internal import Bytes
internal import GRPC
internal import Metrics
internal import RateLimit
internal import Time
internal import Transport

/// One request on its way through a store: what was found for each descriptor, and the limits that the store is asked.
///
/// Made ready by the service, decided by the store, written as the answer; then used again. Owned by one worker.
package final class LimitDecision {
    /// What applies to one descriptor.
    struct Check {
        /// In `tree`; -1 for a limit of the request's own, or for none.
        var rule = -1
        var kind = Kind.none
        var requests: UInt32 = 0
        var unit = RateLimitUnit.unknown
        /// Of its windows.
        var seconds: UInt64 = 0
        var isShadow = false
        var isQuota = false
        /// Of those with `isQuota` that refuse together the first, by its place among the checks.
        var quotaGroup = 0
        /// Where its hits are counted for metrics.
        var row: CounterRow?
        var hits: UInt64 = 0
        /// In `request`; of meaning only where `kind` is `counted`.
        var slot = 0

        /// Of the rule with this number.
        mutating func apply(_ number: Int, of tree: RuleTree) {
            tree.rules.withUnsafeBufferPointer { rules in
                let rule = rules.baseAddress! + number
                self.rule = number
                kind = rule.pointee.isUnlimited ? .unlimited : .counted
                requests = rule.pointee.requests
                unit = rule.pointee.unit
                seconds = rule.pointee.seconds
                isShadow = rule.pointee.isShadow
                isQuota = rule.pointee.isQuota
            }
        }
    }

    enum Kind { case none, unlimited, counted }

    var tree: RuleTree?
    var checks: [Check] = []
    /// The limits that are counted, in the order of `checks`.
    private(set) var request: LimitRequest
    private let keepsValues: Bool
    private var limitsMax = LimitRequest.limitsMax
    /// Limits of the request's own, which no tree holds.
    var overrides: [Limit] = []
    var call: CallReference?
    /// In place of a call.
    var waiter: (any LimitWaiter)?
    /// In seconds since the epoch.
    var second: UInt64 = 0
    /// Where it is counted, and when it began.
    var row: CounterRow?
    var began = Instant(nanoseconds: 0)

    /// - Parameter keepsValues: as its store needs it.
    init(keepsValues: Bool) {
        self.keepsValues = keepsValues
        request = LimitRequest(keepsValues: keepsValues)
    }

    /// Before the first limit.
    ///
    /// - Parameter limits: how many there may be.
    func begin(limits: Int, charging: LimitRequest.Charging) {
        if limits > limitsMax {
            limitsMax = LimitQuery.descriptorsMax
            request = LimitRequest(keepsValues: keepsValues, limitsMax: limitsMax)
        }
        request.reset(charging: charging)
        request.context = Unmanaged.passUnretained(self).toOpaque()
    }

    /// The decision that `begin` made a request for.
    static func of(_ request: LimitRequest) -> LimitDecision? {
        request.context.map { Unmanaged<LimitDecision>.fromOpaque($0).takeUnretainedValue() }
    }

    func reset() {
        tree = nil
        checks.removeAll(keepingCapacity: true)
        overrides.removeAll(keepingCapacity: true)
        call = nil
        waiter = nil
        row = nil
    }

    // MARK: What became of it

    enum Outcome {
        case counted
        /// Not counted, and that means OK.
        case allowed
        /// Not counted, and the caller is told so.
        case unavailable
    }

    var outcome: Outcome {
        guard request.count > 0, request.outcome.source == .none else { return .counted }
        return request.outcome.decision == .unavailable ? .unavailable : .allowed
    }

    /// The store did not answer: this process alone has counted.
    var isLocal: Bool { request.count > 0 && request.outcome.source == .fallback }

    /// What its counter says; `nil` where nothing is known of it.
    func verdict(_ check: Check) -> LimitVerdict? {
        guard check.kind == .counted, outcome == .counted else { return nil }
        let verdict = request.verdict(at: check.slot)
        return verdict.isKnown ? verdict : nil
    }

    func isOver(_ check: Check) -> Bool { verdict(check).map { !$0.isAllowed } ?? false }

    /// Over its limit, also where all answers say OK: a descriptor is, or of every group of quotas one.
    var isOverAnyLimit: Bool {
        var quotas = 0
        var quotasOver = 0
        for (index, check) in checks.enumerated() where !check.isShadow && check.kind == .counted {
            guard check.isQuota else {
                if isOver(check) { return true }
                continue
            }
            guard check.quotaGroup == index else { continue }
            quotas += 1
            if checks.contains(where: { $0.isQuota && $0.quotaGroup == index && isOver($0) }) { quotasOver += 1 }
        }
        return quotas > 0 && quotas == quotasOver
    }

    var isOverLimit: Bool { isOverAnyLimit && tree?.answers.isShadow != true }

    var isOverShadowLimit: Bool {
        checks.contains { $0.isShadow && isOver($0) } || tree?.answers.isShadow == true && isOverAnyLimit
    }

    /// The descriptor that headers tell of: of those over their limit the last, else that with the fewest hits left.
    var tightest: Check? {
        var tightest: Check?
        var fewest = UInt64(UInt32.max)
        for check in checks {
            guard let verdict = verdict(check) else { continue }
            if !check.isShadow, !check.isQuota, !verdict.isAllowed {
                (tightest, fewest) = (check, 0)
            } else if verdict.remaining < fewest {
                (tightest, fewest) = (check, verdict.remaining)
            }
        }
        return tightest
    }

    /// Until the window ends.
    func resetSeconds(_ check: Check) -> UInt64 { check.seconds - second % check.seconds }
}
