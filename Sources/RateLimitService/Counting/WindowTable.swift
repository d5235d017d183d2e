package import Time
package import RateLimit
internal import Synchronization
package import Time

/// Counters in memory, shared by all workers of the process: fixed windows that only grow.
///
/// A shard's lock is held for one look-up. A shard that is full first lets go of what has ended; if nothing has, whoever
/// comes new counts in one cell with all others of the same rule: refused too early, never let through uncounted.
package final class WindowTable: Sendable {
    private struct Key: Hashable {
        let low: UInt64
        let high: UInt64

        func hash(into hasher: inout Hasher) { hasher.combine(low) }
    }

    private struct Cell {
        var start: UInt64
        var end: UInt64
        var sum: UInt64
    }

    private struct Shard: ~Copyable {
        var cells: [Key: Cell] = [:]
        /// One for each rule and length of window at most.
        var overflow: [UInt64: Cell] = [:]
        var sweptAt: UInt64 = 0
    }

    private final class LockedShard: Sendable {
        let state = Mutex(Shard())
    }

    private let shards: [LockedShard]
    private let cellsPerShardMax: Int
    package let seed: HashSeed
    private static let shardCount = 64

    /// - Parameter cellsMax: counters kept at once, each about 64 bytes.
    package init(cellsMax: Int = 1 << 20, seed: HashSeed = .random()) {
        shards = (0..<Self.shardCount).map { _ in LockedShard() }
        cellsPerShardMax = max(1, cellsMax / Self.shardCount)
        self.seed = seed
    }

    /// Adds the counter's hits to its window, and returns what that holds now.
    func add(_ counter: LimitDecision.Counter, second: UInt64) -> UInt64 {
        let key = Key(low: counter.digest.low, high: counter.digest.high)
        return shards[Int(counter.digest.high & UInt64(Self.shardCount - 1))].state.withLock { shard in
            if shard.cells[key] != nil || hasRoom(&shard, second) {
                return Self.add(counter, to: &shard.cells[key, default: Self.empty(counter)])
            }
            return Self.add(counter, to: &shard.overflow[counter.overflow, default: Self.empty(counter)])
        }
    }

    private static func empty(_ counter: LimitDecision.Counter) -> Cell {
        Cell(start: counter.start, end: counter.start &+ counter.seconds, sum: 0)
    }

    private static func add(_ counter: LimitDecision.Counter, to cell: inout Cell) -> UInt64 {
        // One window back is a worker whose tick began before the window did; further back the clock was set.
        if cell.start != counter.start, cell.start != counter.start &+ counter.seconds { cell = empty(counter) }
        let (sum, overflow) = cell.sum.addingReportingOverflow(counter.hits)
        cell.sum = overflow ? .max : sum
        return cell.sum
    }

    private func hasRoom(_ shard: inout Shard, _ second: UInt64) -> Bool {
        if shard.cells.count < cellsPerShardMax { return true }
        guard shard.sweptAt != second else { return false }
        shard.sweptAt = second
        shard.cells = shard.cells.filter { $0.value.end > second }
        shard.overflow = shard.overflow.filter { $0.value.end > second }
        return shard.cells.count < cellsPerShardMax
    }
}

/// Counts in the process's own table; answers at once.
package final class MemoryWindowStore: WindowStore {
    package unowned(unsafe) var delegate: (any WindowStoreDelegate)?
    private let table: WindowTable

    package init(table: WindowTable) { self.table = table }

    /// It is never in trouble.
    package func lookAgain(now: Instant) -> Bool { false }

    package func count(_ decision: LimitDecision, now: Instant, wall: WallTime) -> CountAnswer {
        for index in decision.counters.indices {
            decision.counters[index].sum = table.add(decision.counters[index], second: decision.second)
        }
        decision.outcome = .counted
        return .now
    }
}
