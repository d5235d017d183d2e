internal import Balancing
package import Bytes
package import HTTPModel
package import Reactor
package import Time
package import Upstreams

/// One try of a call at one endpoint.
///
///     idle ─▶ waiting ─▶ sent ─▶ held ─┐
///       ▲        │         │           ├─▶ committed: its answer is the caller's
///       └────────┴─────────┴───────────┘
///
/// Every call has one, which it begins anew for a retry; a hedged call has more for a while, and keeps the one that wins.
/// A slab record of the worker. The upstream stream, when there is one, points here by its `context`; one that is let go
/// points nowhere. Waiting and sent, it counts as its endpoint's.
package struct Attempt {
    package var call: Record<Call>?
    /// Held beyond the attempt's end, for the log and so that a retry knows whom to avoid.
    package var endpoint: Borrowed<Endpoint>?
    package var stream: StreamPointer?
    /// Its place in the queue of `endpoint`.
    var waiter: PoolWaiter
    /// The answer's head has arrived, and waits for what follows.
    package var isHeld = false
    package var began = Instant(nanoseconds: 0)
    /// How much of the request body it has moved to the upstream's socket.
    package var drained = 0
    /// When it must have been answered, where it has a time of its own.
    package var due = Instant.distantFuture
    /// Armed only under a retry or hedging policy.
    package let timer: RecordTimer

    init(timer: RecordTimer, owner: any PoolWaiterOwner) {
        self.timer = timer
        waiter = PoolWaiter(owner: owner)
    }
}

extension StreamPointer {
    /// Whose stream it is. For streams to upstreams.
    @inline(__always)
    var attempt: Record<Attempt> { Record<Attempt>(opaque: pointee.context.unsafelyUnwrapped) }
}

extension Record<Attempt> {
    /// Something of it is under way.
    var isLive: Bool { self.stream != nil ? true : self.waiter.isQueued }

    /// As new, but for its call and what the next beginning sets. It is not live.
    @inline(__always)
    func finish() {
        self.endpoint = nil
        self.isHeld = false
    }
}
