internal import Time

/// What a worker knows of one counter in Redis: where it stood, which hits are leased of it, and until when it refuses. Plain data; all
/// zeros for none.
struct RememberedCounter {
    var low: UInt64
    var high: UInt64
    /// As the script left it: hits of a window, or nanoseconds of a rate's level. What is leased counts as used.
    var level: UInt64
    /// How much of it all workers had leased then.
    var allLeased: UInt64
    /// Of a window its end, in seconds.
    var end: UInt64
    /// Hits of the window before, where it slides.
    var previous: UInt64
    /// Redis's time then, in nanoseconds since 1970, and our time when it was asked.
    var serverTime: UInt64
    var answered: Instant
    /// Leased hits that no call has used yet, and what Redis is known to hold as leased by us.
    var leased: UInt64
    var held: UInt64
    /// Hits that calls have used without asking, all in all, and how many of these Redis is known to have counted.
    var total: UInt64
    var acknowledged: UInt64
    var leaseEnds: Instant
    /// Of the limit as it was when they were leased.
    var leaseCapacity: UInt64
    var leaseEmission: UInt64
    /// What the last lease brought.
    var lastLease: UInt64
    /// When a lease was last asked for, or calls began to be counted for one, and the hits let through since.
    var lastAsked: Instant
    var served: UInt64
    /// Redis has refused so many hits, for what is charged alone.
    var refusedHits: UInt64
    var refusesUntil: Instant
    /// In `CounterLeases`, counted from 1; 0 for none.
    var lease: Int32
    /// The answer to a question for a lease is still to come.
    var isAsking: Bool
    /// The connection that it was last asked about on (`RedisSender.generation`).
    var generation: UInt64

    /// What a lease brings at most, in hits.
    static let leaseMax: Int64 = 1 << 20
    /// So many calls within the time of a lease make one worth its questions.
    private static let hotMin: UInt64 = 4
    /// Smaller ones are not renewed ahead of need.
    private static let renewedMin: UInt64 = 8

    func isOf(_ digest: CounterDigest) -> Bool { low == digest.low && high == digest.high }

    func isRefusing(_ hits: UInt64, now: Instant) -> Bool { now < refusesUntil && max(hits, 1) >= refusedHits }

    func hasLeased(_ hits: UInt64, now: Instant) -> Bool { now < leaseEnds && leased >= max(hits, 1) }

    /// As the script would find it now, without the leased hits that are ours, or with `isWhole` with them.
    func counter(of limit: Limit, now: Instant, isWhole: Bool = false) -> ScriptCounter {
        let leased = isWhole ? 0 : leased
        let nanoseconds = serverTime + now.nanoseconds(since: answered)
        guard limit.algorithm == .rate else {
            return ScriptCounter(
                state: .window(
                    CounterState.Reading(
                        place: limit.schedule.place(at: end - 1), hits: level > leased ? level - leased : 0, previous: previous)),
                nanoseconds: nanoseconds)
        }
        // What is leased does not drain.
        let drained = nanoseconds - serverTime
        let ours = leased.multipliedReportingOverflow(by: limit.emission).partialValue
        let standing = max(level > drained ? level - drained : 0, ours) - ours
        return ScriptCounter(state: .rate(nanoseconds + standing), nanoseconds: nanoseconds)
    }

    mutating func use(_ hits: UInt64) {
        leased -= min(hits, leased)
        total += hits
        served += hits
    }

    /// Whether to ask for the next lease before this one is used up.
    var isRunningOut: Bool { !isAsking && lease != 0 && lastLease >= Self.renewedMin && leased < lastLease / 4 }

    /// Whether enough calls come for a lease, which then is to be asked for.
    mutating func isHot(hits: UInt64, term: UInt64, now: Instant) -> Bool {
        guard lease == 0, !isAsking else { return false }
        guard now.nanoseconds(since: lastAsked) < term else {
            lastAsked = now
            served = 0
            return false
        }
        return served >= Self.hotMin * max(hits, 1)
    }

