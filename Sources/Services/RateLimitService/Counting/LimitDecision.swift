internal import Bytes
internal import GRPC
internal import Metrics
internal import RateLimit
internal import Time
internal import Transport

/// One request on its way through a store: what was found for each descriptor, and the counters that are asked.
///
/// Made ready by the service, filled by the store, written as the answer; then used again. Owned by one worker.
package final class LimitDecision {
    /// What applies to one descriptor.
    struct Check {
        /// In `tree`; -1 for a limit of the request's own, or for none.
        var rule = -1
        var kind = Kind.none
        var requests: UInt32 = 0
        var unit = RateLimitUnit.unknown
        var isShadow = false
        /// In `counters`; of meaning only where `kind` is `counted`.
        var counter = 0
    }

    enum Kind { case none, unlimited, counted }

    /// One window of one descriptor.
    struct Counter {
        var digest: CounterDigest
        /// Where this process counts it; the rules, or the service's overrides, hold it.
        var table: Unmanaged<CounterTable>
        /// What its window may hold.
        var requests: UInt64
        var hits: UInt64
        var seconds: UInt64
        /// In seconds since the epoch, a multiple of `seconds`.
        var start: UInt64
        /// In `keys`.
        var key: Range<Int>
        /// What it holds after this request.
        var sum: UInt64 = 0
    }

    enum Outcome {
        case counted
        /// Not counted, and that means OK.
        case allowed
        /// Not counted, and the caller is told so.
        case unavailable
    }

    var tree: RuleTree?
    var checks: [Check] = []
    var counters: [Counter] = []
    /// The counters' names, without their windows.
    var keys = ByteBuffer(capacity: 512)
    var outcome = Outcome.counted
    var call: CallReference?
    /// In seconds since the epoch.
    var second: UInt64 = 0
    /// Commands that the Redis store waits for.
    var outstanding = 0
    var hasFailed = false
    /// Where it is counted, and when it began.
    var row: CounterRow?
    var began = Instant(nanoseconds: 0)
    /// The store did not answer: this process alone has counted.
    var isLocal = false

    init() {}

    func reset() {
        tree = nil
        checks.removeAll(keepingCapacity: true)
        counters.removeAll(keepingCapacity: true)
        keys.removeAll()
        keys.shrink(to: 16 << 10)
        outcome = .counted
        call = nil
        outstanding = 0
        hasFailed = false
        row = nil
        isLocal = false
    }

    func isOver(_ check: Check) -> Bool {
        check.kind == .counted && counters[check.counter].sum > UInt64(check.requests)
    }

    var isOverLimit: Bool { outcome == .counted && checks.contains { !$0.isShadow && isOver($0) } }

    var isOverShadowLimit: Bool { outcome == .counted && checks.contains { $0.isShadow && isOver($0) } }

    /// Valid until the decision changes.
    func key(of counter: Counter) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: keys.readable[counter.key])
    }
}
