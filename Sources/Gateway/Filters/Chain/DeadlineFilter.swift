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
        var origin: Call.Flags = []
        if let text = call.facts.timeout {
            guard let asked = GRPCTimeout(text) else { return call.refuse(.malformedTimeout) }
            if asked.duration < limit ?? .seconds(Int64.max) {
                limit = asked.duration
                origin = .callerSetDeadline
            }
        }
        if let duration = policy.maxStreamDuration, duration < limit ?? .seconds(Int64.max) {
            limit = duration
            origin = .endsByDuration
        }
        guard let limit else { return .proceed }
        guard limit > .zero else {
            call.count(.callerTimeout)
            call.record(origin)
            return call.refuse(.deadlineExceeded(.filters))
        }
        call.setDeadline(call.now + limit, origin)
        return .proceed
    }
}
