internal import Balancing
package import Bytes
internal import GRPC
package import Sockets
package import Transport
package import Upstreams

/// Attempts for which there is no connection yet, or none at all.
extension Upstream: PoolWaiterOwner {
    package func hasRoom(_ waiter: Record<PoolWaiter>, on connection: ClientConnection) {
        send(Record(around: waiter, \Attempt.waiter), on: connection)
    }

    package func connectionFailed(_ waiter: Record<PoolWaiter>, _ end: ChannelEnd) {
        let attempt = Record(around: waiter, \Attempt.waiter)
        attempt.endpoint! { endpoint in
            if end.isShortage { return lackedSocket(attempt, endpoint) }
            if let reason = end.reason { attempt.call!.transportFailure = reason }
            connectFailed(attempt, endpoint)
        }
    }

    package func endpointRemoved(_ waiter: Record<PoolWaiter>) {
        let attempt = Record(around: waiter, \Attempt.waiter)
        attempt.endpoint! { $0.activeCount -= 1 }
        attempt.call!.attempts -= 1
        begin(attempt)
    }

    func connectFailed(_ attempt: Record<Attempt>, _ endpoint: Endpoint) {
        endpoint.activeCount -= 1
        count(.upstreamConnectFailed)
        record(attempt, .localFailure)
        failed(attempt, .connectFailed)
    }

    /// This process has no socket to connect with: the endpoint is not to blame, and another would fare no better.
    func lackedSocket(_ attempt: Record<Attempt>, _ endpoint: Endpoint) {
        endpoint.activeCount -= 1
        failed(attempt, .refused(.outOfSockets))
    }
}
