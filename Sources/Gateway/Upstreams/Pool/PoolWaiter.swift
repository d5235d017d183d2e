package import Bytes
package import Sockets
package import Transport

/// A request's place in the queue of an endpoint, while no connection has room for it: a part of its owner's record.
package struct PoolWaiter {
    package internal(set) var isQueued = false
    /// Which of its cluster's limits it is held to.
    package var isHighPriority = false
    var next: Record<PoolWaiter>?
    var previous: Record<PoolWaiter>?
    /// Outlives every queue.
    unowned(unsafe) let owner: any PoolWaiterOwner

    package init(owner: any PoolWaiterOwner) { self.owner = owner }
}

/// Notified of what becomes of a waiter, which is then in no queue any more.
package protocol PoolWaiterOwner: AnyObject {
    /// There is room: send it now.
    func hasRoom(_ waiter: Record<PoolWaiter>, on connection: ClientConnection)
    /// No connection could be made.
    func connectionFailed(_ waiter: Record<PoolWaiter>, _ end: ChannelEnd)
    /// The endpoint is no longer part of its cluster: it was not tried.
    func endpointRemoved(_ waiter: Record<PoolWaiter>)
}
