internal import Bytes
internal import Calls
internal import GRPC
internal import GatewayModel
internal import Reactor
internal import Snapshots
internal import Telemetry
internal import Transport
internal import Upstreams

/// Chooses the cluster of a call that several share, lets go wrong what its route wants to go wrong, and begins the copy for a mirror.
enum TrafficFilter {
    static func request(_ call: CallView) -> FilterVerdict {
        guard let plan = call.route.traffic else { return .proceed }
        let traffic = TrafficState(cluster: plan.split.map { cluster(of: call, $0) } ?? call.route.cluster)
        call.shape(traffic)
        guard let fault = plan.fault else { return mirror(call, plan) }
        let faults = RequestedFaults(fault, on: call.stream, isTrusted: call.isFromTrustedPeer)
        if let delay = faults.delay, delay.fraction.takes(call.random()) {
            call.count(.faultDelayed)
            // Ends with the call.
            traffic.delay = call.suspend(for: delay.duration) { abort($0, plan, faults) }
            return .suspended
        }
        return abort(call, plan, faults)
    }

    private static func cluster(of call: CallView, _ split: ClusterSplit) -> Int {
        guard let hash = split.sticky.flatMap({ call.hash(by: $0) }) else { return split.cluster(call.random()) }
        return split.cluster(hash: hash)
    }

    private static func abort(_ call: CallView, _ plan: TrafficPlan, _ faults: RequestedFaults) -> FilterVerdict {
        guard let abort = faults.abort, abort.fraction.takes(call.random()) else { return mirror(call, plan) }
        call.count(.faultAborted)
        return call.refuse(.faultInjected(abort.status, httpStatus: abort.httpStatus))
    }

    private static func mirror(_ call: CallView, _ plan: TrafficPlan) -> FilterVerdict {
        if let mirror = plan.mirror { call.beginMirror(mirror) }
        return .proceed
    }
}
