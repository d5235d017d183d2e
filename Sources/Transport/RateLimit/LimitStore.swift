package import Time

/// What keeps the counters. One per worker, used by that worker alone.
package protocol LimitStore: AnyObject {
    /// Where a later answer goes; unowned by the store.
    var delegate: (any LimitDelegate)? { get set }

    /// Whether requests must keep their keys' values (`LimitRequest.init`).
    var needsValues: Bool { get }

    /// Checks every enforced limit of `request` and then charges all of them or none, or each whatever its level
    /// (`LimitRequest.Charging`); shadow limits are charged where the call is admitted and decide nothing. With `.pending` the request belongs to the store until `limitDecided`, which
    /// never comes before this returns.
    func decide(_ request: LimitRequest, now: Instant, wall: WallTime) -> LimitAnswer

    /// To be called at first, and then every `StoreHealth.probeInterval` for as long as it returns true: until the store has
    /// decided, and while it is unavailable, so that faults and recovery are noticed without a call.
    func probe(now: Instant) -> Bool

    /// Gives back hits that were leased and have not been used in time. To be called every `CounterLeases.sweepInterval` from
    /// `limitStoreLeased` on, for as long as it returns true.
    func sweepLeases() -> Bool

    /// Gives back all that is leased, and leases nothing any more: the process ends, or counts elsewhere.
    func endLeases()

    /// The counter was changed from elsewhere: what is known of it holds no longer.
    func forget(_ counter: CounterDigest)

    /// Calls in flight, or leases at the end, are still to be released, or to be told elsewhere: `limitStoreReleased` says when they are not any more.
    var isReleasing: Bool { get }
}

extension LimitStore {
    /// A store that is always available.
    package func probe(now: Instant) -> Bool { false }

    package func sweepLeases() -> Bool { false }

    package func endLeases() {}

    package func forget(_ counter: CounterDigest) {}

    package var isReleasing: Bool { false }
}

package enum LimitAnswer: Equatable {
    case decided(LimitOutcome)
    case pending
}

package protocol LimitDelegate: AnyObject {
    /// The answer to a request that was pending, which is the caller's again; its outcome is `request.outcome`.
    /// An abandoned request is returned too, for reuse, and must not be answered to any call.
    func limitDecided(_ request: LimitRequest)

    /// The store does not decide, or with `nil` decides again; may come from within `decide`.
    func limitStoreChanged(_ trouble: StoreTrouble?)

    /// There are leases from now on, which `LimitStore.sweepLeases` is to look after.
    func limitStoreLeased()

    /// The store is not releasing any more; not from within a reply.
    func limitStoreReleased()
}

extension LimitDelegate {
    package func limitStoreReleased() {}
}

extension LimitRequest {
    /// The call that waited is over. The store still returns the request when its answer comes; what was charged
    /// stays charged.
    package func abandon() {
        isAbandoned = true
        context = nil
    }
}
