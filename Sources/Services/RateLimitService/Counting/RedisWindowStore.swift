internal import Bytes
internal import Random
package import RateLimit
package import Redis
package import Time

/// Counts in Redis, for all processes together: INCRBY and EXPIRE for every counter, all commands of a tick in one write.
///
/// A key is its window: what is over is never asked again, and expires. A store that is slow or gone never holds a request
/// longer than the client's timeout; `StoreConfiguration.WhenUnavailable` then decides.
package final class RedisWindowStore: WindowStore, RedisReplyHandler {
    package unowned(unsafe) var delegate: (any WindowStoreDelegate)?

    private let sender: any RedisSender
    private var fallback: StoreFallback<MemoryWindowStore>
    private let prefix: [UInt8]
    private let command = RESPCommand()
    private var key = ByteBuffer(capacity: 256)
    private var health = StoreHealth()
    private var probing = StoreProbing()
    /// The last EXPIRE was refused, with what the server said: it counts, but keys stay behind.
    private var expireTrouble: StoreTrouble?
    /// Decisions that wait, by the number in their commands' tags.
    private var waiting: [LimitDecision?] = []
    private var freeNumbers: [Int] = []
    private var random: RandomGenerator

    /// A tag is a decision's number and, in its low byte, a counter's; the highest of those are for what no decision
    /// waits for.
    private static let numberShift: UInt = 8
    private static let probeExpireTag: UInt = 0xFD
    private static let expireTag: UInt = 0xFE
    private static let probeTag: UInt = 0xFF
    /// Keys of one window do not all go in the same second.
    private static let jitterSecondsMax: UInt64 = 300

    /// - Parameters:
    ///   - prefix: what all keys begin with (`rate_limits.domain`).
    ///   - seed: for the jitter.
    package init(
        _ sender: any RedisSender, fallback: MemoryWindowStore,
        whenUnavailable: StoreConfiguration.WhenUnavailable,
        prefix: String, seed: UInt64
    ) {
        self.sender = sender
        self.fallback = StoreFallback(whenUnavailable, local: fallback)
        self.prefix = Array(prefix.utf8)
        random = RandomGenerator(seed: seed)
    }

    package var isSkipping: Bool { health.isSkipping }

    package func count(_ decision: LimitDecision, now: Instant, wall: WallTime) -> CountAnswer {
        switch health.admit(now: now) {
        case .use: break
        case .probe:
            probe()
            fallthrough
        case .skip:
            return withoutRedis(decision, now: now, wall: wall)
        }
        let number = freeNumbers.popLast() ?? waiting.count
        if number == waiting.count { waiting.append(decision) } else { waiting[number] = decision }
        decision.outstanding = 0
        decision.hasFailed = false
        for index in decision.counters.indices where !send(decision, index, number) {
            decision.hasFailed = true
            break
        }
        guard decision.outstanding == 0 else { return .later }
        release(number)
        return withoutRedis(decision, now: now, wall: wall)
    }

    private func send(_ decision: LimitDecision, _ index: Int, _ number: Int) -> Bool {
        let counter = decision.counters[index]
        writeKey(of: counter, decision)
        let slot = ClusterSlot(of: key.readable)
        command.removeAll()
        command.add("INCRBY")
        command.add(key.readable)
        command.add(decimal: counter.hits)
        let tag = UInt(number) << Self.numberShift | UInt(index)
        if let failure = sender.send(command, to: slot, after: .zero, self, tag: tag, by: nil) {
            if failure != .queueFull { record(StoreTrouble(sender.lastFailure)) }
            return false
        }
        decision.outstanding += 1
        command.removeAll()
        command.add("EXPIRE")
        command.add(key.readable)
        command.add(decimal: counter.seconds + random.next() % (min(counter.seconds, Self.jitterSecondsMax) + 1))
        // Where this does not fit behind the first, the key stays without an end until the next request sets one.
        _ = sender.send(command, to: slot, after: .zero, self, tag: Self.expireTag, by: nil)
        return true
    }

    /// Prefix, the counter's texts, and its window: length and beginning.
    private func writeKey(of counter: LimitDecision.Counter, _ decision: LimitDecision) {
        key.removeAll()
        key.append(prefix)
        key.append(byte: UInt8(ascii: ":"))
        key.append(decision.key(of: counter))
        key.append(byte: UInt8(ascii: "@"))
        key.append(decimal: counter.seconds)
        key.append(byte: UInt8(ascii: "/"))
        key.append(decimal: counter.start)
    }

    private func release(_ number: Int) {
        waiting[number] = nil
        freeNumbers.append(number)
    }

    private func withoutRedis(_ decision: LimitDecision, now: Instant, wall: WallTime) -> CountAnswer {
        switch fallback.decide() {
        case .allowed: decision.outcome = .allowed
        case .unavailable: decision.outcome = .unavailable
        case .counted(let memory):
            decision.isLocal = true
            return memory.count(decision, now: now, wall: wall)
        }
        return .now
    }

    package func probe(now: Instant) -> Bool {
        guard probing.isNeeded(health) else { return false }
        if probing.isDue(&health, now: now) { probe() }
        return true
    }

    private func record(_ trouble: StoreTrouble?) {
        if trouble == nil { probing.decided() }
        if health.record(trouble, now: sender.now) { delegate?.windowStoreChanged(trouble) }
    }

    /// Tries both commands on a key of its own: what stands against them shows before a request does, and once it is gone.
    private func probe() {
        probing.begin()
        // The first waits for the connection to be made.
        let deadline: Instant? = probing.hasDecided ? nil : sender.now + RedisLink.openingMax
        key.removeAll()
        key.append(prefix)
        key.append(":trial")
        if sender.isSharded {
            key.append(byte: UInt8(ascii: "-"))
            key.append(decimal: probing.place)
        }
        let slot = ClusterSlot(of: key.readable)
        func send(_ word: StaticString, tag: UInt) -> Bool {
            command.removeAll()
            command.add(word)
            command.add(key.readable)
            command.add(decimal: 1)
            return sender.send(command, to: slot, after: .zero, self, tag: tag, by: deadline) == nil
        }
        if !send("INCRBY", tag: Self.probeTag) || !send("EXPIRE", tag: Self.probeExpireTag) { probeFailed(.notConnected) }
    }

    private func probeFailed(_ failure: RedisFailure) {
        health.probeFailed()
        let trouble = StoreTrouble(failure == .timedOut ? .timedOut : sender.lastFailure)
        if probing.failed(trouble) { record(trouble) }
    }

    /// The reply to an EXPIRE; no call waits for it.
    private func expired(_ reply: RedisReply) {
        expireTrouble = reply.kind == .error ? StoreTrouble(reply) : nil
        if let expireTrouble { record(expireTrouble) }
    }

    // MARK: Replies

    package func redisReplied(_ reply: RedisReply, to tag: UInt) {
        health.answered()
        switch tag {
        case Self.probeTag:
            if reply.kind == .error { record(StoreTrouble(reply)) }
            return
        case Self.probeExpireTag:
            probing.ended()
            expired(reply)
            if reply.kind == .integer, reply.integer.exactly(in: 1...1) != nil { record(nil) }
            return
        case Self.expireTag: return expired(reply)
        default: break
        }
        guard let (number, index, decision) = counter(of: tag) else { return }
        // INCRBY of hits never yields a sum below zero: another program writes these keys.
        if reply.kind == .integer, let sum = reply.integer.exactly(in: 0 ... .max) {
            decision.counters[index].sum = UInt64(sum)
        } else {
            decision.hasFailed = true
            record(StoreTrouble(reply))
        }
        answered(number, decision)
    }

    package func redisFailed(_ failure: RedisFailure, for tag: UInt) {
        if tag == Self.probeTag { return }
        if tag == Self.probeExpireTag { return probeFailed(failure) }
        guard let (number, _, decision) = counter(of: tag) else { return }
        // Once a request, however many commands it had.
        if !decision.hasFailed { count(failure) }
        decision.hasFailed = true
        answered(number, decision)
    }

    private func count(_ failure: RedisFailure) {
        switch failure {
        case .unfit:
            // A cluster without a server for the slot: the request has waited for one.
            health.timedOut(now: sender.now)
            record(StoreTrouble(failure))
        case .queueFull: break
        default:
            // The sender skips a server of a cluster that is silent, and goes on with the others.
            if !sender.isSharded { health.timedOut(now: sender.now) }
            if failure != .timedOut { record(StoreTrouble(sender.lastFailure)) } else if health.isSkipping { record(.silent) }
        }
    }

    private func counter(of tag: UInt) -> (number: Int, index: Int, decision: LimitDecision)? {
        let index = Int(tag & 0xFF)
        let number = Int(tag >> Self.numberShift)
        guard index < LimitQuery.descriptorsMax, number < waiting.count, let decision = waiting[number] else {
            return nil
        }
        return (number, index, decision)
    }

    private func answered(_ number: Int, _ decision: LimitDecision) {
        decision.outstanding -= 1
        guard decision.outstanding == 0 else { return }
        release(number)
        if decision.hasFailed {
            _ = withoutRedis(decision, now: sender.now, wall: sender.wall)
        } else {
            decision.outcome = .counted
            if expireTrouble == nil { record(nil) }
        }
        delegate?.windowsCounted(decision)
    }
}
