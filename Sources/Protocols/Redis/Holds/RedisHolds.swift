package import Bytes
internal import Crypto
package import Reactor
package import Time

/// What calls of a worker hold in Redis of counters that say how many are in flight: how many of each, released as the calls end.
///
///     asked ──charged──▶ held ──end of the call──▶ released
///       └──without an answer──▶ in doubt ──the counter is looked at──▶ what was charged in vain is released
///
/// A counter's value in Redis says which holder has how many. Each counter is refreshed now and then; the calls of a worker that has not
/// done so for `rate_limits.heartbeat_timeout` count no more. A release is a command that nothing waits for. One that is lost is mended by
/// the next refresh, as is a charge whose answer is lost: its answer says what Redis has, and what we know to hold was raised to that, so
/// the difference is what to release. Commands of a connection are carried out in their order, so charges that were answered before the
/// refresh was, are in both. Used by its worker alone.
package final class RedisHolds: RedisReplyHandler {
    /// Told when everything has been released.
    package var released: (() -> Void)?

    private let sender: any RedisSender
    /// Who holds, in Redis: of this store of this worker.
    private let name: String
    private let heartbeatTimeout: Duration
    private let refreshInterval: Duration
    private var counters: [HeldCounter.Identity: HeldCounter] = [:]
    private let command = RESPCommand()

    private let loop: EventLoop?
    private var timer: RepeatingTimer?

    private static let tickIntervalMax = Duration.milliseconds(500)
    /// It is worth more than a decision's timeout.
    private static let answerMax = Duration.seconds(1)
    /// A command has room for 256 words.
    private static let countersInCommandMax = 60
    /// What is sent in one tick at most; the next one goes on.
    private static let commandsInTickMax = 512

    /// - Parameter loop: `nil` where a test calls `tick`.
    package init(_ sender: any RedisSender, heartbeatTimeout: Duration, on loop: EventLoop?) {
        self.sender = sender
        self.loop = loop
        self.heartbeatTimeout = heartbeatTimeout
        refreshInterval = .nanoseconds(heartbeatTimeout.nanoseconds * 3 / 10)
        name = "g" + String(RandomBytes.uint64() & 0xffff_ffff_ffff, radix: 16)
    }

    package var isEmpty: Bool { counters.isEmpty }

    // MARK: Calls

    /// A call is about to ask for it.
    package func counter(_ identity: HeldCounter.Identity, write key: (inout ByteBuffer) -> Void) -> HeldCounter {
        if let counter = counters[identity] {
            counter.waiting += 1
            return counter
        }
        var text = ByteBuffer()
        key(&text)
        let counter = HeldCounter(identity, key: Array(text.readable), refreshed: sender.now)
        if counters.isEmpty { startTicking() }
        counters[identity] = counter
        counter.waiting = 1
        return counter
    }

    /// What the decision's script is told of who asks.
    package func write(_ counter: HeldCounter, to command: RESPCommand) {
        command.add { text in
            text.append(name)
            text.append(byte: 0x20)
            text.append(decimal: UInt64(heartbeatTimeout.nanoseconds / 1_000_000))
            text.append(byte: 0x20)
            text.append(decimal: counter.held)
        }
    }

    /// It was charged, by an answer that has just come.
    package func charged(_ counter: HeldCounter, _ hits: UInt64) {
        counter.held += hits
        counter.charged &+= hits
    }

    /// A call has ended, or was charged in vain.
    package func release(_ counter: HeldCounter, _ hits: UInt64) {
        counter.held -= min(counter.held, hits)
        if !send([HeldCounter.Part(counter, take: hits)]) { counter.isInDoubt = true }
    }

    /// It may have been charged: the answer is lost.
    package func doubt(_ counter: HeldCounter) { counter.isInDoubt = true }

    /// The call that asked has been decided.
    package func settled(_ counter: HeldCounter) {
        counter.waiting -= 1
        if counter.isInDoubt, !counter.isLooking { look([counter]) }
        forgetIfOver(counter)
    }

    private func forgetIfOver(_ counter: HeldCounter) {
        guard counter.held == 0, counter.waiting == 0, counter.unanswered == 0, !counter.isInDoubt else { return }
        counters[counter.identity] = nil
    }

    // MARK: Refreshing

    private func startTicking() {
        guard let loop else { return }
        if let timer { return timer.start() }
        timer = RepeatingTimer(every: min(Self.tickIntervalMax, .nanoseconds(refreshInterval.nanoseconds / 2)), on: loop) {
            [unowned self] in
            tick()
        }
    }

    /// Refreshes what is due.
    package func tick() {
        let now = sender.now
        var due: [HeldCounter] = []
        var sent = 0
        for counter in Array(counters.values) where !counter.isLooking {
            if counter.held == 0, counter.waiting == 0, counter.unanswered == 0, counter.refreshed + heartbeatTimeout <= now {
                // Redis has forgotten it by itself.
                counter.isInDoubt = false
                forgetIfOver(counter)
                continue
            }
            guard counter.isInDoubt || counter.refreshed + refreshInterval <= now else { continue }
            due.append(counter)
            guard due.count == (sender.isSharded ? 1 : Self.countersInCommandMax) else { continue }
            guard look(due), sent < Self.commandsInTickMax else { return }
            due.removeAll(keepingCapacity: true)
            sent += 1
        }
        if !due.isEmpty { look(due) }
        if counters.isEmpty {
            timer?.stop()
            released?()
        }
    }

    @discardableResult
    private func look(_ due: [HeldCounter]) -> Bool {
        guard send(due.map { HeldCounter.Part($0, take: 0) }, looking: true) else { return false }
        for counter in due {
            counter.isLooking = true
            counter.isInDoubt = false
        }
        return true
    }

    private func send(_ parts: [HeldCounter.Part], looking: Bool = false, inFull: Bool = false) -> Bool {
        command.removeAll()
        command.add(inFull ? "EVAL" : "EVALSHA")
        command.add(inFull ? HoldScript.text : HoldScript.name)
        command.add(decimal: UInt64(parts.count))
        for part in parts { part.counter.key.withUnsafeBytes { command.add($0) } }
        command.add(name)
        command.add(decimal: UInt64(heartbeatTimeout.nanoseconds / 1_000_000))
        for part in parts {
            command.add(decimal: part.take)
            command.add(decimal: part.counter.held)
        }
        let asked = HeldCounter.Question(parts, isLooking: looking)
        let retained = Unmanaged.passRetained(asked)
        let failure = sender.send(
            command, to: parts[0].counter.slot, after: .zero, self, tag: UInt(bitPattern: retained.toOpaque()),
            by: sender.now + Self.answerMax)
        guard failure == nil else {
            retained.release()
            return false
        }
        for part in parts { part.counter.unanswered += 1 }
        return true
    }

    private func take(_ tag: UInt) -> HeldCounter.Question? {
        UnsafeRawPointer(bitPattern: tag).map { Unmanaged<HeldCounter.Question>.fromOpaque($0).takeRetainedValue() }
    }

    package func redisReplied(_ reply: RedisReply, to tag: UInt) {
        guard let question = take(tag) else { return }
        for part in question.parts { part.counter.unanswered -= 1 }
        if reply.kind == .error, reply.hasPrefix("NOSCRIPT"),
            send(question.parts.map { HeldCounter.Part($0.counter, take: $0.take) }, looking: question.isLooking, inFull: true)
        {
            return
        }
        guard reply.kind == .array, reply.count.exactly(as: Int.self) == 2 * question.parts.count else { return lost(question) }
        var element = reply.first
        for part in question.parts {
            let own = element?.integer.exactly(in: 0 ... .max)?.magnitude
            element = element?.next?.next
            if question.isLooking { looked(at: part, found: own ?? part.held) }
            forgetIfOver(part.counter)
        }
    }

    /// Redis has so many of ours: what is more than we know of was charged in vain, or its release was lost.
    private func looked(at part: HeldCounter.Part, found: UInt64) {
        let counter = part.counter
        counter.isLooking = false
        counter.refreshed = sender.now
        let known = part.held + (counter.charged &- part.charged)
        let more = found > known ? found - known : 0
        // Where slots move, commands may pass one another: only what is found twice is true.
        let surplus = sender.isSharded ? min(more, counter.surplus) : more
        counter.surplus = more - surplus
        if surplus > 0, !send([HeldCounter.Part(counter, take: surplus)]) { counter.isInDoubt = true }
        if counter.surplus > 0 { counter.isInDoubt = true }
    }

    package func redisFailed(_ failure: RedisFailure, for tag: UInt) {
        guard let question = take(tag) else { return }
        for part in question.parts { part.counter.unanswered -= 1 }
        lost(question)
    }

    /// Whether it was carried out is not known.
    private func lost(_ question: HeldCounter.Question) {
        for part in question.parts {
            if question.isLooking { part.counter.isLooking = false }
            part.counter.isInDoubt = true
        }
    }
}
