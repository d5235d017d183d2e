internal import Glibc
internal import Reactor
internal import Synchronization

extension CounterTable {
    enum Insertion {
        case inserted(UInt32)
        /// Another worker was quicker.
        case present
        /// There is no memory for a counter: the call is let through.
        case uncounted
    }

    /// A sparse table, whose maximum was lowered, keeps one more rather than look at all its buckets.
    private static let bucketsSearchedMax = 256
    private static let firstBuckets = 4
    /// How far above a maximum that was lowered a table may stay: other workers' insertions that are just being decided
    /// must not look like it.
    static let slack = 64
    /// Counters a bucket on average, above which the table grows.
    private static let load = 16
    /// What an insertion may cost beside its own bucket: the counters of two others are linked anew, a few dozen words.
    static let bucketsMovedPerInsertion = 2

    /// Puts a new key in, with its first charge.
    func insert(_ digest: CounterDigest, word: UInt64, _ scale: EvictionScale, maximum: Int) -> Insertion {
        guard var bucket = acquire(digest.low) else { return uncounted() }
        if find(digest, from: bucket.head(CounterBucket.chain(digest))) != nil {
            bucket.release()
            return .present
        }
        removeRecovered(bucket, scale)
        if !reserve(maximum) {
            if let evicted = evict(from: bucket, scale) {
                cells.retire(evicted)
                if held.load(ordering: .relaxed) > maximum + Self.slack, let other = evict(from: bucket, scale) { remove(other) }
            } else {
                bucket.release()
                if scale.evictsLive { evictElsewhere(digest.low, scale) } else { overdraw() }
                guard let again = acquire(digest.low) else {
                    unreserve()
                    return uncounted()
                }
                bucket = again
                if find(digest, from: bucket.head(CounterBucket.chain(digest))) != nil {
                    unreserve()
                    bucket.release()
                    return .present
                }
            }
        }
        let index = cells.take()
        guard index != 0 else {
            unreserve()
            bucket.release()
            return uncounted()
        }
        let cell = directory.cell(index)
        let head = bucket.head(CounterBucket.chain(digest))
        cell.low.pointee.store(digest.low, ordering: .relaxed)
        cell.high.pointee.store(digest.high, ordering: .relaxed)
        cell.next.pointee.store(head.pointee.load(ordering: .relaxed), ordering: .relaxed)
        cell.state.pointee.store(word, ordering: .releasing)
        head.pointee.store(index, ordering: .releasing)
        bucket.release()
        grow(moving: Self.bucketsMovedPerInsertion)
        return .inserted(index)
    }

    private func uncounted() -> Insertion {
        uncountedCalls.wrappingAdd(1, ordering: .relaxed)
        return .uncounted
    }

    /// The bucket of a key, with its turn; `nil` where there is no memory for buckets.
    func acquire(_ low: UInt64) -> CounterBucket? {
        guard var array = buckets.load(ordering: .acquiring) ?? makeFirst() else { return nil }
        while true {
            let bucket = array.pointee.bucket(low)
            if bucket.acquire() { return bucket }
            array = array.pointee.next.load(ordering: .acquiring).unsafelyUnwrapped
        }
    }

    private func makeFirst() -> UnsafeMutablePointer<BucketArray>? {
        guard let array = BucketArray.make(Self.firstBuckets) else { return nil }
        let stored = buckets.compareExchange(expected: nil, desired: array, ordering: .acquiringAndReleasing)
        guard !stored.exchanged else { return array }
        BucketArray.destroy(array)
        return stored.original
    }

    // MARK: Room

    /// Room for one more, from the guarantee or the pool; every step above the guarantee is drawn, every step down given back.
    private func reserve(_ maximum: Int) -> Bool {
        let count = held.wrappingAdd(1, ordering: .relaxed).newValue
        let isDrawn = count <= Self.guaranteed || cells.draw()
        if isDrawn, count <= maximum { return true }
        unreserve()
        return false
    }

