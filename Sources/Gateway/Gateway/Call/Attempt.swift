internal import Balancing
package import Bytes
internal import Calls
package import HTTPModel
package import Reactor
package import Time
package import Upstreams

/// One try of a request at one endpoint; `AttemptMachine` says where it stands.
///
/// Every call has one, which it begins anew for a retry; a hedged call has more for a while, and keeps the one that wins. A mirror has
/// one too. A slab record of the worker. The upstream stream, when there is one, points here by its `context`; one that is let go
/// points nowhere.
package struct Attempt {
    var purpose = Purpose.mirror
    var machine = AttemptMachine()
    /// Another attempt may take its place: under a retry or hedging policy, until its answer is committed.
    var isReplaceable = false
    /// Held beyond the attempt's end, for the log and so that a retry knows whom to avoid.
    package var endpoint: Borrowed<Endpoint>?
    package var stream: StreamPointer?
    /// Its place in the queue of `endpoint`.
    var waiter: PoolWaiter
    package var began = Instant(nanoseconds: 0)
    /// How much of the request body it has moved to the upstream's socket.
    package var drained = 0
    /// When it must have been answered, where it has a time of its own.
    package var due = Instant.distantFuture
    /// Armed only under a retry or hedging policy.
    package let timer: RecordTimer
    /// Why it has failed, until what follows is decided.
    var failure: AttemptFailure?

    enum Purpose {
        case call(Record<Call>)
        /// A copy of a call, which `Mirrors` finds by the attempt.
        case mirror
    }

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
    /// Whose attempt it is.
    @inline(__always)
    var call: Record<Call> {
        guard case .call(let call) = self.purpose else { preconditionFailure("a mirror's attempt is no call's") }
        return call
    }

    /// As new, but for its purpose and what the next beginning sets. It is not live.
    @inline(__always)
    func finish() {
        self.endpoint = nil
        self.machine = AttemptMachine()
        self.isReplaceable = false
    }
}
