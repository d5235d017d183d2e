internal import Balancing
internal import Bytes
internal import GRPC
internal import GatewayModel
internal import HTTPModel
internal import Upstreams

/// What an answer says of how the call went, as soon as it does.
struct AttemptVerdict: Equatable {
    /// For an RPC, also where the answer was not gRPC.
    private(set) var status: StatusCode?
    /// 0 where it does not matter.
    private(set) var httpStatus = 0

    /// `nil` where the head says nothing yet: the call goes well so far.
    init?(head stream: StreamPointer, ended: Bool, isRPC: Bool) {
        let number = stream.fields.status
        guard isRPC else {
            httpStatus = number
            return
        }
        if let code = AnswerStatus(stream.fields, from: 0).code {
            status = code
        } else if number == 200, !ended {
            // Whether it is gRPC is checked where it is passed on: it will not be by another attempt.
            return nil
        } else if AnswerCheck.refusal(stream, status: number, ended: ended) != nil {
            status = StatusCode(httpStatusWithoutGRPCStatus: number)
            httpStatus = number
        } else {
            return nil
        }
    }

    /// Of an RPC.
    init(status: StatusCode) { self.status = status }

    /// Of an RPC whose trailers have arrived.
    init(trailers stream: StreamPointer) {
        self.init(status: AnswerStatus(stream.fields, from: stream.trailersStart).code ?? .unknown)
    }

    /// Nothing speaks for another attempt.
    var isGood: Bool {
        if let status { status == .ok } else { httpStatus < 400 }
    }

    func isAmong(_ conditions: RetryConditions) -> Bool {
        if let status, conditions.contains(status) { return true }
        return httpStatus > 0 && conditions.contains(httpStatus: httpStatus)
    }

    /// What it says of the endpoint.
    var outcome: AttemptOutcome {
        guard let status else { return AttemptOutcome(httpStatus: httpStatus) }
        return httpStatus >= 400 ? AttemptOutcome(httpStatus: httpStatus) : AttemptOutcome(status)
    }
}
