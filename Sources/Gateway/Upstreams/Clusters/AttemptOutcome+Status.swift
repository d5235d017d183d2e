package import Balancing
package import GRPC

extension AttemptOutcome {
    /// What a gRPC status means for the endpoint's health, by the nearest HTTP status. UNIMPLEMENTED is as often the caller's mistake.
    package init(_ status: StatusCode) {
        switch status {
        case .unavailable, .deadlineExceeded: self = .gatewayFailure
        case .internal, .unknown, .dataLoss: self = .failure
        default: self = .success
        }
    }

    package init(httpStatus: Int) {
        switch httpStatus {
        case 502, 503, 504: self = .gatewayFailure
        case 500, 505...599: self = .failure
        default: self = .success
        }
    }
}
