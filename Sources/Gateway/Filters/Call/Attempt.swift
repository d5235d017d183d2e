internal import Balancing
// Public, because what is inlined into other modules may name only what was imported so.
public import Bytes
package import Calls
public import HTTPModel
package import Reactor
package import Time
package import Upstreams

/// One try of a request at one endpoint; `AttemptMachine` says where it stands.
///
/// Every call has one, which it begins anew for a retry; a hedged call has more for a while, and keeps the one that wins. A mirror has
/// one too. A slab record of the worker. The `context` of its upstream stream points here, until the stream is released. Usable from inline:
/// every event of an upstream's stream goes this way.
@usableFromInline package struct Attempt {
    @usableFromInline package var purpose = Purpose.mirror
    package var machine = AttemptMachine()
    /// Another attempt may take its place: under a retry or hedging policy, until its answer is committed.
    package var isReplaceable = false
    /// Kept beyond the attempt's end, for the log and so that a retry can avoid it.
    package var endpoint: Borrowed<Endpoint>?
    @usableFromInline package var stream: StreamPointer?
    /// Its place in the queue of `endpoint`.
    package var waiter: PoolWaiter
    package var began = Instant(nanoseconds: 0)
    /// How much of the request body it has moved to the upstream's socket.
    package var drained = 0
    /// When a per-try timeout ends it.
    package var due = Instant.distantFuture
    /// Armed only under a retry or hedging policy.
    package let timer: RecordTimer
    /// Why it has failed, until it is decided what follows.
    package var failure: AttemptFailure?

    @usableFromInline package enum Purpose {
        case call(Record<Call>)
        /// A copy of a call, which `Mirrors` finds by the attempt.
        case mirror
    }

    package init(timer: RecordTimer, owner: any PoolWaiterOwner) {
        self.timer = timer
        waiter = PoolWaiter(owner: owner)
    }
}

extension StreamPointer {
    /// The attempt that a stream to an upstream belongs to.
    @inlinable @inline(__always)
    package var attempt: Record<Attempt> { Record<Attempt>(opaque: pointee.context.unsafelyUnwrapped) }
}

extension Record<Attempt> {
    /// The call that it belongs to. Not for attempts of mirrors.
    @inlinable @inline(__always)
    package var call: Record<Call> {
        guard case .call(let call) = self.purpose else { preconditionFailure("a mirror's attempt is no call's") }
        return call
    }

    /// Resets all but its purpose and what the next `begin` sets. It must not be live.
    @inline(__always)
    package func finish() {
        self.endpoint = nil
        self.machine = AttemptMachine()
        self.isReplaceable = false
    }
}
