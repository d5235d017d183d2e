package import Redis
package import Time

/// The leases of a worker: hits taken from counters in Redis ahead of need, used without asking, and given back where no call has used them.
///
///     begun ──asked──▶ running ──a quarter left──▶ asked for more
///                         └──its time is over──▶ what is left is given back
///
/// Each lease has one question on its way at most. One without an answer has brought nothing: what the server has given nevertheless
/// counts as used. At most `countMax`; keys beyond are asked about call by call.
package final class CounterLeases: RedisReplyHandler {
    static let countMax = 4096

    private struct Lease {
        let limit: Limit
        let digest: CounterDigest
        let key: [UInt8]
        /// When the question on its way was asked.
        var asked = Instant(nanoseconds: 0)
        /// Tells answers to a former lease of the same number.
        var generation: UInt32
    }

    private let sender: any RedisSender
    private let counters: RememberedCounters
    private let script: RedisScript
    private let command = RESPCommand()
    private var leases: [Lease?] = []
    private var free: [Int] = []
    private var generation: UInt32 = 0
    /// The process ends: hits are given back, and none leased.
    private var isEnding = false
    private(set) var count = 0

    init(_ sender: any RedisSender, _ counters: RememberedCounters, script: RedisScript) {
        self.sender = sender
        self.counters = counters
        self.script = script
    }

    /// Begins to lease hits of a counter. `key` is its name in Redis.
    func begin(_ limit: Limit, _ digest: CounterDigest, key: [UInt8]) {
        guard !isEnding, count < Self.countMax, let counter = counters.find(digest) else { return }
        let number = free.popLast() ?? leases.count
        if number == leases.count { leases.append(nil) }
        generation &+= 1
        leases[number] = Lease(limit: limit, digest: digest, key: key, generation: generation)
        count += 1
        counter.pointee.lease = Int32(number + 1)
        renew(number)
    }

    /// Asks for more where leases are running out.
    func renewRunningOut() {
        while let number = counters.runningOut.popLast() { renew(Int(number) - 1) }
    }

    private func renew(_ number: Int) {
        guard !isEnding, let lease = leases[number], let counter = counters.find(lease.digest), !counter.pointee.isAsking else {
            return
        }
        leases[number]?.asked = sender.now
        send(number, counter.pointee.takeNote(term: counters.term, now: sender.now))
    }

    /// Gives back what is left of leases whose time is over; true while there are others. To be called every `sweepInterval`.
    func sweep() -> Bool {
        for number in leases.indices { if let lease = leases[number] { sweep(number, lease) } }
        return count > 0
    }

    package static let sweepInterval = Duration.milliseconds(100)

    private func sweep(_ number: Int, _ lease: Lease) {
        guard let counter = counters.find(lease.digest) else { return end(number) }
        guard !counter.pointee.isAsking, isEnding || counter.pointee.leaseEnds <= sender.now else { return }
        let note = counter.pointee.takeNote(term: nil, now: sender.now)
        if !note.isEmpty { send(number, note) }
        counter.pointee.lease = 0
        end(number)
    }

    /// Gives all back, and takes none any more.
    func endAll() {
        isEnding = true
        _ = sweep()
    }

    private func end(_ number: Int) {
        leases[number] = nil
        free.append(number)
        count -= 1
    }

    // MARK: Questions

    private func send(_ number: Int, _ note: CounterNote) {
        guard let lease = leases[number] else { return }
        command.removeAll()
        command.add("EVALSHA")
        command.add(script.name)
        command.add(decimal: 1)
        lease.key.withUnsafeBytes { command.add($0) }
        command.add(lease.limit, at: sender.wall)
        command.add(decimal: lease.limit.capacity)
        command.add(decimal: 0)
        command.add(decimal: lease.limit.isShadow ? 1 : 0)
        // A server gives up waiting for what was leased a little later than we use it.
        command.add(decimal: ((counters.term ?? 0) + Self.graceNanoseconds) / 1000)
        command.add { note.write(to: &$0) }
        let slot = lease.key.withUnsafeBytes { ClusterSlot(of: $0) }
        let tag = UInt(lease.generation) << 32 | UInt(number)
        if sender.send(command, to: slot, after: .zero, self, tag: tag, by: nil) != nil { answered(number) }
    }

    /// For the way to the server and back, and until the next sweep.
    private static let graceNanoseconds: UInt64 = 250_000_000

    private func answered(_ number: Int) {
        guard let lease = leases[number] else { return }
        counters.find(lease.digest)?.pointee.isAsking = false
    }

    /// The lease that a tag is of, if there still is one.
    private func number(of tag: UInt) -> Int? {
        let number = Int(tag & 0xFFFF_FFFF)
        guard number < leases.count, leases[number]?.generation == UInt32(truncatingIfNeeded: tag >> 32) else { return nil }
        return number
    }

    package func redisReplied(_ reply: RedisReply, to tag: UInt) {
        guard let number = number(of: tag), let lease = leases[number] else { return }
        answered(number)
        guard let counter = counters.find(lease.digest), var answer = ScriptAnswer(reply, counters: 1, hasNotes: true),
            let found = answer.nextCounter(lease.limit)
        else { return }
        counter.pointee.take(
            found, of: lease.limit, charged: 0, newlyLeased: answer.nextLease() ?? 0, term: counters.term ?? 0, asked: lease.asked)
    }

    package func redisFailed(_ failure: RedisFailure, for tag: UInt) {
        if let number = number(of: tag) { answered(number) }
    }
}
