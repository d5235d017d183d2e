internal import Balancing
internal import Bytes
internal import GRPC
internal import HTTPModel
internal import Transport
internal import Upstreams

/// What becomes of heads and trailers of requests that are larger than an endpoint takes: one call's affair, and no endpoint's fault.
extension Upstream {
    func failUnsent(_ attempt: Record<Attempt>, _ refusal: RequestRefusal) {
        attempt.endpoint! { endpoint in
            switch refusal {
            // The connection has just been told to go: the pool finds another.
            case .noStream: connectFailed(attempt, endpoint)
            case .headTooLarge(let bytes, let bytesMax):
                // No other attempt would be smaller, and the endpoint is not to blame.
                endpoint.activeCount -= 1
                count(.upstreamHeadRefused)
                failed(attempt, .refused(.headTooLargeForUpstream(bytes: bytes, bytesMax: bytesMax)))
            }
        }
    }

    /// Trailers of a request that are larger than the endpoint takes.
    func refuseTrailers(_ call: Record<Call>, _ trailers: UnsafeBufferPointer<Field>, on connection: Connection) {
        count(.upstreamHeadRefused)
        let bytes = trailers.listBytes
        worker.fail(call, .headTooLargeForUpstream(bytes: bytes, bytesMax: connection.peerFieldListBytesMax))
    }
}
