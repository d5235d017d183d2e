package import Balancing
package import GRPC

extension RefusalCause {
    /// What of a cluster's guards has refused the call.
    package var circuit: CircuitRefusal? {
        switch self {
        case .circuitFull: .requests
        case .upstreamQueueFull: .pending
        case .circuitOpen: .open
        default: nil
        }
    }
}
