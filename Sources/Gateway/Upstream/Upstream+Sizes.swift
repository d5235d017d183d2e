internal import Balancing
internal import GRPC
internal import HTTPModel
internal import Transport

/// What becomes of heads and trailers that are larger than one side or the other takes: one call's affair, and no endpoint's fault.
extension Upstream {
    func failUnsent(_ attempt: AttemptPointer, _ refusal: RequestRefusal) {
        attempt.pointee.endpoint!._withUnsafeGuaranteedRef { endpoint in
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
    func refuseTrailers(_ exchange: ExchangePointer, _ trailers: UnsafeMutableBufferPointer<Field>, on connection: Connection) {
        count(.upstreamHeadRefused)
        let bytes = UnsafeBufferPointer(trailers).listBytes
        worker.fail(exchange, .headTooLargeForUpstream(bytes: bytes, bytesMax: connection.peerFieldListBytesMax))
    }

    /// Leaves of a section that was too large what tells how the call ended.
    ///
    /// - Parameter bytesMax: of the whole section, where the caller has said so.
    func dropDetails(_ exchange: ExchangePointer, _ stream: StreamPointer, from start: Int, bytesMax: Int = .max) {
        if exchange.pointee.isRPC {
            ResponseHead.dropDetails(of: stream, from: start, bytesMax: bytesMax)
        } else {
            // Trailers of HTTP may be left out (RFC 9110, section 6.5.1).
            stream.pointee.fields.removeAll(from: start) { _ in true }
        }
        exchange.pointee.outcome.detail = "upstream_trailers_too_large"
        count(.upstreamDetailsDropped)
    }
}
