package import Reactor
internal import Synchronization

/// The memory of all counters of a process: cells of 32 bytes that never move, used by one table at a time.
///
///     fresh ──take──▶ in a table ──retire──▶ bag of this epoch ──two epochs──▶ safe bag ──take──▶ in a table
///
/// A cell that a table has let go of keeps its bytes until every worker has ended its tick, so a worker that found the cell
/// before can still compare its key and try its swap, which fails. There are three bags, one an epoch modulo three: what
/// is retired in epoch e lies in bag e, and bag e + 1, from epoch e − 2, is safe to take from. The epoch only goes on when
/// that one is empty, because it is the next that cells are retired into.
///
/// A bag is a linked stack whose head carries a tag that every push and pop counts up. A pop that slept cannot succeed on
/// a head that only looks the same: a cell popped meanwhile comes back to a bag after an epoch that the sleeper holds up, and
/// the tag would have to go through 2³⁶ values.
package final class CounterCells: @unchecked Sendable {
    /// More is not addressed; 8 GiB.
    package static let cellsMax = 1 << 28
    private static let segmentShift = CounterDirectory.segmentShift
    private static let cellsPerSegment = 1 << CounterDirectory.segmentShift
    private static let segmentBytes = cellsPerSegment * CounterCell.bytes
    private static let indexMask: UInt64 = 1 << 28 - 1

    let epochs: EpochDomain
    /// Copied by tables, which reach every cell by it.
    let directory: CounterDirectory
    private var segments: UnsafeMutablePointer<Atomic<UnsafeMutableRawPointer?>> { directory.segments }
    private static let directoryBytes = cellsMax / cellsPerSegment * MemoryLayout<UnsafeMutableRawPointer>.stride
    /// Index 0 is none.
    private let fresh = Atomic<Int>(1)
    /// By epoch modulo three, and at 3 what the control loop has taken from a safe one. Index in the low 28 bits, then the tag.
    private let bag0 = Atomic<UInt64>(0)
    private let bag1 = Atomic<UInt64>(0)
    private let bag2 = Atomic<UInt64>(0)
    private let spare = Atomic<UInt64>(0)
    /// In the bags.
    private let retired = Atomic<Int>(0)
    /// Cells held above what tables are guaranteed, and how many that may be.
    private let drawn = Atomic<Int>(0)
    private let pool: Atomic<Int>

    package init(pool: Int, epochs: EpochDomain = EpochDomain()) {
        self.epochs = epochs
        self.pool = Atomic(pool)
        guard let directory = ZeroedPages.allocate(Self.directoryBytes) else { fatalError("out of memory for counters") }
        self.directory = CounterDirectory(
            segments: directory.bindMemory(
                to: Atomic<UnsafeMutableRawPointer?>.self, capacity: Self.cellsMax / Self.cellsPerSegment))
    }

    deinit {
        let used = (fresh.load(ordering: .relaxed) + Self.cellsPerSegment) >> Self.segmentShift
        for index in 0..<min(used + 1, Self.cellsMax / Self.cellsPerSegment) {
            if let segment = segments[index].load(ordering: .relaxed) { ZeroedPages.free(segment, Self.segmentBytes) }
        }
        ZeroedPages.free(UnsafeMutableRawPointer(segments), Self.directoryBytes)
    }

    @inline(__always)
    func cell(_ index: UInt32) -> CounterCell { directory.cell(index) }

    // MARK: The pool

    package var poolSize: Int { pool.load(ordering: .relaxed) }
    package var poolUsed: Int { drawn.load(ordering: .relaxed) }

    package func setPool(_ size: Int) { pool.store(size, ordering: .relaxed) }

    /// One more above a guarantee; false where there are too many with it. It counts all the same until `giveBack`.
    func draw() -> Bool { drawn.wrappingAdd(1, ordering: .relaxed).newValue <= pool.load(ordering: .relaxed) }

    func giveBack(_ count: Int = 1) { drawn.wrappingSubtract(count, ordering: .relaxed) }

    // MARK: Taking and retiring

    /// A cell that no other thread can have an address of, or 0 where there is no memory for one.
    func take() -> UInt32 {
        let kept = pop(spare) { true }
        if kept != 0 { return kept }
        if retired.load(ordering: .relaxed) > 0 {
            for _ in 0..<2 {
                let epoch = epochs.epoch
                let index = takeReclaimed(epoch)
                if index != 0 { return index }
                guard advance(from: epoch) else { break }
            }
        }
        return takeFresh()
    }

    private func takeReclaimed(_ epoch: UInt64) -> UInt32 {
        // Looked at again after the head: it was the safe bag's while that was safe.
        let index = withBag((epoch + 1) % 3) { bag in pop(bag) { epochs.epoch == epoch } }
        if index != 0 { retired.wrappingSubtract(1, ordering: .relaxed) }
        return index
    }

    private func advance(from epoch: UInt64) -> Bool {
        // Nothing is retired into the safe bag before the epoch goes on.
        guard withBag((epoch + 1) % 3, { $0.load(ordering: .acquiring) & Self.indexMask }) == 0 else { return false }
        return epochs.tryAdvance(from: epoch)
    }

    private func takeFresh() -> UInt32 {
        let index = fresh.wrappingAdd(1, ordering: .relaxed).oldValue
        guard index < Self.cellsMax else {
            fresh.wrappingSubtract(1, ordering: .relaxed)
            return 0
        }
        let place = index >> Self.segmentShift
        if segments[place].load(ordering: .acquiring) != nil { return UInt32(index) }
        guard let segment = ZeroedPages.allocate(Self.segmentBytes) else { return 0 }
        let stored = segments[place].compareExchange(expected: nil, desired: segment, ordering: .acquiringAndReleasing)
        if !stored.exchanged { ZeroedPages.free(segment, Self.segmentBytes) }
        return UInt32(index)
    }

    /// Lets go of a cell that was unlinked and whose state is `CounterState.claimed`.
    func retire(_ index: UInt32) {
        retired.wrappingAdd(1, ordering: .relaxed)
        withBag(epochs.epochAfterUnlinking() % 3) { push(index, onto: $0) }
    }

    /// Lets go of a cell that no thread can reach.
    func release(_ index: UInt32) { push(index, onto: spare) }

    /// Lets the epoch go on where no table takes cells. From the control loop, now and then.
    func maintain() {
        for _ in 0..<3 {
            let epoch = epochs.epoch
            for _ in 0..<65_536 {
                let index = takeReclaimed(epoch)
                if index == 0 { break }
                release(index)
            }
            guard advance(from: epoch) else { return }
        }
    }

    @inline(__always)
    private func withBag<Result>(_ number: UInt64, _ body: (borrowing Atomic<UInt64>) -> Result) -> Result {
        switch number {
        case 0: body(bag0)
        case 1: body(bag1)
        default: body(bag2)
        }
    }

    private func push(_ index: UInt32, onto bag: borrowing Atomic<UInt64>) {
        let link = cell(index).link
        var head = bag.load(ordering: .relaxed)
        while true {
            link.pointee.store(UInt32(head & Self.indexMask), ordering: .relaxed)
            let next = UInt64(index) | ((head & ~Self.indexMask) &+ (Self.indexMask + 1))
            let swapped = bag.compareExchange(expected: head, desired: next, ordering: .acquiringAndReleasing)
            if swapped.exchanged { return }
            head = swapped.original
        }
    }

    private func pop(_ bag: borrowing Atomic<UInt64>, _ isSafe: () -> Bool) -> UInt32 {
        var head = bag.load(ordering: .acquiring)
        while true {
            let index = UInt32(head & Self.indexMask)
            guard index != 0, isSafe() else { return 0 }
            // Of another bag by now where the cell was popped meanwhile: then the swap fails.
            let below = UInt64(cell(index).link.pointee.load(ordering: .relaxed))
            let next = below | ((head & ~Self.indexMask) &+ (Self.indexMask + 1))
            let swapped = bag.compareExchange(expected: head, desired: next, ordering: .acquiringAndReleasing)
            if swapped.exchanged { return index }
            head = swapped.original
        }
    }
}
