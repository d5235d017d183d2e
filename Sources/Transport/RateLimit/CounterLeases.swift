package import Redis
package import Time

/// What a worker tells Redis of counters beside its calls: hits that it leases ahead of need and gives back, and such that it let through while
/// Redis did not answer.
///
///     begun ──a note──▶ leasing ──a quarter left──▶ the next note
///                          └──time is over──▶ a note of what was used ──acknowledged──▶ ended
///
/// Each counter has one note on its way at most. One without an answer is repeated, as part of the next, until the counter's window is over.
/// At most `countMax` counters; keys beyond are asked about call by call.
package final class CounterLeases: RedisReplyHandler {
    static let countMax = 4096

    private struct Lease {
        let limit: Limit
        let digest: CounterDigest
        let key: [UInt8]
        let slot: ClusterSlot
        /// Tells answers to a former lease of the same number.
        let serial: UInt32
        /// On its way.
        var note = CounterNote()
        var asked = Instant(nanoseconds: 0)
        var generation: UInt64 = 0
    }

    private let sender: any RedisSender
    private let counters: RememberedCounters
    private let script: RedisScript
    private let id: UInt32
    private let command = RESPCommand()
    private var leases: [Lease?] = []
    private var free: [Int] = []
    private var serial: UInt32 = 0
    /// The process ends: hits are given back, and none leased.
    private var isEnding = false
    private(set) var count = 0

    /// - Parameter id: tells this worker from all others, of this process and of others.
    init(_ sender: any RedisSender, _ counters: RememberedCounters, script: RedisScript, id: UInt32) {
        self.sender = sender
        self.counters = counters
        self.script = script
        self.id = id
    }

    enum Purpose {
        /// To lease hits.
        case lease
        /// To tell Redis at once what it may not know.
        case tell
        /// To tell it with the next sweep: it does not answer at present.
        case tellLater
    }

    /// Begins to send notes of a counter. `key` is its name in Redis.
    func begin(_ limit: Limit, _ digest: CounterDigest, key: UnsafeRawBufferPointer, _ purpose: Purpose) {
        guard let counter = counters.find(digest), !counter.pointee.isAsking else { return }
        if counter.pointee.lease == 0 {
            guard count < Self.countMax else { return }
            let number = free.popLast() ?? leases.count
            if number == leases.count { leases.append(nil) }
            serial &+= 1
            leases[number] = Lease(limit: limit, digest: digest, key: Array(key), slot: ClusterSlot(of: key), serial: serial)
            count += 1
            counter.pointee.lease = Int32(number + 1)
        }
        if purpose != .tellLater { send(Int(counter.pointee.lease) - 1, isLeased: purpose == .lease) }
    }

    /// Asks for more where leases are running out.
    func renewRunningOut() {
        while let number = counters.runningOut.popLast() { send(Int(number) - 1, isLeased: true) }
    }

    /// Says what was used of leases whose time is over; true while there are others. To be called every `sweepInterval`.
    func sweep() -> Bool {
        var sent = 0
        for number in leases.indices where sent < Self.notesPerSweepMax {
            guard let lease = leases[number] else { continue }
            switch sweep(number, lease) {
            case .nothing: break
            case .sent: sent += 1
            // Nor can the others be.
            case .refused: return true
            }
        }
        return count > 0
    }

    package static let sweepInterval = Duration.milliseconds(100)
    /// Calls find room beside them.
    private static let notesPerSweepMax = 256

    private enum Swept { case nothing, sent, refused }

    private func sweep(_ number: Int, _ lease: Lease) -> Swept {
        guard let counter = counters.find(lease.digest) else {
            end(number)
            return .nothing
        }
        guard !counter.pointee.isAsking, isEnding || counter.pointee.leaseEnds <= sender.now else { return .nothing }
        if counter.pointee.hasToTell, !counter.pointee.isPast(now: sender.now, grace: Self.graceNanoseconds) {
            return send(number, isLeased: false) ? .sent : .refused
        }
        counter.pointee.lease = 0
        end(number)
        return .nothing
    }

    /// Gives all back, and takes none any more.
    func endAll() {
        isEnding = true
        for number in leases.indices {
            if let lease = leases[number], sweep(number, lease) == .refused { endIfDone(number) }
        }
    }

    /// What is to be given back at the end has not been, as far as is known.
    var isReleasing: Bool { isEnding && count > 0 }
    /// Called where `isReleasing` has become false with an answer.
    var released: (() -> Void)?

    /// Once all have an answer, or none, there is nothing more to wait for.
    private func endIfDone(_ number: Int) {
        guard isEnding, let lease = leases[number] else { return }
        counters.find(lease.digest)?.pointee.lease = 0
        end(number)
        if count == 0 { released?() }
    }

    private func end(_ number: Int) {
        leases[number] = nil
        free.append(number)
        count -= 1
    }

    // MARK: Notes

    @discardableResult
    private func send(_ number: Int, isLeased: Bool) -> Bool {
        guard var lease = leases[number], let counter = counters.find(lease.digest), !counter.pointee.isAsking else { return false }
        lease.asked = sender.now
        lease.generation = sender.generation(of: lease.slot)
        lease.note = counter.pointee.takeNote(
            id, term: isLeased && !isEnding ? counters.term : nil, generation: lease.generation, isEnding: isEnding,
            now: lease.asked)
        leases[number] = lease
        command.removeAll()
        // A server that is new to us may not know the script, and is to hear this before any call.
        if lease.generation != counter.pointee.generation {
            command.add("EVAL")
            command.add(script.text)
        } else {
            command.add("EVALSHA")
            command.add(script.name)
        }
        command.add(decimal: 1)
        lease.key.withUnsafeBytes { command.add($0) }
        command.add(lease.limit, at: sender.wall)
        command.add(decimal: lease.limit.capacity)
        command.add(decimal: 0)
        command.add(decimal: lease.limit.isShadow ? 1 : 0)
        // The server gives up waiting for what was leased a little later than we use it.
        command.add(decimal: ((counters.term ?? 0) + Self.graceNanoseconds) / 1000)
        command.add { lease.note.write(to: &$0) }
        let tag = UInt(lease.serial) << 32 | UInt(number)
        guard sender.send(command, to: lease.slot, after: .zero, self, tag: tag, by: nil) != nil else { return true }
        counter.pointee.isAsking = false
        return false
    }

    /// For the way to the server and back, and until the next sweep.
    private static let graceNanoseconds: UInt64 = 250_000_000

    /// The lease that a tag is of, if there still is one, and its counter.
    private func lease(of tag: UInt) -> (Lease, UnsafeMutablePointer<RememberedCounter>)? {
        let number = Int(tag & 0xFFFF_FFFF)
        guard number < leases.count, let lease = leases[number], lease.serial == UInt32(truncatingIfNeeded: tag >> 32),
            let counter = counters.find(lease.digest)
        else { return nil }
        return (lease, counter)
    }

    package func redisReplied(_ reply: RedisReply, to tag: UInt) {
        guard let (lease, counter) = lease(of: tag) else { return }
        counter.pointee.isAsking = false
        guard var answer = ScriptAnswer(reply, counters: 1), let found = answer.nextCounter(lease.limit) else {
            // As without an answer: the store that is left must not wait for another one.
            return endIfDone(Int(tag & 0xFFFF_FFFF))
        }
        let shares = answer.nextShares()
        counter.pointee.take(
            found, of: lease.limit, to: lease.note, newlyLeased: shares.newlyLeased, allLeased: shares.allLeased,
            term: counters.term ?? 0, generation: lease.generation, asked: lease.asked)
        // A lease that was asked for before the end has come after it.
        if isEnding, !counter.pointee.hasToTell || !send(Int(tag & 0xFFFF_FFFF), isLeased: false) {
            endIfDone(Int(tag & 0xFFFF_FFFF))
        }
    }

    package func redisFailed(_ failure: RedisFailure, for tag: UInt) {
        guard let (_, counter) = lease(of: tag) else { return }
        counter.pointee.isAsking = false
        endIfDone(Int(tag & 0xFFFF_FFFF))
    }
}
