internal import AccessControl
package import Bytes
internal import Calls
internal import GRPC
internal import GatewayModel
internal import HTTPModel
internal import JOSE
internal import Net
internal import RateLimit
internal import Reactor
internal import Routing
internal import Snapshots
internal import Time
internal import Transport

/// Rate limits, in two stages: those applied before authentication, and those whose keys may need an identity. One per worker.
package final class LimitsFilter {
    /// Of the snapshot in service.
    package var limiter: Limiter {
        didSet { limiter.filter = self }
    }

    /// What tenants have used.
    package var usage: UsageRecorder { services.usage }
    private let services: FilterServices
    private let metering: StreamMetering
    /// A value of a descriptor; used within one call's decision.
    private var text = ByteBuffer()
    private var logText = ByteBuffer()

    init(_ limiter: Limiter, _ services: FilterServices, _ metering: StreamMetering) {
        self.metering = metering
        self.limiter = limiter
        self.services = services
        limiter.filter = self
    }

    /// Limits applied before authentication.
    func requestEarly(_ call: CallView) -> FilterVerdict {
        call.policy { decide(call, $0.limitsBefore, [], isEarly: true) }
    }

    /// The route's limits and those of the caller's plan, all in one decision: all are charged or none.
    func request(_ call: CallView) -> FilterVerdict {
        call.policy { policy in
            guard !policy.tellsUsage, let plan = call.identity?.plan else { return decide(call, policy.limits, []) }
            return call.snapshot { decide(call, policy.limits, $0.plans[plan].limits) }
        }
    }

    private func decide(
        _ call: CallView, _ first: [AppliedLimit], _ second: [AppliedLimit], isEarly: Bool = false
    ) -> FilterVerdict {
        guard !first.isEmpty || !second.isEmpty else { return .proceed }
        let limiter = limiter
        let request = limiter.makeRequest()
        reset(request, call)
        var charge: ResponseCharge?
        if let refusal = add(first, to: request, &charge, call) ?? add(second, to: request, &charge, call) {
            if let charge { limiter.recycle(charge.request) }
            limiter.recycle(request)
            return refuse(call, refusal)
        }
        guard request.count > 0 else {
            limiter.recycle(request)
            return .proceed
        }
        if let charge { call.expect(charge) }
        if let meter = call.meter { meter.isEarly = isEarly }
        switch limiter.store.decide(request, now: call.now, wall: call.wall) {
        case .decided:
            defer { limiter.recycle(request) }
            return conclude(call, request)
        case .pending:
            call.suspend(on: request)
            return .suspended
        }
    }

    func reset(_ request: LimitRequest, _ call: CallView, charging: LimitRequest.Charging = .allOrNone) {
        if let identity = call.identity {
            identity.issuer.withUnsafeBytes { request.reset(issuer: $0, charging: charging) }
        } else {
            request.reset(issuer: BorrowedBytes.none, charging: charging)
        }
    }

    /// The store has answered for a suspended call.
    func decided(_ request: LimitRequest, context: UnsafeMutableRawPointer) {
        let token = SuspensionToken(context: context, tag: request.tag)
        // Also of a call that has been answered meanwhile, and whose stream is open still: the request is another call's from now on.
        token.clear(Borrowed(request))
        services.host.resume(token) { conclude($0, request) }
    }

    /// The call is over, and its answer of no use any more; what it holds of limits on calls in flight is released.
    func end(_ call: CallView) {
        call.abandonLimitRequest()
        call.releaseHolds()
        if let meter = call.takeMeter() { call.end(meter, metering) }
        var charge = call.takeResponseCharge()
        while let current = charge {
            settle(current, call)
            charge = current.earlier
        }
    }

    /// Charges what the answer has said that the call has cost. What the store says to it is of no use to anyone.
    private func settle(_ charge: ResponseCharge, _ call: CallView) {
        var total: UInt64 = 0
        for (index, cost) in charge.costs.enumerated() where charge.isAdmitted {
            switch cost.reading {
            case .missing: call.count(.responseCostMissing)
            case .malformed: call.count(.responseCostMalformed)
            case .tooLarge: call.count(.responseCostTooLarge)
            case .said: call.count(.responseCostSaid)
            }
            charge.request.setHits(cost.hits, at: index)
            total += cost.hits
        }
        guard total > 0 else { return charge.limiter.recycle(charge.request) }
        if let identity = call.identity { usage.admitted(charge.request, identity, call.wall) }
        charge.limiter.charge(charge.request, of: call.snapshot.object, now: call.now, wall: call.wall)
    }

    private func conclude(_ call: CallView, _ request: LimitRequest) -> FilterVerdict {
        if request.isQuestion { return answerUsage(call, request) }
        let outcome = request.outcome
        let warns = request.record(in: services.metrics.shard)
        if outcome.shadowRefusals != 0 { recordShadows(call, request) }
        // A call that is refused for want of a store was not let through uncounted.
        if outcome.decision != .unavailable, outcome.source == .fallback || outcome.source == .none {
            call.record(outcome.source == .none ? .limitsUncounted : .limitsLocal)
        }
        switch outcome.decision {
        case .allowed:
            call.admitResponseCharge()
            if let identity = call.identity { usage.admitted(request, identity, call.wall) }
            if let holds = request.takeHolds() { call.hold(holds) }
            if outcome.tightestIndex >= 0 { call.recordTightest(request, outcome.tightestIndex) }
            if call.meter != nil, !call.admit(metering) { return .replied }
            if warns || call.snapshot.reportsLimitsAlways && outcome.source != .none { report(call, request, warns: warns) }
            switch outcome.source {
            case .memory, .redis, .service: call.count(.limitAllowed)
            case .fallback: call.count(.limitLocallyAllowed)
            case .none: call.count(.limitSkipped)
            }
            return .proceed
        case .unavailable:
            call.count(.limitUnavailable)
            return call.refuse(.limitStoreUnavailable(retryAfter: .seconds(1)))
        case .refused:
            if let meter = call.meter, isHeld(request, meter) {
                return hold(call, meter, nanoseconds: outcome.retryAfterNanoseconds)
            }
            call.count(outcome.source == .fallback ? .limitLocallyRefused : .limitRefused)
            if outcome.refusedIndex >= 0 { call.recordTightest(request, outcome.refusedIndex) }
            if let identity = call.identity { usage.refused(request, identity, call.wall) }
            let states = Self.states(request, exposes: call.policy.exposesRules)
            call.report(states, in: call.snapshot { $0.limitHeaders.families(.always, .refused) })
            return call.refuse(
                .rateLimited(
                    retryAfter: outcome.retryAfterNanoseconds == LimitVerdict.never
                        ? nil : .nanoseconds(Int64(clamping: outcome.retryAfterNanoseconds)),
                    limits: states),
                by: outcome.refusedIndex >= 0 ? .limit(request.limit(at: outcome.refusedIndex).name) : nil)
        }
    }

    /// Has the answer of a call that was admitted say where its limits stand.
    @inline(never)
    private func report(_ call: CallView, _ request: LimitRequest, warns: Bool) {
        var families = call.snapshot { $0.limitHeaders.families(.always) }
        if warns { families.insert(.warning) }
        call.report(Self.states(request, exposes: call.policy.exposesRules), in: families)
    }

    /// Kept for the access log: what a limit in shadow mode would have done to this call.
    private func recordShadows(_ call: CallView, _ request: LimitRequest) {
        call.count(.limitShadowed)
        let refusals = request.outcome.shadowRefusals
        for index in 0..<request.count where refusals & 1 << UInt16(index) != 0 {
            call.recordShadow(request.limit(at: index).name)
        }
    }

    static func states(_ request: LimitRequest, exposes: Bool) -> [LimitState] {
        (0..<request.count).compactMap { index in
            let limit = request.limit(at: index)
            let verdict = request.verdict(at: index)
            // A service that has no rule for a descriptor says no window of it.
            guard verdict.isKnown, !limit.isShadow, !limit.isDecidedByService || verdict.windowSeconds > 0 else { return nil }
            return LimitState(
                name: limit.name, exposesName: exposes, count: limit.told(verdict.limit),
                quota: limit.told(verdict.limit == limit.capacity ? limit.quota : verdict.limit),
                windowSeconds: limit.isDecidedByService
                    ? verdict.windowSeconds : limit.algorithm == .concurrency ? nil : limit.windowSeconds,
                remaining: limit.told(verdict.remaining), resetSeconds: verdict.resetAfterSeconds,
                isExceeded: !verdict.isAllowed, isNear: verdict.isAllowed && limit.isNearlyUsedUp(verdict))
        }
    }

    // MARK: Answers

    /// Of an upstream that has limits of its own: an answer says one thing.
    static func drops(_ field: Field, _ call: Record<Call>) -> Bool {
        guard field.token == .other else { return false }
        if let charge = call.responseCharge, charge.takes(field) { return true }
        return call.limits?.families.contains(name: field.nameBytes) == true
    }

    static func answer(_ call: CallView, _ answer: inout FieldWriter) {
        guard let reported = call.reportedLimits else { return }
        // Also of a name that the route's header changes have set.
        answer.removeAll { $0.token == .other && reported.families.contains(name: $0.nameBytes) }
        call.withText { text in
            LimitHeaders.write(reported.states, reported.families, scratch: &text) { answer.put($0, $1, token: .other) }
        }
    }

    /// What an entry refuses a call for without counting it.
    private struct Refusal {
        let cause: RefusalCause
        let limit: String
    }

    private func refuse(_ call: CallView, _ refusal: Refusal) -> FilterVerdict {
        call.count(.limitRefused)
        return call.refuse(refusal.cause, by: .limit(refusal.limit))
    }

    /// Puts the limits of one list that apply to the call into the request.
    @inline(__always)
    private func add(
        _ limits: [AppliedLimit], to request: LimitRequest, _ charge: inout ResponseCharge?, _ call: CallView
    ) -> Refusal? {
        var exempted: LimitConditions.Exemptions = 0
        let cost = call.policy.cost
        for index in limits.indices {
            if let conditions = limits[index].conditions {
                switch applicability(conditions, limits[index], &exempted, call) {
                case .applies: break
                case .skipped: continue
                case .refused(let refusal): return refusal
                }
            }
            if limits[index].isChargedLater {
                addLater(limits[index], to: request, &charge, call)
                continue
            }
            let hits = limits[index].cost == 0 ? cost : limits[index].cost
            // A call that costs nothing is not asked about either: nothing refuses it.
            guard hits > 0, let limit = limits[index].limit else { continue }
            begin(limit, hits: hits, request, call)
            add(limits[index].keys, to: request, call)
        }
        return nil
    }

    /// A limit that is charged at the end: for now it is only asked whether anything is left.
    @inline(never)
    private func addLater(
        _ applied: AppliedLimit, to request: LimitRequest, _ charge: inout ResponseCharge?, _ call: CallView
    ) {
        guard let limit = applied.limit else { return }
        if let counting = applied.stream, !counting.measure.isOfBytes, !call.isRPC { return }
        begin(limit, hits: 0, request, call)
        add(applied.keys, to: request, call)
        if let counting = applied.stream { return addGauge(applied, limit, counting, slot: request.count - 1, call) }
        guard let cost = applied.responseCost else { return }
        let pending = charge ?? call.makeResponseCharge(limiter)
        if charge == nil { reset(pending.request, call, charging: .always) }
        charge = pending
        pending.add(cost)
        begin(limit, hits: 0, pending.request, call)
        add(applied.keys, to: pending.request, call)
    }

    private func addGauge(
        _ applied: AppliedLimit, _ limit: Limit, _ counting: LimitConfiguration.StreamCounting, slot: Int, _ call: CallView
    ) {
        let request = limiter.makeRequest()
        reset(request, call)
        begin(limit, hits: 0, request, call)
        add(applied.keys, to: request, call)
        call.add(StreamGauge(request, of: limiter, counting, slot: slot), metering)
    }

    /// Whether all limits that have refused the call would have it wait.
    private func isHeld(_ request: LimitRequest, _ meter: StreamMeter) -> Bool {
        (0..<request.count).allSatisfy { index in
            request.verdict(at: index).isAllowed || request.limit(at: index).isShadow || meter.holds(index)
        }
    }

    /// Has a call wait until its limits inside streams are paid for by time.
    private func hold(_ call: CallView, _ meter: StreamMeter, nanoseconds: UInt64) -> FilterVerdict {
        call.count(.limitHeld)
        call.dropUnadmitted(metering)
        let isEarly = meter.isEarly
        meter.admission = call.suspend(for: StreamMetering.pause(nanoseconds)) { [unowned self] call in
            isEarly ? requestEarly(call) : request(call)
        }
        return .suspended
    }

    private enum Applicability {
        case applies
        case skipped
        case refused(Refusal)
    }

    /// Whether an entry that not all calls are subject to applies to this one.
    ///
    /// - Parameter exempted: what has exempted the call so far.
    @inline(never)
    private func applicability(
        _ conditions: LimitConditions, _ applied: AppliedLimit, _ exempted: inout LimitConditions.Exemptions, _ call: CallView
    ) -> Applicability {
        if conditions.exemptions & exempted != 0 { return .skipped }
        if let when = conditions.when {
            let verdict = call.snapshot { snapshot in snapshot.rulesReference { $0.check(when, call.callerFacts) } }
            guard case .allowed = verdict.decision else { return .skipped }
        }
        if conditions.whenMissing != .share, applied.keys.contains(where: { isMissing($0, call) }) {
            guard conditions.whenMissing == .refuse else { return .skipped }
            return refusal(.limitKeyMissing, conditions, call)
        }
        switch conditions.effect {
        case .count, .serviceDescriptors: return .applies
        case .refuse: return refusal(.rateLimited(retryAfter: nil, limits: []), conditions, call)
        case .exempt:
            exempted |= conditions.exemption
            return .skipped
        }
    }

    /// In shadow mode only a note in the log.
    private func refusal(_ cause: RefusalCause, _ conditions: LimitConditions, _ call: CallView) -> Applicability {
        if let series = conditions.series { services.metrics.shard.add(series, conditions.isShadow ? .shadowRefused : .refused) }
        guard conditions.isShadow else { return .refused(Refusal(cause: cause, limit: conditions.name)) }
        call.count(.limitShadowed)
        call.recordShadow(conditions.name)
        return .skipped
    }

    private func isMissing(_ key: AppliedLimit.Key, _ call: CallView) -> Bool { !withValue(of: key, call) { _ in } }

    /// Puts the values of a limit's keys into the request. A value that a call does not have counts as an empty one:
    /// such calls share a counter, and none goes uncounted.
    func add(_ keys: [AppliedLimit.Key], to request: LimitRequest, _ call: CallView) {
        for key in keys where !withValue(of: key, call, { request.add(key: $0) }) { request.add(key: BorrowedBytes.none) }
    }

    /// Puts a limit into the request, or what counts in its place.
    @inline(__always)
    func begin(_ limit: Limit, hits: UInt64, _ request: LimitRequest, _ call: CallView) {
        if call.tenants == nil {
            request.begin(limit, hits: hits)
        } else {
            request.begin(adjusted(limit, request, call), hits: hits)
        }
    }

    /// What counts for the call's tenant, by an override or grants.
    @inline(never)
    private func adjusted(_ limit: Limit, _ request: LimitRequest, _ call: CallView) -> Limit {
        guard limit.tenantKeyIndex >= 0, let tenants = call.tenants, let identity = call.identity, let tenant = identity.tenant
        else { return limit }
        return tenants { tenants in
            guard let adjusted = tenants.limit(inPlaceOf: limit, for: tenant, of: identity.issuer) else { return limit }
            // The table may be replaced before the store answers.
            request.substitutes = tenants
            return adjusted
        }
    }

    /// - Returns: false, and nothing is called, where the call has no such value.
    @inline(__always)
    private func withValue(of key: AppliedLimit.Key, _ call: CallView, _ body: (BorrowedBytes) -> Void) -> Bool {
        switch key {
        case .tenant:
            guard let tenant = call.identity?.tenant else { return false }
            tenant.withUnsafeBytes(body)
        case .address: addressText(call, body)
        case .method: body(call.methodPath)
        case .constant(let text): text.withUnsafeBytes(body)
        case .header(let name):
            guard let value = call.field(name) else { return false }
            body(value)
        case .claim(let path):
            guard let path, let claim = call.identity?.token.claim(path) else { return false }
            return claim.withScalar(body) != nil
        case .text(let template):
            guard render(template, call) else { return false }
            body(text.readable)
        }
        return true
    }

    // MARK: The log

    /// What the tightest limit of the call, or the one that refused, counts it by, separated by commas; empty where the limit's keys are not
    /// logged. Valid until another call is judged.
    package func loggedKey(_ call: Record<Call>) -> BorrowedBytes {
        guard let tightest = call.tightestLimit, tightest.logsKey else { return BorrowedBytes.none }
        let view = CallView(call, services)
        let applied =
            view.policy({ Self.applied($0.limits, tightest) ?? Self.applied($0.limitsBefore, tightest) })
            ?? view.identity?.plan.flatMap { plan in view.snapshot { Self.applied($0.plans[plan].limits, tightest) } }
        logText.removeAll()
        for (index, key) in (applied?.keys ?? []).enumerated() {
            if index > 0 { logText.append(byte: UInt8(ascii: ",")) }
            _ = withValue(of: key, view) { logText.append($0) }
        }
        return logText.readable
    }

    /// By its name, which no two limits have: what an operator has put in a limit's place has its keys, too.
    private static func applied(_ limits: [AppliedLimit], _ limit: Limit) -> AppliedLimit? {
        limits.first { $0.limit?.name == limit.name }
    }

    /// Into `text`; false where the call lacks a value of it.
    private func render(_ template: CallTemplate, _ call: CallView) -> Bool {
        text.removeAll()
        return CallText(call, keeping: nil).append(template, to: &text)
    }

    /// The part of the client's address that counts, as text; `unix:` for a peer on a Unix socket.
    private func addressText(
        _ call: CallView, _ body: (BorrowedBytes) -> Void
    ) {
        guard let address = call.address else { return call.connection { body($0.peerText) } }
        call.snapshot.addressPrefix.withText(address, body)
    }
}
