package import Bytes
internal import Calls
internal import GRPC
internal import GatewayModel
package import HTTPModel
internal import RateLimit
internal import Reactor
internal import Snapshots
internal import Transport

/// Charges what calls carry to the limits inside their streams, and holds or ends them by what stores say. One per worker; calls without such
/// limits never come here.
package final class StreamMetering {
    private let services: FilterServices

    init(_ services: FilterServices) { self.services = services }

    // MARK: What passes

    /// More of the request's body has come. False where the call is over by it.
    package func requestCarried(_ call: Record<Call>, _ byteCount: Int) -> Bool {
        carried(call, .requestBytes) { $0.carry(byteCount) }
    }

    /// The same as messages of gRPC, on their way upstream.
    package func requestCarried(_ call: Record<Call>, messages bytes: BorrowedBytes) -> Bool {
        carried(call, .requestMessages) { $0.carry(bytes) }
    }

    /// More of the answer's body has come, as the upstream sends it.
    package func answerCarried(_ call: Record<Call>, _ bytes: BorrowedBytes) -> Bool {
        carried(call, .responseBytes) { $0.carry(bytes.count) } && carried(call, .responseMessages) { $0.carry(bytes) }
    }

    private func carried(
        _ call: Record<Call>, _ measure: LimitConfiguration.StreamMeasure, _ carry: (StreamGauge) -> Void
    ) -> Bool {
        guard let meter = call.meter else { return true }
        for gauge in meter.gauges where gauge.counting.measure == measure {
            carry(gauge)
            ask(gauge, call)
            // A refusal has ended the call.
            guard call.machine.isUnderWay else { return false }
        }
        return true
    }

    /// The call goes on: what has come meanwhile is charged.
    func admit(_ call: Record<Call>) {
        guard let meter = call.meter else { return }
        meter.admit()
        for gauge in meter.gauges {
            guard call.machine.isUnderWay else { return }
            ask(gauge, call)
        }
    }

    // MARK: Charges

    private func ask(_ gauge: StreamGauge, _ call: Record<Call>) {
        while let hits = gauge.ask() {
            gauge.request.setHits(hits, at: 0)
            let answer = gauge.limiter.decide(gauge.request, now: services.context.loop.now, wall: services.context.loop.wall)
            guard case .decided = answer, conclude(gauge, call) else { return }
        }
    }

    /// A store elsewhere has answered.
    func answered(_ gauge: StreamGauge, _ call: Record<Call>) {
        if gauge.isOver {
            _ = gauge.conclude(gauge.request.outcome.decision)
            return settle(gauge)
        }
        if conclude(gauge, call) { ask(gauge, call) }
    }

    /// - Returns: whether there may be more to ask for.
    private func conclude(_ gauge: StreamGauge, _ call: Record<Call>) -> Bool {
        let request = gauge.request
        let outcome = request.outcome
        if outcome.shadowRefusals != 0, !gauge.isShadowTold {
            gauge.isShadowTold = true
            _ = request.record(in: services.metrics.shard)
            services.metrics.count(.limitShadowed)
            call.recordShadow(request.limit(at: 0).name)
        }
        if outcome.decision == .allowed, let identity = call.identity {
            services.usage.admitted(request, identity, services.context.loop.wall)
        }
        switch gauge.conclude(outcome.decision) {
        case .again: return true
        case .paid:
            release(call, ofRequest: gauge.counting.measure.isOfRequest)
            return false
        case .wait:
            services.metrics.count(.limitHeld)
            wait(gauge, call, nanoseconds: outcome.retryAfterNanoseconds)
            return false
        // Its answer may be complete, and only its stream open still.
        case .refuse where !call.machine.isUnderWay, .unavailable where !call.machine.isUnderWay: return false
        case .refuse:
            _ = request.record(in: services.metrics.shard)
            services.metrics.count(.limitRefused)
            call.tightestLimit = request.limit(at: 0)
            let states = LimitsFilter.states(request, exposes: call.policy.exposesRules)
            let cause = RefusalCause.rateLimited(
                retryAfter: .nanoseconds(Int64(clamping: outcome.retryAfterNanoseconds)), limits: states)
            services.host.refuse(call, cause, by: .limit(request.limit(at: 0).name))
            return false
        case .unavailable:
            services.metrics.count(.limitUnavailable)
            services.host.refuse(call, .limitStoreUnavailable(retryAfter: .seconds(1)), by: nil)
            return false
        }
    }

    private func wait(_ gauge: StreamGauge, _ call: Record<Call>, nanoseconds: UInt64) {
        gauge.isWaiting = true
        let timer =
            gauge.timer
            ?? Timer(on: services.context.loop) { [unowned self, unowned gauge] in
                gauge.isWaiting = false
                ask(gauge, call)
            }
        gauge.timer = timer
        timer.arm(after: Self.pause(nanoseconds))
    }

    /// Not so short that a loop would spin, nor longer than anything is held.
    static func pause(_ nanoseconds: UInt64) -> Duration {
        .nanoseconds(Int64(clamping: min(max(nanoseconds, 1_000_000), 60_000_000_000)))
    }

    private func release(_ call: Record<Call>, ofRequest isOfRequest: Bool) {
        guard let count = call.meter?.release(ofRequest: isOfRequest), count > 0, call.machine.isUnderWay,
            let stream = isOfRequest ? call.downstream : call.upstream
        else { return }
        stream.connection { $0.consumed(stream, count) }
    }

    // MARK: The end

    /// Charges what was carried and not paid for, whatever the level.
    func end(_ call: Record<Call>, _ meter: StreamMeter) {
        meter.admission?.disarm()
        for gauge in meter.gauges {
            gauge.timer?.disarm()
            gauge.isOver = true
            gauge.request.owner = Keeper(snapshot: call.snapshot.reference.object, gauge: gauge, identity: call.identity)
            // Else the answer that it waits for ends it.
            if !gauge.isAsking { settle(gauge) }
        }
    }

    func discard(_ gauges: [StreamGauge]) { for gauge in gauges { gauge.limiter.recycle(gauge.request) } }

    private func settle(_ gauge: StreamGauge) {
        let debt = gauge.isAdmitted ? gauge.takeDebt() : 0
        gauge.request.answered = nil
        guard debt > 0, let keeper = gauge.request.owner as? Keeper else { return gauge.limiter.recycle(gauge.request) }
        gauge.request.charging = .always
        gauge.request.setHits(debt, at: 0)
        if let identity = keeper.identity { services.usage.admitted(gauge.request, identity, services.context.loop.wall) }
        gauge.limiter.charge(gauge.request, of: keeper, now: services.context.loop.now, wall: services.context.loop.wall)
    }

    /// What a charge needs that outlasts its call.
    private final class Keeper {
        let snapshot: Snapshot
        let gauge: StreamGauge
        let identity: VerifiedIdentity?

        init(snapshot: Snapshot, gauge: StreamGauge, identity: VerifiedIdentity?) {
            self.snapshot = snapshot
            self.gauge = gauge
            self.identity = identity
        }
    }
}

extension Record<Call> {
    /// The caller may send so much more, unless it owes.
    @inline(__always)
    package func giveBackRequest(_ count: Int) {
        if self.meter != nil, withholds(count, ofRequest: true) { return }
        let downstream = self.downstream
        downstream.connection { $0.consumed(downstream, count) }
    }

    /// The upstream may send so much more of the answer, unless that owes.
    @inline(__always)
    package func giveBackAnswer(_ stream: StreamPointer, _ count: Int) {
        if self.meter != nil, withholds(count, ofRequest: false) { return }
        stream.connection { $0.consumed(stream, count) }
    }

    @inline(never)
    private func withholds(_ count: Int, ofRequest isOfRequest: Bool) -> Bool {
        // What still comes of a call that is over is of no interest, but delays no other call.
        guard self.machine.isUnderWay else { return false }
        return self.meter?.withholds(count, ofRequest: isOfRequest) ?? false
    }
}
