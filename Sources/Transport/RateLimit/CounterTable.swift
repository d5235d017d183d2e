internal import Reactor
internal import Synchronization
package import Time

/// The counters of one limit, which every worker counts in. It grows with its keys, and no other limit takes its room.
///
///     digest ──▶ a bucket of 15 short chains ──▶ the cell with the same 128 bits
///
/// A cell is its key's digest (two words), its state (`CounterState`, one word) and links. **A charge is one
/// compare-and-swap of the state**, and holds no lock. What makes that right although the key lies in other words:
///
/// - **A cell is one key's until every worker has ended a tick.** A key's cell is written before it is linked, and never
///   moves: a table that grows moves links (`BucketArray`). Who takes a cell from its key swaps its state to `claimed`, unlinks it
///   and retires it (`CounterCells`); it is another key's only after every worker that was inside a tick then has left it.
///   A charge reads the state, compares the key and swaps within one tick. So where its swap succeeds, no other key's state can
///   have come to stand there, however equal: the cell was its key's all the while. (No A-B-A by eviction. Equal states of the
///   same key are equal counts: swapping one for the other is right.)
/// - **A charge and an eviction are in one order.** Both swap the same word. A charge that comes second finds `claimed` and
///   looks again: its key comes anew, with nothing counted. One that came first went with the counter.
/// - **A charge is given back to the cell that it was made to**, or to none: the request remembers the cell, not the key.
///   In the same tick no other key has that cell, wherever its chain now hangs; if it is claimed, what was charged went with it,
///   and a new counter of the same key never had it. Charges of several limits are made in turn and given back likewise, each
///   by itself, so all or none stays true whatever is evicted between.
/// - **A key is never in two cells.** It is put in only by the worker that has its bucket's turn, who looks again first. A bucket
///   that is being moved has its turn held, and its keys come to buckets that are not asked before it has moved. That turn
///   is what another worker can wait for, and only to bring a new key to the same bucket in the same few dozen instructions.
/// - **A look-up misses no key.** It takes no turn. Only a move changes the links of a cell that stays, so a look-up that has found
///   nothing looks at the turn once more: where the bucket is moving or has moved, it looks again.
/// - A new key comes with its first charge already in it.
///
/// When a limit has as many counters as it may, a new key takes the cell of another of its bucket: of one that has recovered;
/// else of the one that has used the smallest share; where all are at their limit, of the one that resets first. The call is then
/// let through and the evicted key begins anew: a refusal is never caused by another key. A count of calls in flight is not evicted
/// while there are any: its cell stays its own over ticks, and what goes above the maximum is bounded by the calls that a process has.
package final class CounterTable: @unchecked Sendable {
    /// How many counters a limit has in any case. A promise: nothing is allocated for it.
    package static let guaranteed = 16_384
    package static let maximumDefault = 1_048_576

    let cells: CounterCells
    /// `cells`', reached at every call without counting references.
    let directory: CounterDirectory
    /// The oldest whose buckets have not all moved; `nil` until the first key comes.
    let buckets = Atomic<UnsafeMutablePointer<BucketArray>?>(nil)
    let held = Atomic<Int>(0)
    let evictedRecovered = Atomic<UInt64>(0)
    let evictedBelowLimit = Atomic<UInt64>(0)
    let evictedAtLimit = Atomic<UInt64>(0)
    let uncountedCalls = Atomic<UInt64>(0)
    /// Arrays that every bucket has left, the last first.
    let outgrown = Atomic<UnsafeMutablePointer<BucketArray>?>(nil)
    /// The bucket that the control loop looks at next.
    let sweepCursor = Atomic<Int>(0)

    package init(cells: CounterCells) {
        self.cells = cells
        directory = cells.directory
    }

    deinit {
        freeOutgrown { _ in true }
        var array = buckets.load(ordering: .acquiring)
        while let present = array {
            retireAll(present)
            array = present.pointee.next.load(ordering: .acquiring)
            BucketArray.destroy(present)
        }
        let count = held.load(ordering: .relaxed)
        if count > Self.guaranteed { cells.giveBack(count - Self.guaranteed) }
    }

    /// Counters that are kept, including recovered ones that have not been looked at since.
    package var count: Int { held.load(ordering: .relaxed) }

    struct Charge {
        var verdict: LimitVerdict
        /// 0 where nothing was charged.
        var cell: UInt32
        /// The state after the charge.
        var word: UInt64
    }

    /// What `limit` would say, charging nothing.
    func ask(_ limit: Limit, _ digest: CounterDigest, hits: UInt64, now: Instant, wall: WallTime) -> LimitVerdict {
        let windows = windows(of: digest, limit, wall)
        return CounterState.judge(
            word(windows.present), previous: windows.previous, limit, hits: hits, now: now, wall: wall
        ).verdict
    }

    /// What `limit` says to a call that will not be charged.
    func standing(_ limit: Limit, _ digest: CounterDigest, hits: UInt64, now: Instant, wall: WallTime) -> LimitVerdict {
        let windows = windows(of: digest, limit, wall)
        return CounterState.standing(
            word(windows.present), previous: windows.previous, limit, hits: hits, now: now, wall: wall)
    }

    private func word(_ digest: CounterDigest) -> UInt64 { find(digest)?.word ?? 0 }

    /// A sliding window has two counters, of even windows and of odd ones: the one to charge, and what the other has counted.
    @inline(__always)
    private func windows(
        of digest: CounterDigest, _ limit: Limit, _ wall: WallTime
    ) -> (present: CounterDigest, previous: UInt64) {
        limit.algorithm == .sliding ? slidingWindows(of: digest, limit, wall) : (digest, 0)
    }

    @inline(never)
    private func slidingWindows(
        of even: CounterDigest, _ limit: Limit, _ wall: WallTime
    ) -> (present: CounterDigest, previous: UInt64) {
        let odd = CounterDigest(low: ~even.low, high: even.high)
        let place = limit.schedule.place(at: wall)
        let (present, other) = place.number & 1 == 0 ? (even, odd) : (odd, even)
        let word = word(other)
        // Behind a clock that went back a little, the other is the later window, in which counting goes on.
        return CounterState.isLater(word, than: place, limit, wall) ? (other, self.word(present)) : (present, word)
    }

    /// Charges `hits` to one counter if `limit` allows it.
    func charge(_ limit: Limit, _ digest: CounterDigest, hits: UInt64, now: Instant, wall: WallTime) -> Charge {
        while true {
            let (digest, previous) = windows(of: digest, limit, wall)
            while let found = find(digest) {
                let step = CounterState.judge(found.word, previous: previous, limit, hits: hits, now: now, wall: wall)
                guard step.verdict.isAllowed, hits > 0 else { return Charge(verdict: step.verdict, cell: 0, word: 0) }
                let swapped = found.cell.state.pointee.compareExchange(
                    expected: found.word, desired: step.word, ordering: .acquiringAndReleasing)
                if swapped.exchanged { return Charge(verdict: step.verdict, cell: found.index, word: step.word) }
            }
            let first = CounterState.judge(0, previous: previous, limit, hits: hits, now: now, wall: wall)
            // Nothing to remember: a question, or more than the limit ever allows.
            guard first.verdict.isAllowed, hits > 0 else { return Charge(verdict: first.verdict, cell: 0, word: 0) }
            let scale = EvictionScale(limit, now: now, wall: wall)
            switch insert(digest, word: first.word, scale, maximum: limit.countersMax) {
            case .inserted(let index): return Charge(verdict: first.verdict, cell: index, word: first.word)
            case .uncounted: return Charge(verdict: first.verdict, cell: 0, word: 0)
            case .present: continue
            }
        }
    }

    /// Charges `hits` to one counter whatever its level; the verdict says whether they fitted.
    func chargeAlways(
        _ limit: Limit, _ digest: CounterDigest, hits: UInt64, now: Instant, wall: WallTime
    ) -> CounterState.Step {
        // Nothing would release it.
        if limit.algorithm == .concurrency {
            return CounterState.Step(verdict: standing(limit, digest, hits: hits, now: now, wall: wall), word: 0)
        }
        while true {
            let (digest, previous) = windows(of: digest, limit, wall)
            while let found = find(digest) {
                let step = CounterState.charge(found.word, previous: previous, limit, hits: hits, now: now, wall: wall)
                guard hits > 0 else { return step }
                let swapped = found.cell.state.pointee.compareExchange(
                    expected: found.word, desired: step.word, ordering: .acquiringAndReleasing)
                if swapped.exchanged { return step }
            }
            let first = CounterState.charge(0, previous: previous, limit, hits: hits, now: now, wall: wall)
            guard hits > 0 else { return first }
            let scale = EvictionScale(limit, now: now, wall: wall)
            if case .present = insert(digest, word: first.word, scale, maximum: limit.countersMax) { continue }
            return first
        }
    }

    /// Makes the counter stand at least where another store has left it.
    func raise(_ limit: Limit, _ digest: CounterDigest, to found: ScriptCounter, now: Instant, wall: WallTime) {
        switch found.state {
        case .rate(let word):
            guard word > found.nanoseconds else { return }
            raise(limit, digest, to: (now.nanoseconds + word - found.nanoseconds) & ~CounterState.windowBit, now: now, wall: wall)
        case .inFlight: return
        case .window(let reading):
            guard limit.algorithm == .sliding else {
                return raise(limit, digest, to: limit.word(reading.place, hits: reading.hits), now: now, wall: wall)
            }
            let odd = CounterDigest(low: ~digest.low, high: digest.high)
            let isEven = reading.place.number & 1 == 0
            let before = limit.schedule.place(at: reading.place.start - 1)
            raise(limit, isEven ? digest : odd, to: limit.word(reading.place, hits: reading.hits), now: now, wall: wall)
            raise(limit, isEven ? odd : digest, to: limit.word(before, hits: reading.previous), now: now, wall: wall)
        }
    }

    /// A later window's word, more hits of the same one and a fuller rate's are each the greater number.
    private func raise(_ limit: Limit, _ digest: CounterDigest, to word: UInt64, now: Instant, wall: WallTime) {
        while true {
            while let found = find(digest) {
                guard found.word < word else { return }
                let swapped = found.cell.state.pointee.compareExchange(
                    expected: found.word, desired: word, ordering: .acquiringAndReleasing)
                if swapped.exchanged { return }
            }
            if case .present = insert(digest, word: word, EvictionScale(limit, now: now, wall: wall), maximum: limit.countersMax) {
                continue
            }
            return
        }
    }

    /// Takes a charge back, because another limit refused the same call; in the same tick.
    func giveBack(_ charge: Charge, _ limit: Limit, hits: UInt64) {
        guard charge.verdict.isAllowed, charge.cell != 0 else { return }
        let state = directory.cell(charge.cell).state
        var word = state.pointee.load(ordering: .acquiring)
        while word != CounterState.claimed {
            let less = CounterState.giveBack(word, charged: charge.word, limit, hits: hits)
            let swapped = state.pointee.compareExchange(expected: word, desired: less, ordering: .acquiringAndReleasing)
            if swapped.exchanged { return }
            word = swapped.original
        }
    }

    /// Releases `hits` of calls in flight, at any time: their cell is not evicted before.
    func release(_ hits: UInt64, at cell: UInt32) {
        let state = directory.cell(cell).state
        var word = state.pointee.load(ordering: .relaxed)
        while word != CounterState.claimed {
            let swapped = state.pointee.compareExchange(
                expected: word, desired: CounterState.released(word, hits: hits), ordering: .acquiringAndReleasing)
            if swapped.exchanged { return }
            word = swapped.original
        }
    }

    struct Found {
        let cell: CounterCell
        let index: UInt32
        let word: UInt64
    }

    /// The cell of `digest` and its state. Takes no turn, and allocates nothing.
    @inline(__always)
    func find(_ digest: CounterDigest) -> Found? {
        guard var array = buckets.load(ordering: .acquiring) else { return nil }
        let chain = CounterBucket.chain(digest)
        while true {
            let bucket = array.pointee.bucket(digest.low)
            if let found = find(digest, from: bucket.head(chain)) { return found }
            switch bucket.turn.pointee.load(ordering: .acquiring) {
            case CounterBucket.Turn.moving.rawValue: bucket.awaitMove()
            case CounterBucket.Turn.moved.rawValue:
                // Set before the first bucket moves.
                array = array.pointee.next.load(ordering: .acquiring).unsafelyUnwrapped
            default: return nil
            }
        }
    }

    @inline(__always)
    func find(_ digest: CounterDigest, from head: UnsafeMutablePointer<Atomic<UInt32>>) -> Found? {
        var index = head.pointee.load(ordering: .acquiring)
        while index != 0 {
            let cell = directory.cell(index)
            if cell.low.pointee.load(ordering: .relaxed) == digest.low,
                cell.high.pointee.load(ordering: .relaxed) == digest.high
            {
                let word = cell.state.pointee.load(ordering: .acquiring)
                return word == CounterState.claimed ? nil : Found(cell: cell, index: index, word: word)
            }
            index = cell.next.pointee.load(ordering: .acquiring)
        }
        return nil
    }

    private func retireAll(_ array: UnsafeMutablePointer<BucketArray>) {
        for number in 0..<array.pointee.count {
            let bucket = array.pointee.bucket(UInt64(number))
            guard bucket.turn.pointee.load(ordering: .relaxed) != CounterBucket.Turn.moved.rawValue else { continue }
            for chain in 0..<Int(BucketArray.chains) {
                var index = bucket.head(chain).pointee.load(ordering: .relaxed)
                while index != 0 {
                    let next = directory.cell(index).next.pointee.load(ordering: .relaxed)
                    cells.retire(index)
                    index = next
                }
            }
        }
    }
}
