import Balancing
import GRPC
import HTTPModel
import Testing

@testable import Calls

@Suite("Why a fallback serves a call")
struct FallbackReasonTests {
    @Test("it has reached no endpoint, and no limit of its cluster has refused it")
    func reasons() {
        let reached: [RefusalCause] = [
            .connectionLost, .upstreamReset(http2ErrorCode: 7), .upstreamProtocolError, .deadlineExceeded(.perTry),
            .upstreamWithoutStatus(httpStatus: 503),
        ]
        let refused: [RefusalCause] = [
            .circuitFull(retryAfter: nil), .upstreamQueueFull(retryAfter: nil), .retryBudgetExhausted, .outOfSockets,
            .overloaded(retryAfter: nil), .headTooLargeForUpstream(bytes: 2, bytesMax: 1),
        ]
        for cause in reached + refused { #expect(FallbackReason(cause) == nil, "\(cause)") }
        #expect(FallbackReason(.circuitOpen(retryAfter: .seconds(1))) == .circuitOpen)
        #expect(FallbackReason(.noHealthyEndpoint(retryAfter: nil)) == .noHealthyEndpoint)
        #expect(FallbackReason(.connectFailed) == .connectFailed)
    }

    @Test("an endpoint was sent the request where it has reset it, or its time was up behind that")
    func reached() {
        #expect(AttemptFailure.closed(.unprocessed).reachedEndpoint && AttemptFailure.closed(.connectionLost).reachedEndpoint)
        #expect(AttemptFailure.timedOut(wasSent: true).reachedEndpoint)
        #expect(!AttemptFailure.timedOut(wasSent: false).reachedEndpoint && !AttemptFailure.connectFailed.reachedEndpoint)
        #expect(!AttemptFailure.connectionDraining.reachedEndpoint && AttemptFailure.connectionDraining.mayBeResent)
        #expect(!AttemptFailure.refused(.noHealthyEndpoint(retryAfter: nil)).reachedEndpoint)
    }
}
