internal import Bytes
internal import Redis
internal import Time

/// What the limit script answers: whether it charged, the server's time in microseconds, three integers a counter, and what
/// notes and leases add to these.
struct ScriptAnswer {
    let isCharged: Bool
    /// Refused only because of charges that may be given back in a moment.
    let isPassing: Bool
    /// Refused only because of hits that are leased elsewhere: until when these may be given back at the longest, in nanoseconds from now.
    let leasesEndAfter: UInt64?
    /// The server's time serves for both clocks: it is its level and its window that are judged.
    let now: Instant
    let wall: WallTime
    private var rest: RedisReply?

    /// `nil` where the reply is not the script's: of another shape, or with numbers that its arithmetic cannot come to.
    init?(_ reply: RedisReply, counters: Int) {
        guard let charged = reply.first, let mark = charged.integer.exactly(in: 0...3),
            let last = Self.lastInteger(reply, counters, hasWait: mark == 3),
            let time = charged.next, let nanoseconds = time.integer.scaled(by: 1000).exactly(in: 0 ... .max)?.magnitude
        else { return nil }
        isCharged = mark == 1
        isPassing = mark == 2
        leasesEndAfter = mark == 3 ? last.scaled(by: 1000).exactly(in: 0 ... .max)?.magnitude ?? 0 : nil
        now = Instant(nanoseconds: nanoseconds)
        wall = WallTime(nanoseconds: nanoseconds)
        rest = time.next
    }

    /// Whether the reply is an array of as many integers as the script answers with. An element of another kind would read as zero.
    static func isShaped(_ reply: RedisReply, counters: Int) -> Bool { lastInteger(reply, counters, hasWait: false) != nil }

    private static func lastInteger(_ reply: RedisReply, _ counters: Int, hasWait: Bool) -> Untrusted<Int64>? {
        guard reply.kind == .array, let count = reply.count.exactly(as: Int.self) else { return nil }
        let more = hasWait ? 3 : 2
        guard count == 3 * counters + more || count == 5 * counters + more else { return nil }
        var element = reply.first
        var last: Untrusted<Int64>?
        while let integer = element {
            guard integer.kind == .integer else { return nil }
            last = integer.integer
            element = integer.next
        }
        return last
    }

    /// The next counter, of that limit; `nil` where none holds what the answer says.
    mutating func nextCounter(_ limit: Limit) -> ScriptCounter? {
        guard let first = rest, let second = first.next, let third = second.next else { return nil }
        rest = third.next
        if limit.algorithm == .rate {
            return rate(level: first.integer).map { ScriptCounter(state: .rate($0), nanoseconds: now.nanoseconds) }
        }
        if limit.algorithm == .concurrency {
            return Self.hits(first.integer).map { ScriptCounter(state: .inFlight($0), nanoseconds: now.nanoseconds) }
        }
        guard let end = second.integer.exactly(in: 1...Self.endSecondMax)?.magnitude,
            let used = Self.hits(first.integer), let previous = Self.hits(third.integer)
        else { return nil }
        let reading = CounterState.Reading(place: limit.schedule.place(at: end - 1), hits: used, previous: previous)
        return ScriptCounter(state: .window(reading), nanoseconds: now.nanoseconds)
    }

    /// What is leased of a counter.
    struct Shares: Equatable {
        /// Hits, by this question.
        var newlyLeased: UInt64 = 0
        /// By all workers: hits of a window, or nanoseconds of a rate's level.
        var allLeased: UInt64 = 0
    }

    /// After all counters, what is leased of the next; nothing where the answer ends with them.
    mutating func nextShares() -> Shares {
        guard let first = rest, let second = first.next else { return Shares() }
        rest = second.next
        return Shares(
            newlyLeased: first.integer.exactly(in: 0...RememberedCounter.leaseMax)?.magnitude ?? 0,
            allLeased: second.integer.exactly(in: 0...Self.levelMax)?.magnitude ?? 0)
    }

    /// A rate by how far it is from drained, in nanoseconds.
    private func rate(level: Untrusted<Int64>) -> UInt64? {
        guard level.exactly(in: 0 ... .max) != nil else { return nil }
        return level.addingSaturating(Untrusted(now.nanoseconds)).exactly(in: 0 ... .max)?.magnitude
    }

    private static let levelMax = Int64(clamping: CounterState.levelMax)
    /// In the year 2223.
    private static let endSecondMax: Int64 = 8_000_000_000

    private static func hits(_ number: Untrusted<Int64>) -> UInt64? {
        number.exactly(in: 0...Int64(bitPattern: CounterState.hitsMax))?.magnitude
    }
}
