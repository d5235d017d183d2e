internal import Bytes
package import Redis
package import Time

/// Counts in Redis, for all processes together: one script a call, all calls of a tick in one write.
///
/// A store that is slow or gone never holds a call longer than the client's timeout; `when_unavailable` then decides.
package final class RedisStore: LimitStore, RedisReplyHandler {
    package unowned(unsafe) var delegate: (any LimitDelegate)?

    private let sender: any RedisSender
    private var fallback: StoreFallback<MemoryStore>
    private let prefix: [UInt8]
    private let script: RedisScript
    private let command = RESPCommand()
    private var health = StoreHealth()
    private var probing = StoreProbing()

    package private(set) var timeouts: UInt64 = 0
    /// Replies that were errors, and the last of them. For tests.
    package private(set) var errors: UInt64 = 0
    package private(set) var lastError: String?

    /// - Parameter prefix: what all keys begin with (`rate_limits.domain`).
    package convenience init(
        _ sender: any RedisSender, fallback: MemoryStore, whenUnavailable: StoreConfiguration.WhenUnavailable,
        prefix: String
    ) {
        self.init(
            sender, fallback: fallback, whenUnavailable: whenUnavailable, prefix: prefix, script: RedisScript.decision)
    }

    init(
        _ sender: any RedisSender, fallback: MemoryStore, whenUnavailable: StoreConfiguration.WhenUnavailable,
        prefix: String, script: RedisScript
    ) {
        self.script = script
        self.sender = sender
        self.fallback = StoreFallback(whenUnavailable, local: fallback)
        self.prefix = Array(prefix.utf8)
    }

    package var needsValues: Bool { true }
    package var isSkipping: Bool { health.isSkipping }
    /// Calls decided by `when_unavailable`. For tests.
    package var fallbackCount: UInt64 { fallback.decisionCount }

    package func decide(_ request: LimitRequest, now: Instant, wall: WallTime) -> LimitAnswer {
        precondition(request.isComplete, "a limit without all its keys' values")
        if request.count == 0 { return .decided(request.conclude(isCharged: true, source: .redis)) }
        switch health.admit(now: now) {
        case .use: break
        case .probe:
            probe()
            return .decided(fallback.decide(request, now: now, wall: wall))
        case .skip:
            return .decided(fallback.decide(request, now: now, wall: wall))
        }
        request.deadline = sender.now + sender.timeout
        guard send(request, inFull: false) else { return .decided(fallback.decide(request, now: now, wall: wall)) }
        return .pending
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
        beginScript(inFull: inFull, keys: 2)
        for suffix: StaticString in [":trial:1", ":trial:2"] {
            command.add { text in
                text.append(prefix)
                text.append(suffix)
            }
        }
        for _ in 0..<2 {
            command.add("r")
            // One each millisecond: it is forgotten after so long.
            for number: UInt64 in [1_000_000, 1000, 1, 0] { command.add(decimal: number) }
        }
        // The first waits for the connection to be made.
        let deadline: Instant? = probing.hasDecided ? nil : sender.now + RedisLink.openingMax
        return sender.send(command, self, tag: Self.probeTag, by: deadline) == nil
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

    private func beginScript(inFull: Bool, keys: Int) {
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

    /// The request is kept alive by its own place in the pipeline.
    private func send(_ request: LimitRequest, inFull: Bool) -> Bool {
        beginScript(inFull: inFull, keys: request.count)
        for index in 0..<request.count {
            command.add { RedisKey.write(request, index, prefix: prefix, to: &$0) }
        }
        for index in 0..<request.count {
            let hits = request.slots[index].hits
            request.slots[index].limit._withUnsafeGuaranteedRef { limit in
                switch limit.algorithm {
                case .rate:
                    command.add("r")
                    command.add(decimal: limit.emission)
                case .fixed:
                    command.add("w")
                    command.add(decimal: limit.span * 60)
                case .calendar:
                    command.add("m")
                    command.add(decimal: limit.span)
                }
                command.add(decimal: limit.capacity)
                command.add(decimal: hits)
                command.add(decimal: limit.isShadow ? 1 : 0)
            }
        }
        let retained = Unmanaged.passRetained(request)
        // What the server had to be asked twice is one decision, and has one time.
        let tag = UInt(bitPattern: retained.toOpaque())
        guard let failure = sender.send(command, self, tag: tag, by: request.deadline) else { return true }
        retained.release()
        if failure != .queueFull { record(StoreTrouble(sender.lastFailure)) }
        return false
    }

    private func take(_ tag: UInt) -> LimitRequest? {
        UnsafeRawPointer(bitPattern: tag).map { Unmanaged<LimitRequest>.fromOpaque($0).takeRetainedValue() }
    }

    // MARK: Answers

    package func redisReplied(_ reply: RedisReply, to tag: UInt) {
        health.answered()
        guard let request = take(tag) else { return probeReplied(reply) }
        if request.isAbandoned { return answer(request) }
        if reply.kind == .error, reply.hasPrefix("NOSCRIPT") {
            // A server that was started anew; it keeps the script from here on.
            if !send(request, inFull: true) {
                fallback.decide(request, now: sender.now, wall: sender.wall)
                answer(request)
            }
            return
        }
        if read(reply, into: request) {
            record(nil)
        } else {
            record(StoreTrouble(reply))
            errors += 1
            lastError = reply.kind == .error ? reply.text : "a reply of another shape"
            fallback.decide(request, now: sender.now, wall: sender.wall)
        }
        answer(request)
    }

    package func redisFailed(_ failure: RedisFailure, for tag: UInt) {
        if tag == Self.probeTag { return probeFailed(failure) }
        if failure == .timedOut {
            timeouts += 1
            health.timedOut(now: sender.now)
            if health.isSkipping { record(.silent) }
        } else {
            record(StoreTrouble(sender.lastFailure))
        }
        guard let request = take(tag) else { return }
        if !request.isAbandoned { fallback.decide(request, now: sender.now, wall: sender.wall) }
        answer(request)
    }

    private func record(_ trouble: StoreTrouble?) {
        if trouble == nil { probing.decided() }
        if health.record(trouble, now: sender.now) { delegate?.limitStoreChanged(trouble) }
    }

    private func answer(_ request: LimitRequest) { delegate?.limitDecided(request) }

    /// False where the reply is not the script's.
    private func read(_ reply: RedisReply, into request: LimitRequest) -> Bool {
        guard var answer = ScriptAnswer(reply, counters: request.count) else { return false }
        for index in 0..<request.count {
            let slot = request.slots + index
            let hits = slot.pointee.hits
            let verdict = slot.pointee.limit._withUnsafeGuaranteedRef { limit -> LimitVerdict? in
                guard let word = answer.nextState(limit.algorithm) else { return nil }
                return answer.isCharged
                    ? CounterState.judge(word, limit, hits: hits, now: answer.now, wall: answer.wall).verdict
                    : CounterState.standing(word, limit, hits: hits, now: answer.now, wall: answer.wall)
            }
            guard let verdict else { return false }
            slot.pointee.verdict = verdict
        }
        request.conclude(isCharged: answer.isCharged, source: .redis)
        return true
    }
}
