internal import Transport

/// Waits for the answer to a request that came otherwise than by gRPC.
protocol LimitWaiter: AnyObject {
    /// The bytes of a RateLimitResponse, valid only for the length of the call.
    func limitAnswered(_ message: UnsafeRawBufferPointer, isOver: Bool)

    /// The request is none, or the store does not answer.
    func limitFailed(_ status: CallStatus)
}
