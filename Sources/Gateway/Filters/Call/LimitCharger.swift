package import RateLimit
package import Time

/// A worker's store, to those who charge beside the decision on a call.
package protocol LimitCharger: AnyObject {
    func decide(_ request: LimitRequest, now: Instant, wall: WallTime) -> LimitAnswer

    /// Charges what no call waits for, and takes the request back.
    ///
    /// - Parameter owner: of the request's limits, which may outlast the call.
    func charge(_ request: LimitRequest, of owner: AnyObject, now: Instant, wall: WallTime)

    /// Takes a request back that is charged nothing.
    func recycle(_ request: LimitRequest)
}
