internal import Balancing
internal import Bytes
internal import GRPC
internal import HTTPModel
internal import Transport

/// What becomes of heads and trailers that are larger than one side or the other takes: one call's affair, and no endpoint's fault.
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
    func refuseTrailers(_ call: Record<Call>, _ trailers: UnsafeMutableBufferPointer<Field>, on connection: Connection) {
        count(.upstreamHeadRefused)
        let bytes = UnsafeBufferPointer(trailers).listBytes
        worker.fail(call, .headTooLargeForUpstream(bytes: bytes, bytesMax: connection.peerFieldListBytesMax))
    }

    /// Leaves of a section that was too large what tells how the call ended.
    ///
    /// - Parameter bytesMax: of the whole section, where the caller has said so.
    func dropDetails(_ call: Record<Call>, _ stream: StreamPointer, from start: Int, bytesMax: Int = .max) {
        if call.isRPC {
            ResponseHead.dropDetails(of: stream, from: start, bytesMax: bytesMax)
        } else {
            // Trailers of HTTP may be left out (RFC 9110, section 6.5.1).
            stream.fields.removeAll(from: start) { _ in true }
        }
        call.outcome.detail = "upstream_trailers_too_large"
        count(.upstreamDetailsDropped)
    }
}