    /// One more whatever there is.
    private func overdraw() {
        if held.wrappingAdd(1, ordering: .relaxed).newValue > Self.guaranteed { _ = cells.draw() }
    }

    private func unreserve() {
        if held.wrappingSubtract(1, ordering: .relaxed).oldValue > Self.guaranteed { cells.giveBack() }
    }

    private func remove(_ index: UInt32) {
        cells.retire(index)
        unreserve()
    }

    // MARK: Eviction

    /// Takes recovered counters out of a bucket whose turn is held.
    @discardableResult
    func removeRecovered(_ bucket: CounterBucket, _ scale: EvictionScale) -> Int {
        var removed = 0
        for chain in 0..<Int(BucketArray.chains) {
            var place = bucket.head(chain)
            while true {
                let index = place.pointee.load(ordering: .relaxed)
                if index == 0 { break }
                let cell = directory.cell(index)
                let word = cell.state.pointee.load(ordering: .relaxed)
                // Where the swap fails, its key has just come back and counted.
                guard scale.isRecovered(word), cell.claim(word) else {
                    place = cell.next
                    continue
                }
                place.pointee.store(cell.next.pointee.load(ordering: .relaxed), ordering: .releasing)
                remove(index)
                removed += 1
            }
        }
        if removed > 0 { evictedRecovered.wrappingAdd(UInt64(removed), ordering: .relaxed) }
        return removed
    }

    /// Takes one counter out of a bucket whose turn is held, and leaves its room to the caller; `nil` where it has none.
    private func evict(from bucket: CounterBucket, _ scale: EvictionScale) -> UInt32? {
        while true {
            var best: (index: UInt32, chain: Int, word: UInt64, rank: EvictionScale.Rank)?
            for chain in 0..<Int(BucketArray.chains) {
                var index = bucket.head(chain).pointee.load(ordering: .relaxed)
                while index != 0 {
                    let cell = directory.cell(index)
                    let word = cell.state.pointee.load(ordering: .relaxed)
                    let rank = scale.rank(word)
                    if best.map({ rank < $0.rank }) ?? true { best = (index, chain, word, rank) }
                    index = cell.next.pointee.load(ordering: .relaxed)
                }
            }
            guard let best, best.rank.standing != .pinned else { return nil }
            // It may just have been charged, and then be another's turn to go.
            guard directory.cell(best.index).claim(best.word) else { continue }
            unlink(best.index, from: bucket.head(best.chain))
            switch best.rank.standing {
            case .recovered: evictedRecovered.wrappingAdd(1, ordering: .relaxed)
            case .belowLimit: evictedBelowLimit.wrappingAdd(1, ordering: .relaxed)
            case .atLimit, .pinned: evictedAtLimit.wrappingAdd(1, ordering: .relaxed)
            }
            return best.index
        }
    }

    private func unlink(_ index: UInt32, from head: UnsafeMutablePointer<Atomic<UInt32>>) {
        var place = head
        while place.pointee.load(ordering: .relaxed) != index {
            place = directory.cell(place.pointee.load(ordering: .relaxed)).next
        }
        place.pointee.store(directory.cell(index).next.pointee.load(ordering: .relaxed), ordering: .releasing)
    }

    /// The bucket has no counter that could go: one of the buckets behind it has. No turn is held meanwhile.
    private func evictElsewhere(_ low: UInt64, _ scale: EvictionScale) {
        for step in 1...UInt64(Self.bucketsSearchedMax) {
            guard let bucket = acquire(low &+ step) else { break }
            let evicted = evict(from: bucket, scale)
            if let evicted { cells.retire(evicted) }
            bucket.release()
            if evicted != nil { return }
        }
        overdraw()
    }

    // MARK: Growing

