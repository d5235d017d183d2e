internal import Balancing
internal import Bytes
internal import GRPC
internal import Sockets

/// Attempts for which there is no connection.
extension Upstream {
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

extension ChannelEnd {
    /// What was short was short here.
    var isShortage: Bool {
        guard case .unreachable(let code) = self else { return false }
        return DescriptorShortage.isShortage(code)
    }
}
