internal import Bytes
package import Reactor
package import Redis
package import Time

/// Counts in Redis, for all processes together: one script a call, all calls of a tick in one write. Of counters that are asked about
/// often, hits are leased, and calls decided without a question (`CounterLeases`).
///
/// A store that is slow or gone never holds a call longer than the client's timeout; `when_unavailable` then decides.
package final class RedisStore: LimitStore, RedisReplyHandler {
    package unowned(unsafe) var delegate: (any LimitDelegate)?

    let sender: any RedisSender
    var fallback: StoreFallback<MemoryStore>
    let prefix: [UInt8]
    private let script: RedisScript
    private let command = RESPCommand()
    var key = ByteBuffer(capacity: 256)
    private var health = StoreHealth()
    private var probing = StoreProbing()
    let holds: RedisHolds
    let pool = LimitHoldPool()
    let remembered: RememberedCounters
    let leases: CounterLeases
    /// Whether it keeps in mind what counters stood at, for a server that knows less; not where it is only read.
    package var remembers = true
    /// How many processes count there: while it does not answer each counts a share.
    package var processes: () -> Int = { 1 }

    package private(set) var timeouts: UInt64 = 0
    /// Replies that were errors, and the last of them. For tests.
    package private(set) var errors: UInt64 = 0
    package private(set) var lastError: String?

    /// - Parameters:
    ///   - prefix: what all keys begin with (`rate_limits.domain`).
    ///   - lease: how long hits are leased for; `nil` where every call asks.
    ///   - id: tells this worker from all others that count there.
    ///   - heartbeatTimeout: after so long without a word from this worker, its calls in flight count no more.
    package convenience init(
        _ sender: any RedisSender, fallback: MemoryStore, whenUnavailable: StoreConfiguration.WhenUnavailable,
        prefix: String, lease: Duration?, id: UInt32, heartbeatTimeout: Duration = StoreConfiguration.defaults.heartbeatTimeout,
        on loop: EventLoop? = nil
    ) {
        self.init(
            sender, fallback: fallback, whenUnavailable: whenUnavailable, prefix: prefix, lease: lease, id: id,
            script: .decision, holds: RedisHolds(sender, heartbeatTimeout: heartbeatTimeout, on: loop))
    }

    init(
        _ sender: any RedisSender, fallback: MemoryStore, whenUnavailable: StoreConfiguration.WhenUnavailable,
        prefix: String, lease: Duration?, id: UInt32, script: RedisScript, holds: RedisHolds? = nil
    ) {
        let holds = holds ?? RedisHolds(sender, heartbeatTimeout: StoreConfiguration.defaults.heartbeatTimeout, on: nil)
        self.holds = holds
        remembered = RememberedCounters(term: lease)
        leases = CounterLeases(sender, remembered, script: script, id: id)
        self.script = script
        self.sender = sender
        self.fallback = StoreFallback(whenUnavailable, local: fallback)
        self.prefix = Array(prefix.utf8)
        holds.released = { [unowned self] in delegate?.limitStoreReleased() }
        leases.released = { [unowned self] in delegate?.limitStoreReleased() }
    }

    package var needsValues: Bool { true }
    package var isSkipping: Bool { health.isSkipping }
    package var isReleasing: Bool { !holds.isEmpty || leases.isReleasing }
    /// Calls decided by `when_unavailable`. For tests.
    package var fallbackCount: UInt64 { fallback.decisionCount }

    package func decide(_ request: LimitRequest, now: Instant, wall: WallTime) -> LimitAnswer {
        precondition(request.isComplete, "a limit without all its keys' values")
        if request.count == 0 { return .decided(request.conclude(isCharged: true, source: .redis)) }
        if let outcome = remembered.decide(request, now: now) {
            if !remembered.runningOut.isEmpty { leases.renewRunningOut() }
            return .decided(outcome)
        }
        switch health.admit(now: now) {
        case .use: break
        case .probe:
            probe()
            return .decided(decideWithout(request, isUntold: true, now: now, wall: wall))
        case .skip:
            return .decided(decideWithout(request, isUntold: true, now: now, wall: wall))
        }
        request.asked = sender.now
        request.deadline = request.asked + sender.timeout
        request.wall = wall
        begin(request)
        tell(request)
        sendAll(request, after: .zero)
        if request.redis?.isOutstanding == true { return .pending }
        settle(request, isAdmitted: false)
        return .decided(decideWithout(request, isUntold: true, now: now, wall: wall))
    }

    // MARK: Sending

    private static let probeTag: UInt = 0

    package func probe(now: Instant) -> Bool {
        guard probing.isNeeded(health) else { return false }
        if probing.isDue(&health, now: now) { probe() }
        return true
    }

    /// Tries the script on keys of its own, as a call would: what stands against it (a permission, a cluster's slots, a replica)
    /// shows before a call does, and once it is gone.
    private func probe() {
        probing.begin()
        if !probe(inFull: false) { probeFailed(.notConnected) }
    }

    private func probe(inFull: Bool) -> Bool {
        begin(script, inFull: inFull, keys: 2)
        for number: UInt64 in 1...2 {
            key.removeAll()
            key.append(prefix)
            if sender.isSharded {
                // Keys of one script are in one slot.
                key.append(":{trial-")
                key.append(decimal: probing.place)
                key.append("}:")
            } else {
                key.append(":trial:")
            }
            key.append(decimal: number)
            command.add(key.readable)
        }
        for _ in 0..<2 {
            command.add("r")
            // One each millisecond: it is forgotten after so long.
            for number: UInt64 in [1_000_000, 1000, 1, 0] { command.add(decimal: number) }
        }
        // The first waits for the connection to be made.
        let deadline: Instant? = probing.hasDecided ? nil : sender.now + RedisLink.openingMax
        return sender.send(command, to: ClusterSlot(of: key.readable), after: .zero, self, tag: Self.probeTag, by: deadline) == nil
    }

    private func probeReplied(_ reply: RedisReply) {
        if reply.kind == .error, reply.hasPrefix("NOSCRIPT"), probe(inFull: true) { return }
        probing.ended()
        if ScriptAnswer.isShaped(reply, counters: 2) {
            record(nil)
        } else {
            record(StoreTrouble(reply))
        }
    }

    private func probeFailed(_ failure: RedisFailure) {
        health.probeFailed()
        let trouble = StoreTrouble(failure == .timedOut ? .timedOut : sender.lastFailure)
        if probing.failed(trouble) { record(trouble) }
    }

    private func begin(_ script: RedisScript, inFull: Bool, keys: Int) {
        command.removeAll()
        if inFull {
            command.add("EVAL")
            command.add(script.text)
        } else {
            command.add("EVALSHA")
            command.add(script.name)
        }
        command.add(decimal: UInt64(keys))
    }

    /// Sees which limits are counted together: all, but in a cluster those of one slot.
    private func begin(_ request: LimitRequest) {
        let decision = request.redis ?? RedisDecision()
        request.redis = decision
        decision.reset(request.charging)
        let isSharded = sender.isSharded
        for index in 0..<request.count {
            key.removeAll()
            if isSharded { RedisKey.write(request, index, prefix: prefix, to: &key) }
            decision.add(ClusterSlot(of: key.readable))
        }
        if request.countsInFlight { beginHolding(request, decision) }
    }

    private func sendAll(_ request: LimitRequest, after pause: Duration) {
        guard let decision = request.redis else { return }
        for group in 0..<decision.groupCount {
            if send(request, decision, group, inFull: false, after: pause) { decision.sent(group) } else { decision.failed() }
        }
    }

    /// The request is kept alive by its own place in the pipeline. Its handle and the group's number are the tag.
    private func send(_ request: LimitRequest, _ decision: RedisDecision, _ group: Int, inFull: Bool, after pause: Duration) -> Bool
    {
        begin(script, inFull: inFull, keys: decision.counterCount(in: group))
        for index in 0..<request.count where decision.counters[index].group == group {
            command.add { RedisKey.write(request, index, prefix: prefix, to: &$0) }
        }
        for index in 0..<request.count where decision.counters[index].group == group {
            let hits = request.slots[index].hits
            request.slots[index].limit._withUnsafeGuaranteedRef { limit in
                if let held = decision.counters[index].held {
                    command.add("n")
                    holds.write(held, to: command)
                } else {
                    command.add(limit, at: request.wall)
                }
                command.add(decimal: limit.capacity)
                // Calls in flight that nothing would release are not charged.
                command.add(decimal: limit.algorithm == .concurrency && decision.counters[index].held == nil ? 0 : hits)
                command.add(decimal: request.charging == .always ? 2 : limit.isShadow ? 1 : 0)
            }
        }
        if decision.isProvisional { command.add("p") }
        let retained = Unmanaged.passRetained(request)
        // What the server had to be asked twice is one decision, and has one time.
        let tag = UInt(bitPattern: request.handle) | UInt(group)
        guard let failure = sender.send(command, to: decision.slots[group], after: pause, self, tag: tag, by: request.deadline)
        else {
            return true
        }
        retained.release()
        if failure != .queueFull { record(StoreTrouble(sender.lastFailure)) }
        return false
    }

    /// There are no more groups than limits.
    private static let groupMask = UInt(LimitRequest.groupsMax - 1)

    private func take(_ tag: UInt) -> (LimitRequest, RedisDecision, group: Int)? {
        guard let pointer = UnsafeRawPointer(bitPattern: tag & ~Self.groupMask) else { return nil }
        let request = pointer.load(as: Unmanaged<LimitRequest>.self).takeRetainedValue()
        guard let decision = request.redis else { return nil }
        return (request, decision, Int(tag & Self.groupMask))
    }

    // MARK: Giving back

    private static let giveBackTag: UInt = 1

    /// What some servers have charged and others have not. Nothing waits for it, and where it is lost the limit has been used.
    private func giveBack(_ request: LimitRequest, _ decision: RedisDecision) {
        for group in 0..<decision.groupCount {
            let charged = (0..<request.count).filter { index in
                let counter = decision.counters[index]
                let hits = request.slots[index].hits
                guard counter.group == group, counter.isCharged, hits > 0, counter.held == nil, let found = counter.found
                else { return false }
                // A shadow limit that is used up was not charged.
                return request.slots[index].limit._withUnsafeGuaranteedRef { limit in
                    !limit.isShadow || found.verdict(limit, hits: hits, isCharged: true).isAllowed
                }
            }
            guard !charged.isEmpty else { continue }
            // In full: which servers know this script is not kept.
            begin(RedisScript.giveBack, inFull: true, keys: charged.count)
            for index in charged { command.add { RedisKey.write(request, index, prefix: prefix, to: &$0) } }
            for index in charged {
                guard let found = decision.counters[index].found else { continue }
                let hits = request.slots[index].hits
                request.slots[index].limit._withUnsafeGuaranteedRef { limit in
                    command.add(limit.algorithm == .rate ? "r" : "w")
                    command.add(decimal: limit.algorithm == .rate ? hits * limit.emission : hits)
                    command.add(decimal: found.stamp)
                    command.add(decimal: found.giveBackContext(limit))
                }
            }
            _ = sender.send(
                command, to: decision.slots[group], after: .zero, self, tag: Self.giveBackTag, by: sender.now + Self.giveBackMax)
        }
    }

    /// It is worth more than a decision's timeout.
    private static let giveBackMax = Duration.seconds(1)

    // MARK: Answers

    package func redisReplied(_ reply: RedisReply, to tag: UInt) {
        if tag == Self.giveBackTag { return }
        health.answered()
        guard let (request, decision, group) = take(tag) else { return probeReplied(reply) }
        if !request.isAbandoned {
            if reply.kind == .error, reply.hasPrefix("NOSCRIPT") {
                // A server that was started anew; it keeps the script from here on.
                if send(request, decision, group, inFull: true, after: .zero) { return }
                decision.failed()
            } else if read(reply, into: request, decision, group) {
                record(nil)
            } else {
                record(StoreTrouble(reply))
                errors += 1
                lastError = reply.kind == .error ? reply.text : "a reply of another shape"
                decision.failed()
            }
        } else if request.countsInFlight, let answer = ScriptAnswer(reply, counters: decision.counterCount(in: group)) {
            decision.replied(group, isCharged: answer.isCharged, isPassing: answer.isPassing)
            if answer.isCharged { recordCharged(request, decision, group) }
        }
        received(request, decision)
    }

    package func redisFailed(_ failure: RedisFailure, for tag: UInt) {
        if tag == Self.giveBackTag { return }
        if tag == Self.probeTag { return probeFailed(failure) }
        var isUncertain = false
        switch failure {
        case .timedOut:
            timeouts += 1
            isUncertain = true
            // The sender skips a server of a cluster that is silent, and goes on with the others.
            if sender.isSharded { break }
            health.timedOut(now: sender.now)
            if health.isSkipping { record(.silent) }
        case .unfit(let words):
            // Neither a slot without a server nor keys on their way say anything of other slots.
            if !words.hasPrefix("TRYAGAIN"), !words.hasPrefix("CLUSTERDOWN") { health.timedOut(now: sender.now) }
            record(StoreTrouble(failure))
        case .queueFull: break
        default: record(StoreTrouble(sender.lastFailure))
        }
        guard let (request, decision, _) = take(tag) else { return }
        decision.failed(isUncertain: isUncertain)
        received(request, decision)
    }

    /// One group has been dealt with: perhaps the last.
    private func received(_ request: LimitRequest, _ decision: RedisDecision) {
        decision.received()
        let canRepeat = sender.isSharded && sender.now + Self.repeatPause + Self.repeatPause < request.deadline
        switch decision.step(canRepeat: canRepeat && !request.isAbandoned) {
        case .wait: return
        case _ where request.isAbandoned: settle(request, isAdmitted: false)
        case .conclude(let isCharged):
            if !isCharged, decision.isProvisional { giveBack(request, decision) }
            conclude(request, decision, isCharged: isCharged)
            settle(request, isAdmitted: isCharged)
        case .repeatOnce:
            if decision.isProvisional { giveBack(request, decision) }
            settle(request, isAdmitted: false, isOver: false)
            decision.again()
            sendAll(request, after: Self.repeatPause)
            if decision.isOutstanding { return }
            settle(request, isAdmitted: false)
            decideWithout(request, isUntold: true, now: sender.now, wall: sender.wall)
        case .unavailable:
            settle(request, isAdmitted: false)
            let outcome = decideWithout(request, isUntold: !decision.isUncertain, now: sender.now, wall: sender.wall)
            if decision.isProvisional, !outcome.isAllowed { giveBack(request, decision) }
        }
        answer(request)
    }

    /// So long another call needs to have given back what it had charged in vain.
    private static let repeatPause = Duration.milliseconds(3)

    private func record(_ trouble: StoreTrouble?) {
        if trouble == nil { probing.decided() }
        if health.record(trouble, now: sender.now) { delegate?.limitStoreChanged(trouble) }
    }

    private func answer(_ request: LimitRequest) { delegate?.limitDecided(request) }

    /// False where the reply is not the script's.
    private func read(_ reply: RedisReply, into request: LimitRequest, _ decision: RedisDecision, _ group: Int) -> Bool {
        guard var answer = ScriptAnswer(reply, counters: decision.counterCount(in: group)) else { return false }
        for index in 0..<request.count where decision.counters[index].group == group {
            let found = request.slots[index].limit._withUnsafeGuaranteedRef { answer.nextCounter($0) }
            guard let found else { return false }
            decision.counters[index].found = found
        }
        for index in 0..<request.count where decision.counters[index].group == group {
            decision.counters[index].allLeased = answer.nextShares().allLeased
        }
        decision.replied(
            group, isCharged: answer.isCharged, isPassing: answer.isPassing, leasesEndAfter: answer.leasesEndAfter)
        if answer.isCharged, request.countsInFlight { recordCharged(request, decision, group) }
        return true
    }

    private func conclude(_ request: LimitRequest, _ decision: RedisDecision, isCharged: Bool) {
        for index in 0..<request.count {
            let slot = request.slots + index
            guard let found = decision.counters[index].found else {
                slot.pointee.verdict = .unknown
                continue
            }
            if request.charging == .always {
                let step = slot.pointee.limit._withUnsafeGuaranteedRef { found.charged($0, hits: slot.pointee.hits) }
                slot.pointee.verdict = step.verdict
                slot.pointee.charged = step.word
                continue
            }
            slot.pointee.verdict = slot.pointee.limit._withUnsafeGuaranteedRef {
                found.verdict($0, hits: slot.pointee.hits, isCharged: isCharged)
            }
            if let wait = decision.counters[index].leasesEndAfter, !slot.pointee.verdict.isAllowed {
                slot.pointee.verdict.retryAfterNanoseconds = wait
            }
        }
        request.conclude(isCharged: isCharged, source: .redis)
        remember(request, decision, isCharged: isCharged)
    }
}
