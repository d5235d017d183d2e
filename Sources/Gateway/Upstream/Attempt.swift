internal import Balancing
package import HTTPModel
package import Reactor
package import Time

/// One try of an exchange at one endpoint.
///
///     idle ─▶ waiting ─▶ sent ─▶ held ─┐
///       ▲        │         │           ├─▶ committed: its answer is the caller's
///       └────────┴─────────┴───────────┘
///
/// Every exchange has one, which it begins anew for a retry; a hedged call has more for a while, and keeps the one that wins.
/// A slab record of the worker. The upstream stream, when there is one, points here by its `context`; one that is let go
/// points nowhere. Waiting and sent, it counts as its endpoint's.
package struct Attempt {
    package var exchange: ExchangePointer?
    /// Held beyond the attempt's end, for the log and so that a retry knows whom to avoid.
    package var endpoint: Unmanaged<Endpoint>?
    package var stream: StreamPointer?
    /// In the queue of `endpoint`.
    package var isWaiting = false
    /// The answer's head has arrived, and waits for what follows.
    package var isHeld = false
    package var began = Instant(nanoseconds: 0)
    /// How much of the request body it has moved to the upstream's socket.
    package var drained = 0
    /// When it must have been answered, where it has a time of its own.
    package var due = Instant.distantFuture
    /// Armed only under a retry or hedging policy.
    package let timer: UnsafeMutablePointer<TimerNode>

    /// Neighbours in the queue of an endpoint.
    package var next: AttemptPointer?
    package var previous: AttemptPointer?

    init(timer: UnsafeMutablePointer<TimerNode>) { self.timer = timer }

    /// Something of it is under way.
    var isLive: Bool { stream != nil ? true : isWaiting }

    /// As new, but for its exchange and what the next beginning sets. It is not live.
    @inline(__always)
    mutating func finish() {
        endpoint = nil
        isHeld = false
    }
}

package typealias AttemptPointer = UnsafeMutablePointer<Attempt>
