package import Bytes
internal import GRPC
package import RateLimit
internal import Reactor
internal import Time
package import Transport

/// `envoy.service.ratelimit.v3.RateLimitService` with the answers of envoyproxy/ratelimit. One per worker.
///
/// A request is over its limit when any of its descriptors is, and then charged to none of them, unless its domain charges each. A
/// request that is answered at once allocates nothing.
package final class LimitService: UnaryMethod, LimitDelegate {
    package static let name = "envoy.service.ratelimit.v3.RateLimitService"

    /// What requests are judged by from now on; those that wait for the store finish with what they began with.
    package var rules: RuleTree {
        didSet { counts.adopt(rules) }
    }
    package var storeChanged: ((StoreTrouble?) -> Void)?
    private let store: any LimitStore
    private let counts: LimitServiceCounts
    /// Runs until the store has counted, and whenever it is in trouble.
    private var storeTimer: RepeatingTimer?
    /// Runs while hits are leased.
    private var leaseTimer: RepeatingTimer?
    private unowned let loop: EventLoop
    private let overrides: OverrideLimits
    private var query = LimitQuery()
    /// All there are, and of them those that no request has.
    private var decisions: [LimitDecision] = []
    private var idleDecisions: [LimitDecision] = []
    /// By a name's number: whether a rule of this request replaces it.
    private var isReplaced: [Bool] = []

    /// - Parameter counters: of the process.
    init(rules: RuleTree, store: any LimitStore, counters: CounterRegistry, counts: LimitServiceCounts, loop: EventLoop) {
        self.rules = rules
        self.counts = counts
        self.store = store
        overrides = OverrideLimits(counters)
        self.loop = loop
        store.delegate = self
        storeTimer = RepeatingTimer(every: StoreHealth.probeInterval, on: loop) { [unowned self] in
            if !store.probe(now: loop.now) { storeTimer?.stop() }
        }
        storeTimer?.start(after: .zero)
        leaseTimer = RepeatingTimer(every: CounterLeases.sweepInterval, on: loop) { [unowned self] in
            if !store.sweepLeases() { leaseTimer?.stop() }
        }
    }

    package func register(on server: GRPCServer) {
        server.register("\(RateLimitRequestWriter.path)", .unary(self))
    }

    package func answer(
        _ call: GRPCCall, _ request: UnsafeRawBufferPointer, _ reply: inout ByteBuffer
    ) -> UnaryAnswer {
        do throws(LimitQuery.Failure) {
            try query.read(request)
        } catch {
            return .failed(error.status)
        }
        let decision = idleDecisions.popLast() ?? makeDecision()
        prepare(decision)
        if decision.request.count > 0, store.decide(decision.request, now: loop.now, wall: loop.wall) == .pending {
            decision.call = call.reference
            return .later
        }
        defer { finish(decision) }
        guard decision.outcome != .unavailable else { return .failed(Self.unavailable) }
        AnswerWriter.write(decision, to: &reply)
        return .done
    }

    /// Decides a request that came otherwise than by gRPC, and tells `waiter`, perhaps before this returns.
    func decide(_ message: UnsafeRawBufferPointer, for waiter: any LimitWaiter) {
        do throws(LimitQuery.Failure) {
            try query.read(message)
        } catch {
            return waiter.limitFailed(error.status)
        }
        let decision = idleDecisions.popLast() ?? makeDecision()
        prepare(decision)
        decision.waiter = waiter
        if decision.request.count > 0, store.decide(decision.request, now: loop.now, wall: loop.wall) == .pending { return }
        defer { finish(decision) }
        tell(waiter, decision)
    }

    private func tell(_ waiter: any LimitWaiter, _ decision: LimitDecision) {
        guard decision.outcome != .unavailable else { return waiter.limitFailed(Self.unavailable) }
        var answer = ByteBuffer(capacity: 256)
        AnswerWriter.write(decision, to: &answer)
        waiter.limitAnswered(answer.readable, isOver: decision.isOverLimit)
    }

    private func makeDecision() -> LimitDecision {
        let decision = LimitDecision(keepsValues: store.needsValues)
        decisions.append(decision)
        return decision
    }

    package func limitDecided(_ request: LimitRequest) {
        guard let decision = LimitDecision.of(request) else { return }
        defer { finish(decision) }
        if let waiter = decision.waiter { return tell(waiter, decision) }
        // The caller may have gone; what it counted stays counted.
        guard let call = decision.call?.live else { return }
        guard decision.outcome != .unavailable else { return call.finish(Self.unavailable) }
        call.send { AnswerWriter.write(decision, to: &$0) }
        call.finish(.ok)
    }

    private static let unavailable = CallStatus(.unavailable, "the store of the counters does not answer")

    package func limitStoreChanged(_ trouble: StoreTrouble?) {
        counts.setStore(isDown: trouble != nil)
        if trouble != nil { storeTimer?.start() }
        storeChanged?(trouble)
    }

    package func limitStoreLeased() { leaseTimer?.start() }

    /// The process is to end: what is leased of limits is given back.
    func endLeases() { store.endLeases() }

    private func finish(_ decision: LimitDecision) {
        counts.answered(decision, nanoseconds: loop.now.nanoseconds(since: decision.began))
        counts.count(decision)
        decision.reset()
        idleDecisions.append(decision)
    }

    // MARK: From a request to its counters

    private func prepare(_ decision: LimitDecision) {
        let rules = rules
        decision.tree = rules
        decision.second = UInt64(max(0, loop.wall.seconds))
        decision.began = loop.now
        let domain = rules.number(ofDomain: query.domain)
        decision.row = counts.row(ofDomain: domain)
        let level = domain < 0 ? -1 : rules.level(ofDomain: domain)
        var hasReplacements = false
        for descriptor in query.descriptors {
            var check = LimitDecision.Check()
            if let override = descriptor.override {
                check.kind = .counted
                check.requests = override.requests.clamped(to: 0 ... .max)
                check.unit = override.unit
                check.seconds = override.unit.seconds ?? 1
                check.row = counts.overrides
            } else if level >= 0 {
                let rule = rules.rule(from: level, query.entries[descriptor.entries])
                if rule >= 0 {
                    check.apply(rule, of: rules)
                    check.row = counts.row(ofRule: rule, rules, query.entries[descriptor.entries])
                    if rules.replacesOthers(rule) { hasReplacements = true }
                }
            }
            check.hits = query.hits(of: descriptor).clamped(to: 0...Self.hitsMax)
            decision.checks.append(check)
        }
        if hasReplacements { replace(in: decision, rules) }
        groupQuotas(decision)
        decision.begin(
            limits: query.descriptors.count, charging: domain < 0 ? .allOrNone : rules.charging(ofDomain: domain))
        for index in decision.checks.indices where decision.checks[index].kind == .counted {
            decision.checks[index].slot = decision.request.count
            addLimit(to: decision, decision.checks[index], query.entries[query.descriptors[index].entries])
        }
    }

    private func groupQuotas(_ decision: LimitDecision) {
        for index in decision.checks.indices where decision.checks[index].isQuota {
            let entries = query.entries[query.descriptors[index].entries]
            let first = decision.checks[..<index].indices.first { other in
                decision.checks[other].isQuota && QuotaGroup.isOne(query.entries[query.descriptors[other].entries], entries)
            }
            decision.checks[index].quotaGroup = first ?? index
        }
    }

    /// Limits that a limit of the same request replaces do not count. Unlimited ones stay what they are.
    private func replace(in decision: LimitDecision, _ rules: RuleTree) {
        isReplaced.removeAll(keepingCapacity: true)
        isReplaced.append(contentsOf: repeatElement(false, count: rules.nameCount))
        for check in decision.checks where check.rule >= 0 {
            for name in rules.rules[check.rule].replaces { isReplaced[name] = true }
        }
        for index in decision.checks.indices {
            let check = decision.checks[index]
            guard check.rule >= 0, check.kind == .counted else { continue }
            let name = rules.rules[check.rule].nameNumber
            if name >= 0, isReplaced[name] { decision.checks[index] = LimitDecision.Check() }
        }
    }

    /// A counter is told from others by domain, keys, values and the window's length, but not by what it may hold: a changed limit goes
    /// on from what was already counted.
    private func addLimit(to decision: LimitDecision, _ check: LimitDecision.Check, _ entries: ArraySlice<LimitQuery.Entry>) {
        if check.rule >= 0 {
            rules.add(check.rule, entries, to: decision.request, hits: check.hits)
        } else {
            let limit = overrides.limit(domain: query.domain, entries, requests: check.requests, seconds: check.seconds)
            decision.overrides.append(limit)
            decision.request.begin(limit, hits: check.hits)
            for entry in entries { decision.request.add(key: entry.value) }
        }
    }

    /// One more than any limit allows.
    private static let hitsMax = UInt64(UInt32.max) + 1
}

extension LimitQuery.Failure {
    fileprivate var status: CallStatus {
        switch self {
        case .malformed: CallStatus(.internal, "the request is not a RateLimitRequest")
        case .noDomain: CallStatus(.invalidArgument, "the domain must not be empty")
        case .noDescriptors: CallStatus(.invalidArgument, "the list of descriptors must not be empty")
        case .noEntries: CallStatus(.invalidArgument, "a descriptor must have at least one entry")
        case .emptyKey: CallStatus(.invalidArgument, "the key of an entry must not be empty")
        case .overrideWithoutUnit: CallStatus(.invalidArgument, "a descriptor's limit must have a unit")
        case .tooMuch:
            CallStatus(
                .invalidArgument,
                "too much: at most \(LimitQuery.descriptorsMax) descriptors and \(LimitQuery.entriesMax) entries")
        }
    }
}
