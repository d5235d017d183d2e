package import Bytes
internal import GRPC
package import RateLimit
internal import Reactor
internal import Time
package import Transport

/// `envoy.service.ratelimit.v3.RateLimitService` with the answers of envoyproxy/ratelimit. One per worker.
///
/// A request counts in every descriptor's window, each by itself, and is over its limit when any of them is. A request
/// that is answered at once allocates nothing.
package final class LimitService: UnaryMethod, WindowStoreDelegate {
    package static let name = "envoy.service.ratelimit.v3.RateLimitService"

    /// What requests are judged by from now on; those that wait for the store finish with what they began with.
    package var rules: RuleTree {
        didSet { counts.adopt(rules) }
    }
    package var storeChanged: ((StoreTrouble?) -> Void)?
    private let store: any WindowStore
    private let counts: LimitServiceCounts
    /// Runs until the store has counted, and whenever it is in trouble.
    private var storeTimer: RepeatingTimer?
    private unowned let loop: EventLoop
    private let seed: HashSeed
    private let overrides: OverrideTables
    private var query = LimitQuery()
    private var idleDecisions: [LimitDecision] = []
    /// By a name's number: whether a rule of this request replaces it.
    private var isReplaced: [Bool] = []

    /// - Parameter counters: of the process.
    init(rules: RuleTree, store: any WindowStore, counters: CounterRegistry, counts: LimitServiceCounts, loop: EventLoop) {
        self.rules = rules
        self.counts = counts
        self.store = store
        seed = counters.seed
        overrides = OverrideTables(counters)
        self.loop = loop
        store.delegate = self
        storeTimer = RepeatingTimer(every: StoreHealth.probeInterval, on: loop) { [unowned self] in
            if !store.probe(now: loop.now) { storeTimer?.stop() }
        }
        storeTimer?.start(after: .zero)
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
        let decision = idleDecisions.popLast() ?? LimitDecision()
        prepare(decision)
        if !decision.counters.isEmpty, store.count(decision, now: loop.now, wall: loop.wall) == .later {
            decision.call = call.reference
            return .later
        }
        defer { finish(decision) }
        guard decision.outcome != .unavailable else { return .failed(Self.unavailable) }
        AnswerWriter.write(decision, to: &reply)
        return .done
    }

    package func windowsCounted(_ decision: LimitDecision) {
        defer { finish(decision) }
        // The caller may have gone; what it counted stays counted.
        guard let call = decision.call?.live else { return }
        guard decision.outcome != .unavailable else { return call.finish(Self.unavailable) }
        call.send { AnswerWriter.write(decision, to: &$0) }
        call.finish(.ok)
    }

    private static let unavailable = CallStatus(.unavailable, "the store of the counters does not answer")

    package func windowStoreChanged(_ trouble: StoreTrouble?) {
        counts.setStore(isDown: trouble != nil)
        if trouble != nil { storeTimer?.start() }
        storeChanged?(trouble)
    }

    private func finish(_ decision: LimitDecision) {
        counts.answered(decision, nanoseconds: loop.now.nanoseconds(since: decision.began))
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
            } else if level >= 0 {
                check.rule = rules.rule(from: level, query.entries[descriptor.entries])
                if check.rule >= 0 {
                    let rule = rules.rules[check.rule]
                    check.kind = rule.isUnlimited ? .unlimited : .counted
                    check.requests = rule.requests
                    check.unit = rule.unit
                    check.isShadow = rule.isShadow
                    if !rule.replaces.isEmpty { hasReplacements = true }
                }
            }
            decision.checks.append(check)
        }
        if hasReplacements { replace(in: decision, rules) }
        for index in decision.checks.indices where decision.checks[index].kind == .counted {
            decision.checks[index].counter = decision.counters.count
            addCounter(decision, decision.checks[index], query.descriptors[index])
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

    /// A counter is told from others by domain, keys, values and the window's length: not by its rule, so a changed limit
    /// goes on from what was already counted.
    private func addCounter(
        _ decision: LimitDecision, _ check: LimitDecision.Check, _ descriptor: LimitQuery.Descriptor
    ) {
        let seconds = check.unit.seconds ?? 1
        var hasher = CounterHasher(seed: seed)
        hasher.absorb(query.domain)
        let start = decision.keys.count
        append(query.domain, to: &decision.keys)
        for entry in query.entries[descriptor.entries] {
            hasher.absorb(entry.key)
            hasher.absorb(entry.value)
            append(entry.key, to: &decision.keys)
            append(entry.value, to: &decision.keys)
        }
        hasher.absorb(word: seconds)
        let own = check.rule >= 0 ? decision.tree?.rules[check.rule].table : nil
        let table = own ?? overrides.table(domain: query.domain, query.entries[descriptor.entries], seconds: seconds)
        decision.counters.append(
            LimitDecision.Counter(
                digest: hasher.finish(), table: table, requests: UInt64(check.requests),
                hits: query.hits(of: descriptor).clamped(to: 0...Self.hitsMax),
                seconds: seconds, start: decision.second / seconds * seconds, key: start..<decision.keys.count))
    }

    /// One more than any limit allows, and Redis counts so many of them before its integers end.
    private static let hitsMax = UInt64(UInt32.max) + 1

    /// With its length before it: no two lists of texts make the same key.
    private func append(_ text: UnsafeRawBufferPointer, to keys: inout ByteBuffer) {
        keys.append(decimal: UInt64(text.count))
        keys.append(byte: UInt8(ascii: ":"))
        keys.append(text)
    }
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
