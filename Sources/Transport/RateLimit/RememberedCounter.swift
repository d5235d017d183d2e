internal import Time

/// What a worker knows of one counter in Redis: where it stood, which hits are leased of it, and until when it refuses. Plain data; all
/// zeros for none.
struct RememberedCounter {
    var low: UInt64
    var high: UInt64
    /// As the script left it: hits of a window, or nanoseconds of a rate's level. What is leased counts as used.
    var level: UInt64
    /// Of a window its end, in seconds.
    var end: UInt64
    /// Hits of the window before, where it slides.
    var previous: UInt64
    /// Redis's time then, in nanoseconds since 1970, and our time when it was asked.
    var serverTime: UInt64
    var answered: Instant
    /// Hits of leases that no call has used yet.
    var leased: UInt64
    /// Hits of leases that calls have used since Redis was last told.
    var spent: UInt64
    var leaseEnds: Instant
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

    /// What a lease brings at most, in hits.
    static let leaseMax: Int64 = 1 << 20
    /// So many calls within the time of a lease make one worth its questions.
    private static let hotMin: UInt64 = 4
    /// Smaller ones are not renewed ahead of need.
    private static let renewedMin: UInt64 = 8

    func isOf(_ digest: CounterDigest) -> Bool { low == digest.low && high == digest.high }

    func isRefusing(_ hits: UInt64, now: Instant) -> Bool { now < refusesUntil && max(hits, 1) >= refusedHits }

    func hasLeased(_ hits: UInt64, now: Instant) -> Bool { now < leaseEnds && leased >= max(hits, 1) }

    /// As the script would find it now, without the leased hits that are ours.
    func counter(of limit: Limit, now: Instant) -> ScriptCounter {
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
        leased -= hits
        spent += hits
        served += hits
    }

    /// Whether to ask for the next lease before this one is used up.
    var isRunningOut: Bool { !isAsking && lastLease >= Self.renewedMin && leased < lastLease / 4 }

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

    /// What to tell Redis, and how much to lease for a time of `term`; `nil` for no more.
    mutating func takeNote(term: UInt64?, now: Instant) -> CounterNote {
        var note = CounterNote()
        note.end = end
        note.settled = spent
        spent = 0
        guard let term else {
            note.returned = leased
            leased = 0
            return note
        }
        let past = max(now.nanoseconds(since: lastAsked), 1)
        let most = UInt64(Self.leaseMax)
        let used = min(served, most)
        // Twice what was used since the last time, or what would be used in the time that it lasts.
        note.lease = min(past < term ? used * 2 : used * (term / 1000) / (past / 1000), most)
        isAsking = true
        lastAsked = now
        served = 0
        return note
    }

    /// The script's answer to a question asked at `asked`.
    ///
    /// - Parameters:
    ///   - charged: hits, by the question itself.
    ///   - newlyLeased: hits leased by it.
    ///   - term: how long these may be used, in nanoseconds.
    mutating func take(
        _ found: ScriptCounter, of limit: Limit, charged: UInt64, newlyLeased: UInt64, term: UInt64, asked: Instant
    ) {
        let added = charged + newlyLeased
        var lasts = term
        switch found.state {
        case .rate(let word):
            level = (word > found.nanoseconds ? word - found.nanoseconds : 0) + added * limit.emission
        case .window(let reading):
            if reading.place.end != end {
                // They went with their window.
                leased = 0
                spent = 0
            }
            level = reading.hits + added
            end = reading.place.end
            previous = reading.previous
            let left = end * 1_000_000_000
            lasts = min(lasts, left > found.nanoseconds ? left - found.nanoseconds : 0)
        // It changes without a question of ours.
        case .inFlight: return
        }
        serverTime = found.nanoseconds
        answered = asked
        served += charged
        refusesUntil = Instant(nanoseconds: 0)
        guard newlyLeased > 0 else { return }
        leased += newlyLeased
        lastLease = newlyLeased
        leaseEnds = Instant(nanoseconds: asked.nanoseconds + lasts)
    }
}
