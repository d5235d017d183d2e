package import Balancing
internal import Bytes
package import GRPC
package import GatewayModel
package import HTTPModel
internal import Upstreams

/// What an answer says of how the call went, as soon as it does.
package struct AttemptVerdict: Equatable {
    /// For an RPC, also where the answer was not gRPC.
    package private(set) var status: StatusCode?
    /// 0 where it does not matter.
    package private(set) var httpStatus = 0

    /// `nil` where the head says nothing yet: the call goes well so far.
    package init?(head stream: StreamPointer, ended: Bool, isRPC: Bool) {
        let number = stream.fields.status
        guard isRPC else {
            httpStatus = number
            return
        }
        if let code = AnswerStatus(stream.fields, from: 0).code {
            status = code
            return
        }
        // Whether it is gRPC is checked where it is passed on: it will not be by another attempt.
        if number == 200, !ended { return nil }
        status = StatusCode(httpStatusWithoutGRPCStatus: number)
        httpStatus = number
    }

    /// Of an RPC.
    package init(status: StatusCode) { self.status = status }

    /// Of an RPC whose trailers have arrived.
    package init(trailers stream: StreamPointer) {
        self.init(status: AnswerStatus(stream.fields, from: stream.trailersStart).code ?? .unknown)
    }

    /// Nothing speaks for another attempt.
    package var isGood: Bool {
        if let status { status == .ok } else { httpStatus < 400 }
    }

    package func isAmong(_ conditions: RetryConditions) -> Bool {
        if let status, conditions.contains(status) { return true }
        return httpStatus > 0 && conditions.contains(httpStatus: httpStatus)
    }

    /// What it says of the endpoint.
    package var outcome: AttemptOutcome {
        guard let status else { return AttemptOutcome(httpStatus: httpStatus) }
        return httpStatus >= 400 ? AttemptOutcome(httpStatus: httpStatus) : AttemptOutcome(status)
    }
}
