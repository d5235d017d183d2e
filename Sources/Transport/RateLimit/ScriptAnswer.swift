internal import Bytes
internal import Redis
internal import Time

/// What the limit script answers: whether it charged, the server's time in microseconds, and two integers a counter.
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
        guard reply.kind == .array, reply.count.exactly(as: Int.self) == 2 + 2 * counters else { return false }
        var element = reply.first
        while let integer = element {
            guard integer.kind == .integer else { return false }
            element = integer.next
        }
        return true
    }

    /// The next counter's state as a word of `CounterState`; `nil` where no word holds what the answer says.
    mutating func nextState(_ algorithm: Limit.Algorithm) -> UInt64? {
        guard let first = rest, let second = first.next else { return nil }
        rest = second.next
        return algorithm == .rate ? rate(level: first.integer) : Self.window(endSecond: second.integer, hits: first.integer)
    }

    /// A rate by how far it is from drained, in nanoseconds.
    private func rate(level: Untrusted<Int64>) -> UInt64? {
        guard level.exactly(in: 0 ... .max) != nil else { return nil }
        return level.addingSaturating(Untrusted(now.nanoseconds)).exactly(in: 0 ... .max)?.magnitude
    }

    private static let endSecondMax = Int64(bitPattern: CounterState.minuteMax * 60)

    private static func window(endSecond: Untrusted<Int64>, hits: Untrusted<Int64>) -> UInt64? {
        guard let end = endSecond.exactly(in: 0...endSecondMax)?.magnitude,
            let hits = hits.exactly(in: 0...Int64(bitPattern: CounterState.hitMask))?.magnitude
        else { return nil }
        return CounterState.window(endMinute: end / 60, hits: hits)
    }
}
