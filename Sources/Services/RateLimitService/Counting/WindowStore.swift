package import RateLimit
package import Time

/// What keeps the counters of the service. One per worker, used by that worker alone.
///
/// Unlike the gateway's own stores every counter stands for itself, and counts what is over its limit too: adding is all
/// there is, as in envoyproxy/ratelimit.
package protocol WindowStore: AnyObject {
    /// Where later answers go; unowned by the store.
    var delegate: (any WindowStoreDelegate)? { get set }

    /// Adds the hits of every counter of `decision` and says what each then holds. With `.later` the decision belongs to
    /// the store until `windowsCounted`, which never comes before this returns.
    func count(_ decision: LimitDecision, now: Instant, wall: WallTime) -> CountAnswer

    /// As `LimitStore.probe`.
    func probe(now: Instant) -> Bool
}

package enum CountAnswer {
    /// `LimitDecision.outcome` says how.
    case now
    case later
}

package protocol WindowStoreDelegate: AnyObject {
    func windowsCounted(_ decision: LimitDecision)

    /// The store does not count, or with `nil` counts again; may come from within `count`.
    func windowStoreChanged(_ trouble: StoreTrouble?)
}