    /// Begins to grow where there are many counters a bucket, and moves some buckets where it has begun.
    func grow(moving wanted: Int) {
        guard let array = buckets.load(ordering: .acquiring) else { return }
        guard let next = array.pointee.next.load(ordering: .acquiring) else {
            let isCrowded = held.load(ordering: .relaxed) > array.pointee.count * Self.load
            if isCrowded, !array.pointee.isGrowing.exchange(true, ordering: .acquiringAndReleasing) {
                if let next = BucketArray.make(array.pointee.count * 2) {
                    array.pointee.next.store(next, ordering: .releasing)
                } else {
                    array.pointee.isGrowing.store(false, ordering: .releasing)
                }
            }
            return
        }
        for _ in 0..<wanted {
            let number = array.pointee.toMove.wrappingAdd(1, ordering: .relaxed).oldValue
            // Those behind the last are no harm; another worker may not be done with its last.
            guard number < array.pointee.count else { return }
            move(array.pointee.bucket(UInt64(number)), to: next)
            guard array.pointee.moved.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue == array.pointee.count
            else { continue }
            buckets.store(next, ordering: .releasing)
            array.pointee.outgrownIn.store(cells.epochs.epochAfterUnlinking(), ordering: .relaxed)
            keepOutgrown(array)
            return
        }
    }

    /// Hangs a bucket's cells into two buckets of `next`, which is not searched for these keys before the move is over.
    private func move(_ bucket: CounterBucket, to next: UnsafeMutablePointer<BucketArray>) {
        // Only the worker that has counted it off moves it.
        _ = bucket.acquire(.moving)
        for chain in 0..<Int(BucketArray.chains) {
            var index = bucket.head(chain).pointee.load(ordering: .relaxed)
            while index != 0 {
                let cell = directory.cell(index)
                let behind = cell.next.pointee.load(ordering: .relaxed)
                let head = next.pointee.bucket(cell.low.pointee.load(ordering: .relaxed)).head(chain)
                cell.next.pointee.store(head.pointee.load(ordering: .relaxed), ordering: .releasing)
                head.pointee.store(index, ordering: .releasing)
                index = behind
            }
        }
        bucket.release(.moved)
    }

    // MARK: From the control loop

    /// Takes recovered counters out of up to `budget` buckets, goes on moving, and frees what was outgrown.
    package func maintain(_ scale: EvictionScale, buckets budget: Int) -> Int {
        guard let former = buckets.load(ordering: .acquiring) else { return 0 }
        var visited = 0
        if former.pointee.next.load(ordering: .acquiring) != nil {
            grow(moving: budget)
            visited = min(budget, former.pointee.count)
        }
        guard let array = buckets.load(ordering: .acquiring) else { return visited }
        if array.pointee.next.load(ordering: .acquiring) == nil, held.load(ordering: .relaxed) > 0 {
            for _ in 0..<min(budget, array.pointee.count) {
                let number = sweepCursor.wrappingAdd(1, ordering: .relaxed).oldValue
                guard let bucket = acquire(UInt64(truncatingIfNeeded: number)) else { break }
                removeRecovered(bucket, scale)
                bucket.release()
                visited += 1
            }
        }
        let epoch = cells.epochs.epoch
        freeOutgrown { $0 + 2 <= epoch }
        return visited
    }

    private func keepOutgrown(_ array: UnsafeMutablePointer<BucketArray>) {
        var before = outgrown.load(ordering: .relaxed)
        while true {
            array.pointee.outgrownBefore.store(before, ordering: .relaxed)
            let swapped = outgrown.compareExchange(expected: before, desired: array, ordering: .acquiringAndReleasing)
            if swapped.exchanged { return }
            before = swapped.original
        }
    }

    func freeOutgrown(_ isFree: (_ epoch: UInt64) -> Bool) {
        var array = outgrown.exchange(nil, ordering: .acquiringAndReleasing)
        while let former = array {
            array = former.pointee.outgrownBefore.load(ordering: .relaxed)
            if isFree(former.pointee.outgrownIn.load(ordering: .relaxed)) {
                BucketArray.destroy(former)
            } else {
                keepOutgrown(former)
            }
        }
    }
}
