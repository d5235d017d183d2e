internal import Bytes
internal import GRPC
internal import GatewayModel
internal import Reactor
internal import Snapshots
internal import Telemetry
internal import Transport
internal import Upstreams

/// What traffic shaping has decided for one call. Nearly none has any.
package final class Shaping {
    /// Into the snapshot's clusters: where the call goes.
    let cluster: Int
    /// Runs while the call is held up on purpose.
    fileprivate var delay: Timer?
    /// What is kept of the call for its mirror.
    var draft: MirrorDraft?

    fileprivate init(cluster: Int) { self.cluster = cluster }
}

/// Chooses the cluster of a call that several share, lets go wrong what its route wants to go wrong, and begins the copy for a mirror.
final class TrafficFilter {
    func request(_ call: CallView) -> FilterVerdict {
        guard let plan = call.route.traffic else { return .proceed }
        call.call.shaping = Shaping(cluster: plan.split.map { cluster(of: call, $0) } ?? call.route.cluster)
        guard let fault = plan.fault else { return goOn(call, plan) }
        if let delay = fault.delay, delay.fraction.takes(call.random()) {
            hold(call, delay.duration, plan)
            return .suspended
        }
        return abort(call, plan)
    }

    private func cluster(of call: CallView, _ split: ClusterSplit) -> Int {
        guard let hash = split.sticky?.hash(call.call) else { return split.cluster(call.random()) }
        return split.cluster(hash: hash)
    }

    private func hold(_ call: CallView, _ duration: Duration, _ plan: TrafficPlan) {
        call.count(.faultDelayed)
        let token = call.suspend()
        let timer = Timer(on: call.worker.context.loop) { [unowned(unsafe) self, unowned(unsafe) worker = call.worker] in
            worker.filters.resume(token, worker) { self.abort($0, plan) }
        }
        timer.arm(after: duration)
        // Ends with the call.
        call.call.shaping?.delay = timer
    }

    private func abort(_ call: CallView, _ plan: TrafficPlan) -> FilterVerdict {
        guard let abort = plan.fault?.abort, abort.fraction.takes(call.random()) else { return goOn(call, plan) }
        call.count(.faultAborted)
        return call.refuse(.faultInjected(abort.status, httpStatus: abort.httpStatus))
    }

    private func goOn(_ call: CallView, _ plan: TrafficPlan) -> FilterVerdict {
        if let mirror = plan.mirror { call.worker.beginMirror(call.call, mirror) }
        return .proceed
    }
}