    /// What to tell Redis.
    ///
    /// - Parameters:
    ///   - term: how long hits would be leased, in nanoseconds; `nil` to ask for none.
    ///   - generation: of the connection that the note goes to.
    ///   - isEnding: no call will use what is leased.
    mutating func takeNote(_ id: UInt32, term: UInt64?, generation: UInt64, isEnding: Bool, now: Instant) -> CounterNote {
        if isEnding || leaseEnds <= now { leased = 0 }
        var note = CounterNote(id: id, total: total, acknowledged: acknowledged, left: leased, held: held, end: end)
        if generation != self.generation {
            note.held = 0
            note.level = level > allLeased ? level - allLeased : 0
            note.stamp = serverTime / 1000
        }
        isAsking = true
        guard let term else { return note }
        let past = max(now.nanoseconds(since: lastAsked), 1)
        let most = UInt64(Self.leaseMax)
        let used = min(served, most)
        // Twice what was used since the last time, or what would be used in the time that it lasts.
        note.lease = min(past < term ? used * 2 : used * (term / 1000) / (past / 1000), most)
        lastAsked = now
        served = 0
        return note
    }

    /// Whether Redis may not know what we do: it has not been told of hits, or may be another server.
    func isUntold(_ generation: UInt64) -> Bool {
        total != acknowledged && leased == 0 && lease == 0 || generation != self.generation && level > 0
    }

    /// Whether Redis holds hits for us, or has not been told of all that were used.
    var hasToTell: Bool { held > 0 || total != acknowledged }

    /// Whether what was leased or used matters no more: its window is over, or the rate has gone on without it.
    func isPast(now: Instant, grace: UInt64) -> Bool {
        if end == 0 { return leaseEnds.nanoseconds + grace <= now.nanoseconds }
        return end * 1_000_000_000 <= serverTime + now.nanoseconds(since: answered)
    }

    /// Lets hits through without asking while Redis does not answer, in the window that ends at `end`.
    mutating func owe(_ hits: UInt64, end: UInt64, now: Instant, wall: WallTime) {
        if answered.nanoseconds == 0 {
            // Redis has never been asked: our own clock serves.
            answered = now
            serverTime = wall.nanoseconds
        }
        if end != self.end { enter(end) }
        total += hits
    }

    /// What was leased and used went with its window.
    private mutating func enter(_ end: UInt64) {
        self.end = end
        level = 0
        allLeased = 0
        leased = 0
        held = 0
        acknowledged = total
    }

    /// Where the script has found it, to the question of a call.
    mutating func take(
        _ found: ScriptCounter, of limit: Limit, charged: UInt64, allLeased: UInt64, generation: UInt64, asked: Instant
    ) {
        if answered.nanoseconds == 0 { self.generation = generation }
        // A server that has not been told yet knows less.
        let known = self.generation == generation ? 0 : level
        switch found.state {
        case .rate(let word):
            level = max(known, (word > found.nanoseconds ? word - found.nanoseconds : 0) + charged * limit.emission)
        case .window(let reading):
            if reading.place.end == end {
                level = max(known, reading.hits + charged)
            } else {
                enter(reading.place.end)
                level = reading.hits + charged
            }
            previous = reading.previous
        // It changes without a question of ours.
        case .inFlight: return
        }
        self.allLeased = allLeased
        serverTime = found.nanoseconds
        answered = asked
        served += charged
        refusesUntil = Instant(nanoseconds: 0)
    }

    /// The answer to a note.
    ///
    /// - Parameters:
    ///   - newlyLeased: hits, which may be used for `term` nanoseconds.
    ///   - generation: of the connection that the note went to.
    mutating func take(
        _ found: ScriptCounter, of limit: Limit, to note: CounterNote, newlyLeased: UInt64, allLeased: UInt64, term: UInt64,
        generation: UInt64, asked: Instant
    ) {
        isAsking = false
        self.generation = generation
        take(found, of: limit, charged: 0, allLeased: allLeased, generation: generation, asked: asked)
        if end == note.end {
            acknowledged = note.total
            held = note.left
        }
        guard newlyLeased > 0 else { return }
        let (added, overflow) = newlyLeased.multipliedReportingOverflow(by: max(limit.emission, 1))
        level = min(level + min(overflow ? .max : added, CounterState.levelMax), CounterState.levelMax)
        leaseCapacity = limit.capacity
        leaseEmission = limit.emission
        leased += newlyLeased
        held += newlyLeased
        lastLease = newlyLeased
        let left = end * 1_000_000_000
        let lasts = end > 0 ? min(term, left > found.nanoseconds ? left - found.nanoseconds : 0) : term
        leaseEnds = Instant(nanoseconds: asked.nanoseconds + lasts)
    }
}
