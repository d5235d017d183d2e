internal import Glibc
internal import Synchronization
package import Time

/// The process's counters: one fixed table of atomics that every worker counts in.
///
///     digest ──▶ one bucket of 16 cells ──▶ the cell with the same 128 bits, or one that has recovered
///
/// A cell is its key's digest (two words) and its state (`CounterState`, one word). **A charge is one compare-and-swap of
/// the state**, and holds no lock. What makes that right although the key lies in other words:
///
/// - A cell changes its key only while its state is `claimed`, which is swapped in from a recovered state. A charge reads
///   the state, then compares the key, then swaps the state from what it had read: if the cell was given away in between,
///   the state is another and the swap fails. A state does not come back: what replaces a recovered word ends later than
///   that word did, be it a window or a level. (Only where a charge was given back could a level once have stood higher.
///   Then a worker would have to sleep between read and swap until the cell has recovered and its next key's level has
///   come to the very same nanosecond, and one hit would be charged to that key.)
/// - A key is never in two cells: it may only be in its bucket, and putting a new key into a bucket is done by one worker
///   at a time, who looks again first. That turn is the one thing another worker can wait for, and only if it brings
///   another new key to the same bucket of thousands in the same few dozen instructions.
/// - A new key comes with its first charge already in it, so that its cell is never up for reuse before it has counted.
///
/// When none of the sixteen has recovered, the new keys of a limit share its overflow cell: they are limited together,
/// more strictly than written. A key that finds a cell later starts there afresh.
package final class CounterTable: @unchecked Sendable {
    private struct Cell: ~Copyable {
        let state = Atomic<UInt64>(0)
        let low = Atomic<UInt64>(0)
        let high = Atomic<UInt64>(0)
        /// Two cells a cache line.
        let padding: UInt64 = 0
    }

    static let cellsPerBucket = 16
    package static let cellsDefault = 65_536

    package let seed: HashSeed
    package let cellCount: Int
    private let cells: UnsafeMutablePointer<Cell>
    private let turns: UnsafeMutablePointer<Atomic<UInt32>>
    private let bucketMask: UInt64

    /// - Parameter cells: rounded up to a power of two, at least one bucket; 32 bytes each.
    package init(cells wanted: Int = CounterTable.cellsDefault, seed: HashSeed) {
        precondition(wanted > 0 && wanted <= 1 << 26)
        var count = Self.cellsPerBucket
        while count < wanted { count *= 2 }
        self.seed = seed
        cellCount = count
        let buckets = count / Self.cellsPerBucket
        bucketMask = UInt64(buckets - 1)
        cells = .allocate(capacity: count)
        for index in 0..<count { (cells + index).initialize(to: Cell()) }
        turns = .allocate(capacity: buckets)
        for index in 0..<buckets { (turns + index).initialize(to: Atomic(0)) }
    }

    deinit {
        cells.deinitialize(count: cellCount).deallocate()
        turns.deinitialize(count: cellCount / Self.cellsPerBucket).deallocate()
    }

    struct Charge {
        var verdict: LimitVerdict
        /// -1 for the limit's overflow cell, and where nothing was charged.
        var cell: Int
        /// The state after the charge.
        var word: UInt64
    }

    /// What `limit` would say, charging nothing.
    func ask(_ limit: Limit, _ digest: CounterDigest, hits: UInt64, now: Instant, wall: WallTime) -> LimitVerdict {
        CounterState.judge(
            peek(limit, digest, now: now, wall: wall), limit, hits: hits, now: now, wall: wall
        ).verdict
    }

    /// What `limit` says to a call that will not be charged.
    func standing(_ limit: Limit, _ digest: CounterDigest, hits: UInt64, now: Instant, wall: WallTime) -> LimitVerdict {
        CounterState.standing(
            peek(limit, digest, now: now, wall: wall), limit, hits: hits, now: now, wall: wall)
    }

    private func peek(_ limit: Limit, _ digest: CounterDigest, now: Instant, wall: WallTime) -> UInt64 {
        if let found = find(digest) { return found.word }
        return hasRoom(digest, now: now, wall: wall) ? 0 : limit.overflow.load(ordering: .acquiring)
    }

    /// Charges `hits` to one counter if `limit` allows it.
    func charge(_ limit: Limit, _ digest: CounterDigest, hits: UInt64, now: Instant, wall: WallTime) -> Charge {
        while let found = find(digest) {
            let step = CounterState.judge(found.word, limit, hits: hits, now: now, wall: wall)
            guard step.verdict.isAllowed, hits > 0 else { return Charge(verdict: step.verdict, cell: -1, word: 0) }
            let swapped = cells[found.index].state.compareExchange(
                expected: found.word, desired: step.word, ordering: .acquiringAndReleasing)
            if swapped.exchanged { return Charge(verdict: step.verdict, cell: found.index, word: step.word) }
        }
        let fresh = CounterState.judge(0, limit, hits: hits, now: now, wall: wall)
        // Nothing to remember: a question, or more than the limit ever allows.
        guard fresh.verdict.isAllowed, hits > 0 else { return Charge(verdict: fresh.verdict, cell: -1, word: 0) }
        switch insert(digest, word: fresh.word, now: now, wall: wall) {
        case .inserted(let index): return Charge(verdict: fresh.verdict, cell: index, word: fresh.word)
        case .present: return charge(limit, digest, hits: hits, now: now, wall: wall)
        case .full: return chargeOverflow(limit, hits: hits, now: now, wall: wall)
        }
    }

    /// Takes a charge back, because another limit refused the same call.
    func giveBack(_ charge: Charge, _ limit: Limit, _ digest: CounterDigest, hits: UInt64) {
        guard charge.verdict.isAllowed, hits > 0 else { return }
        guard charge.cell >= 0 else {
            var word = limit.overflow.load(ordering: .acquiring)
            while true {
                let less = CounterState.giveBack(word, charged: charge.word, limit, hits: hits)
                let swapped = limit.overflow.compareExchange(
                    expected: word, desired: less, ordering: .acquiringAndReleasing)
                if swapped.exchanged { return }
                word = swapped.original
            }
        }
        // Not there any more: the charge has expired, and with it what there was to give back.
        while let found = find(digest) {
            let less = CounterState.giveBack(found.word, charged: charge.word, limit, hits: hits)
            let swapped = cells[found.index].state.compareExchange(
                expected: found.word, desired: less, ordering: .acquiringAndReleasing)
            if swapped.exchanged { return }
        }
    }

    /// Cells whose counters have not recovered. Reads every cell: for a metrics page, not for a call.
    package func usedCells(now: Instant, wall: WallTime) -> Int {
        var used = 0
        for index in 0..<cellCount {
            let word = cells[index].state.load(ordering: .relaxed)
            if !CounterState.isRecovered(word, now: now, wall: wall) { used += 1 }
        }
        return used
    }

    private func chargeOverflow(_ limit: Limit, hits: UInt64, now: Instant, wall: WallTime) -> Charge {
        limit.countOverflow()
        var word = limit.overflow.load(ordering: .acquiring)
        while true {
            let step = CounterState.judge(word, limit, hits: hits, now: now, wall: wall)
            guard step.verdict.isAllowed else { return Charge(verdict: step.verdict, cell: -1, word: 0) }
            let swapped = limit.overflow.compareExchange(
                expected: word, desired: step.word, ordering: .acquiringAndReleasing)
            if swapped.exchanged { return Charge(verdict: step.verdict, cell: -1, word: step.word) }
            word = swapped.original
        }
    }

    /// The cell of `digest` and its state, the two read so that they belong together.
    private func find(_ digest: CounterDigest) -> (index: Int, word: UInt64)? {
        let base = bucket(digest) * Self.cellsPerBucket
        let first = Int(digest.high & 15)
        for step in 0..<Self.cellsPerBucket {
            let index = base + (first + step) & 15
            guard cells[index].low.load(ordering: .relaxed) == digest.low else { continue }
            var word = cells[index].state.load(ordering: .acquiring)
            while word != CounterState.claimed {
                // The key is read after the state and the state once more after the key.
                guard cells[index].low.load(ordering: .acquiring) == digest.low,
                    cells[index].high.load(ordering: .acquiring) == digest.high
                else { break }
                let again = cells[index].state.load(ordering: .acquiring)
                if again == word { return (index, word) }
                word = again
            }
        }
        return nil
    }

    private func hasRoom(_ digest: CounterDigest, now: Instant, wall: WallTime) -> Bool {
        let base = bucket(digest) * Self.cellsPerBucket
        for index in base..<base + Self.cellsPerBucket {
            let word = cells[index].state.load(ordering: .relaxed)
            if CounterState.isRecovered(word, now: now, wall: wall) { return true }
        }
        return false
    }

    private enum Insertion {
        case inserted(Int)
        /// Another worker was quicker.
        case present
        case full
    }

    private func insert(_ digest: CounterDigest, word: UInt64, now: Instant, wall: WallTime) -> Insertion {
        let bucket = bucket(digest)
        takeTurn(bucket)
        defer { turns[bucket].store(0, ordering: .releasing) }
        if find(digest) != nil { return .present }
        let first = Int(digest.high & 15)
        for step in 0..<Self.cellsPerBucket {
            let index = bucket * Self.cellsPerBucket + (first + step) & 15
            let old = cells[index].state.load(ordering: .acquiring)
            guard CounterState.isRecovered(old, now: now, wall: wall) else { continue }
            let claim = cells[index].state.compareExchange(
                expected: old, desired: CounterState.claimed, ordering: .acquiringAndReleasing)
            // Its old key has just come back and counted.
            guard claim.exchanged else { continue }
            cells[index].low.store(digest.low, ordering: .releasing)
            cells[index].high.store(digest.high, ordering: .releasing)
            cells[index].state.store(word, ordering: .releasing)
            return .inserted(index)
        }
        return .full
    }

    private func takeTurn(_ bucket: Int) {
        var tries = 0
        while !turns[bucket].compareExchange(expected: 0, desired: 1, ordering: .acquiring).exchanged {
            tries += 1
            // The kernel has taken the core from whoever has the turn: let it go on.
            if tries > 100 { sched_yield() }
        }
    }

    private func bucket(_ digest: CounterDigest) -> Int { Int(digest.low & bucketMask) }
}
