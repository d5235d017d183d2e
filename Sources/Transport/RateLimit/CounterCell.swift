internal import Synchronization

/// Where the cells are, by their index.
struct CounterDirectory: @unchecked Sendable {
    static let segmentShift: UInt32 = 11

    let segments: UnsafeMutablePointer<Atomic<UnsafeMutableRawPointer?>>

    /// The cell of an index that `CounterCells.take` returned.
    @inline(__always)
    func cell(_ index: UInt32) -> CounterCell {
        let segment = segments[Int(index >> Self.segmentShift)].load(ordering: .relaxed)
        return CounterCell(base: segment.unsafelyUnwrapped + Int(index & (1 << Self.segmentShift - 1)) * CounterCell.bytes)
    }
}

/// A counter's memory: its state, its key, and two links, of the table's chain and of the bags. Zeroed memory is one.
///
/// State and key are read by threads that have no lock, so all words are atomic.
struct CounterCell {
    static let bytes = 32
    let base: UnsafeMutableRawPointer

    var state: UnsafeMutablePointer<Atomic<UInt64>> { base.assumingMemoryBound(to: Atomic<UInt64>.self) }
    var low: UnsafeMutablePointer<Atomic<UInt64>> { (base + 8).assumingMemoryBound(to: Atomic<UInt64>.self) }
    var high: UnsafeMutablePointer<Atomic<UInt64>> { (base + 16).assumingMemoryBound(to: Atomic<UInt64>.self) }
    /// The next cell of its chain; stays as it is while the cell is in a bag.
    var next: UnsafeMutablePointer<Atomic<UInt32>> { (base + 24).assumingMemoryBound(to: Atomic<UInt32>.self) }
    /// The cell below it in its bag.
    var link: UnsafeMutablePointer<Atomic<UInt32>> { (base + 28).assumingMemoryBound(to: Atomic<UInt32>.self) }

    /// Takes the state from `word` to `claimed`: no charge succeeds on it any more.
    func claim(_ word: UInt64) -> Bool {
        state.pointee.compareExchange(
            expected: word, desired: CounterState.claimed, ordering: .acquiringAndReleasing
        ).exchanged
    }
}
