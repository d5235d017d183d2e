internal import GRPC
internal import GatewayModel
internal import Reactor
internal import Telemetry
internal import Transport

/// What traffic shaping has decided for one exchange. Nearly none has any.
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
    func shape(_ exchange: ExchangePointer) -> FilterVerdict {
        guard let route = exchange.pointee.route, let plan = route._withUnsafeGuaranteedRef({ $0.traffic }) else {
            return .proceed
        }
        let only = route._withUnsafeGuaranteedRef { $0.cluster }
        exchange.pointee.shaping = Shaping(cluster: plan.split.map { cluster(of: exchange, $0) } ?? only)
        guard let fault = plan.fault else {
            if let mirror = plan.mirror { beginMirror(exchange, mirror) }
            return .proceed
        }
        if let delay = fault.delay, delay.fraction.takes(randomness.next()) {
            hold(exchange, delay.duration, plan)
            return .suspended
        }
        return abort(exchange, plan) ? .replied : .proceed
    }

    private func cluster(of exchange: ExchangePointer, _ split: ClusterSplit) -> Int {
        guard let hash = split.sticky?.hash(exchange) else { return split.cluster(randomness.next()) }
        return split.cluster(hash: hash)
    }

    private func hold(_ exchange: ExchangePointer, _ duration: Duration, _ plan: TrafficPlan) {
        metrics.count(.faultDelayed)
        // Ends with the exchange.
        let timer = Timer(on: context.loop) { [unowned self] in
            guard exchange.pointee.phase == .suspended else { return }
            if !abort(exchange, plan) { runFilters(exchange) }
        }
        timer.arm(after: duration)
        exchange.pointee.shaping?.delay = timer
    }

    /// True where the call has been answered; one that goes on may have a mirror.
    private func abort(_ exchange: ExchangePointer, _ plan: TrafficPlan) -> Bool {
        guard let abort = plan.fault?.abort, abort.fraction.takes(randomness.next()) else {
            if let mirror = plan.mirror { beginMirror(exchange, mirror) }
            return false
        }
        metrics.count(.faultAborted)
        refuse(exchange, .faultInjected(abort.status, httpStatus: abort.httpStatus))
        return true
    }
}
