internal import Bytes
internal import GRPC
internal import GatewayModel
internal import Reactor
internal import Telemetry
internal import Transport

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

/// The stage that delays, aborts, splits and mirrors.
extension GatewayWorker {
    /// Chooses the cluster, and lets go wrong what the route wants to go wrong.
    func shape(_ call: Record<Call>) -> FilterVerdict {
        guard let route = call.route, let plan = route.traffic else {
            return .proceed
        }
        let only = route.cluster
        call.shaping = Shaping(cluster: plan.split.map { cluster(of: call, $0) } ?? only)
        guard let fault = plan.fault else {
            if let mirror = plan.mirror { beginMirror(call, mirror) }
            return .proceed
        }
        if let delay = fault.delay, delay.fraction.takes(randomness.next()) {
            hold(call, delay.duration, plan)
            return .suspended
        }
        return abort(call, plan) ? .replied : .proceed
    }

    private func cluster(of call: Record<Call>, _ split: ClusterSplit) -> Int {
        guard let hash = split.sticky?.hash(call) else { return split.cluster(randomness.next()) }
        return split.cluster(hash: hash)
    }

    private func hold(_ call: Record<Call>, _ duration: Duration, _ plan: TrafficPlan) {
        metrics.count(.faultDelayed)
        // Ends with the call.
        let timer = Timer(on: context.loop) { [unowned self] in
            guard call.phase == .suspended else { return }
            if !abort(call, plan) { runFilters(call) }
        }
        timer.arm(after: duration)
        call.shaping?.delay = timer
    }

    /// True where the call has been answered; one that goes on may have a mirror.
    private func abort(_ call: Record<Call>, _ plan: TrafficPlan) -> Bool {
        guard let abort = plan.fault?.abort, abort.fraction.takes(randomness.next()) else {
            if let mirror = plan.mirror { beginMirror(call, mirror) }
            return false
        }
        metrics.count(.faultAborted)
        refuse(call, .faultInjected(abort.status, httpStatus: abort.httpStatus))
        return true
    }
}
