internal import Bytes
internal import Redis
internal import Time

/// What the limit script answers: whether it charged, the server's time in microseconds, and three integers a counter.
struct ScriptAnswer {
    let isCharged: Bool
    /// Refused only because of charges that may be given back in a moment.
    let isPassing: Bool
    /// The server's time serves for both clocks: it is its level and its window that are judged.
    let now: Instant
    let wall: WallTime
    private var rest: RedisReply?

    /// `nil` where the reply is not the script's: of another shape, or with numbers that its arithmetic cannot come to.
    init?(_ reply: RedisReply, counters: Int) {
        guard Self.isShaped(reply, counters: counters), let charged = reply.first,
            let time = charged.next, let mark = charged.integer.exactly(in: 0...2),
            let nanoseconds = time.integer.scaled(by: 1000).exactly(in: 0 ... .max)?.magnitude
        else { return nil }
        isCharged = mark == 1
        isPassing = mark == 2
        now = Instant(nanoseconds: nanoseconds)
        wall = WallTime(nanoseconds: nanoseconds)
        rest = time.next
    }

    /// Whether the reply is an array of as many integers as the script answers with. An element of another kind would read as zero.
    static func isShaped(_ reply: RedisReply, counters: Int) -> Bool {
        guard reply.kind == .array, reply.count.exactly(as: Int.self) == 2 + 3 * counters else { return false }
        var element = reply.first
        while let integer = element {
            guard integer.kind == .integer else { return false }
            element = integer.next
        }
        return true
    }

    /// The next counter, of that limit; `nil` where none holds what the answer says.
    mutating func nextCounter(_ limit: Limit) -> ScriptCounter? {
        guard let first = rest, let second = first.next, let third = second.next else { return nil }
        rest = third.next
        if limit.algorithm == .rate {
            return rate(level: first.integer).map { ScriptCounter(state: .rate($0), nanoseconds: now.nanoseconds) }
        }
        guard let end = second.integer.exactly(in: 1...Self.endSecondMax)?.magnitude,
            let used = Self.hits(first.integer), let previous = Self.hits(third.integer)
        else { return nil }
        let reading = CounterState.Reading(place: limit.schedule.place(at: end - 1), hits: used, previous: previous)
        return ScriptCounter(state: .window(reading), nanoseconds: now.nanoseconds)
    }

    /// A rate by how far it is from drained, in nanoseconds.
    private func rate(level: Untrusted<Int64>) -> UInt64? {
        guard level.exactly(in: 0 ... .max) != nil else { return nil }
        return level.addingSaturating(Untrusted(now.nanoseconds)).exactly(in: 0 ... .max)?.magnitude
    }

    /// In the year 2223.
    private static let endSecondMax: Int64 = 8_000_000_000

    private static func hits(_ number: Untrusted<Int64>) -> UInt64? {
        number.exactly(in: 0...Int64(bitPattern: CounterState.hitsMax))?.magnitude
    }
}
