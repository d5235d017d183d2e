internal import Bytes
internal import GRPC
internal import Routing
internal import Snapshots
internal import Time

/// Turns the caller's and the route's time into one instant.
enum DeadlineFilter {
    @inline(__always)
    static func request(_ call: CallView) -> FilterVerdict {
        let policy = call.policy
        var limit = policy.timeout
        if let text = call.facts.timeout {
            guard let asked = GRPCTimeout(text) else { return call.refuse(.malformedTimeout) }
            if asked.duration < limit ?? .seconds(Int64.max) {
                limit = asked.duration
                call.call.flags.insert(.callerSetDeadline)
            }
        }
        if let duration = policy.maxStreamDuration, duration < limit ?? .seconds(Int64.max) {
            limit = duration
            call.call.flags.remove(.callerSetDeadline)
            call.call.flags.insert(.endsByDuration)
        }
        guard let limit else { return .proceed }
        guard limit > .zero else {
            call.count(.callerTimeout)
            return call.refuse(.deadlineExceeded(.filters))
        }
        call.setDeadline(call.now + limit)
        return .proceed
    }
}
