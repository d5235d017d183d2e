package import GRPC
package import Snapshots

/// Why a call has reached no endpoint of its cluster, so that its route's fallback serves it.
///
/// Overflows of the cluster's limits are none of them: a fallback would have the load that the limits are to keep away.
package enum FallbackReason: UInt8, CaseIterable, Sendable {
    /// Of the cluster, or of every endpoint.
    case circuitOpen
    case noHealthyEndpoint
    case connectFailed

    /// `nil` where an endpoint may have been reached, or another cluster is not asked.
    package init?(_ cause: RefusalCause) {
        switch cause {
        case .circuitOpen: self = .circuitOpen
        case .noHealthyEndpoint: self = .noHealthyEndpoint
        case .connectFailed: self = .connectFailed
        default: return nil
        }
    }

    package var event: GatewayEvent {
        switch self {
        case .circuitOpen: .fallbackCircuitOpen
        case .noHealthyEndpoint: .fallbackNoEndpoint
        case .connectFailed: .fallbackConnectFailed
        }
    }

    /// As the log names it.
    package var text: StaticString {
        switch self {
        case .circuitOpen: "circuit_open"
        case .noHealthyEndpoint: "no_healthy_endpoint"
        case .connectFailed: "connect_failed"
        }
    }
}
