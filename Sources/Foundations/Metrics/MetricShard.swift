internal import Glibc
// Public, because what is inlined into other modules may name only what was imported so.
public import Synchronization

/// One worker's share of every metric.
///
/// Written by the one thread that owns it, read by the renderer of the metrics. Every cell is a relaxed atomic that is
/// loaded and stored, never read-modify-written: the writer pays for a plain addition, the reader sees each cell whole,
/// and nothing orders one cell against another.
///
/// The memory for all cells is reserved at once and touched only as metrics are declared, so a handle stays valid and
/// needs no look-up for the life of the process, across every reload.
@usableFromInline package final class MetricShard: @unchecked Sendable {
    @usableFromInline let cells: UnsafeMutablePointer<Atomic<UInt64>>
    @usableFromInline let firstByHighestBit: UnsafeMutablePointer<UInt8>
    @usableFromInline let bounds: UnsafeMutablePointer<UInt64>
    private let index: LatencyIndex

    init(cellCount: Int) {
        // calloc: a large block comes zeroed from the kernel, page by page as it is touched. A zeroed cell is an
        // `Atomic` of zero, which is its one stored word.
        precondition(MemoryLayout<Atomic<UInt64>>.stride == 8)
        guard let memory = calloc(cellCount, 8) else { fatalError("out of memory for a metric shard") }
        cells = memory.bindMemory(to: Atomic<UInt64>.self, capacity: cellCount)
        index = LatencyIndex()
        firstByHighestBit = index.firstByHighestBit
        bounds = index.bounds
    }

    deinit {
        free(cells)
        index.deallocate()
    }

    @inlinable package func add(_ counter: Counter, _ amount: UInt64 = 1) {
        increase(counter.cell, by: amount)
    }

    /// Adds to element `index` of the row; an index outside the row is the caller's bug.
    @inlinable package func add(_ row: CounterRow, at index: Int, _ amount: UInt64 = 1) {
        precondition(index >= 0 && index < row.count)
        increase(row.cell + index, by: amount)
    }

    @inlinable package func adjust(_ gauge: Gauge, by change: Int64) {
        increase(gauge.cell, by: UInt64(bitPattern: change))
    }

    @inlinable package func set(_ gauge: Gauge, to level: Int64) {
        cells[gauge.cell].store(UInt64(bitPattern: level), ordering: .relaxed)
    }

    /// This worker's part of it.
    package func level(_ gauge: Gauge) -> Int64 { Int64(bitPattern: read(gauge.cell)) }

    @inlinable package func observe(_ histogram: Histogram, nanoseconds: UInt64) {
        let first = Int(firstByHighestBit[63 - (nanoseconds | 1).leadingZeroBitCount])
        let bucket = nanoseconds > bounds[first] ? first + 1 : first
        increase(histogram.cell + bucket, by: 1)
        increase(histogram.cell + LatencyBuckets.count, by: nanoseconds)
    }

    @inlinable func increase(_ cell: Int, by amount: UInt64) {
        let now = cells[cell].load(ordering: .relaxed)
        cells[cell].store(now &+ amount, ordering: .relaxed)
    }

    func read(_ cell: Int) -> UInt64 { cells[cell].load(ordering: .relaxed) }
}
