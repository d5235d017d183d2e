import Glibc
import Reactor
import Synchronization
import Testing
import Time

@testable import RateLimit

/// A charge reads a cell's state, and swaps it later. Between the two the cell may be evicted, and used for another key whose state
/// is equal: the swap must not charge that one.
@Suite struct CounterReuseThreadTests {
    /// A table of one counter, so that each key evicts the one before, and all have equal states.
    private struct Table {
        let registry = CounterRegistry(seed: seed, pool: 0)
        let limit: Limit

        init() throws { limit = try RateLimitTests.limit("1000000/day per tenant", counters: 1, of: registry) }

        @discardableResult
        func charge(_ number: Int) -> UInt32 {
            limit.table.charge(limit, digest(number), hits: 7, now: start, wall: startWall).cell
        }

        func find(_ number: Int) -> CounterTable.Found? { limit.table.find(digest(number)) }
    }

    private static func key(of cell: CounterCell) -> Key {
        Key(CounterDigest(low: cell.low.pointee.load(ordering: .relaxed), high: cell.high.pointee.load(ordering: .relaxed)))
    }

    @Test("a cell that was read within a tick comes to no other key before its end, and a swap on it fails")
    func stepped() throws {
        let table = try Table()
        let reader = table.registry.cells.epochs.join()
        let evicting = table.registry.cells.epochs.join()
        func bring(_ number: Int) -> UInt32 {
            evicting.enter()
            defer { evicting.leave() }
            return table.charge(number)
        }

        reader.enter()
        table.charge(0)
        let found = try #require(table.find(0))
        var used: Set<UInt32> = []
        for number in 1...1000 {
            used.insert(bring(number))
            table.registry.cells.maintain()
        }
        #expect(!used.contains(found.index) && Self.key(of: found.cell) == Key(digest(0)))
        let swapped = found.cell.state.pointee.compareExchange(
            expected: found.word, desired: found.word + 1, ordering: .acquiringAndReleasing)
        #expect(!swapped.exchanged && swapped.original == CounterState.claimed)
        reader.leave()

        // After the tick the same steps do bring an equal state of another key into that cell.
        let other = try #require((1001...3000).first { bring($0) == found.index })
        let state = found.cell.state.pointee.load(ordering: .acquiring)
        #expect(state == found.word)
        #expect(Self.key(of: found.cell) == Key(digest(other)) && table.find(0) == nil)
    }

    @Test("threads that evict between a charge's reading and its swap have no other key charged")
    func threads() throws {
        let table = try Table()
        let isOver = Atomic<Bool>(false)
        let swaps = Atomic<Int>(0)
        let failures = Atomic<Int>(0)
        let wrong = Atomic<Int>(0)
        onThreads(4) { thread in
            let worker = table.registry.cells.epochs.join()
            guard thread < 2 else {
                var number = thread
                while !isOver.load(ordering: .relaxed) {
                    worker.enter()
                    for _ in 0..<8 {
                        table.charge(number)
                        number += 4
                    }
                    worker.leave()
                }
                return
            }
            var number = thread
            // Until both have happened often, in any order of the threads.
            while swaps.load(ordering: .relaxed) < 1000 || failures.load(ordering: .relaxed) < 1000, number < 10_000_000 {
                worker.enter()
                table.charge(number)
                if let found = table.find(number) {
                    if number % 8 < 4 { sched_yield() }
                    let swapped = found.cell.state.pointee.compareExchange(
                        expected: found.word, desired: found.word &+ 1, ordering: .acquiringAndReleasing)
                    if swapped.exchanged {
                        swaps.wrappingAdd(1, ordering: .relaxed)
                    } else {
                        failures.wrappingAdd(1, ordering: .relaxed)
                    }
                    if Self.key(of: found.cell) != Key(digest(number)) { wrong.wrappingAdd(1, ordering: .relaxed) }
                }
                worker.leave()
                number += 4
            }
            isOver.store(true, ordering: .relaxed)
        }
        let counts = (swaps.load(ordering: .relaxed), failures.load(ordering: .relaxed), wrong.load(ordering: .relaxed))
        #expect(counts.0 >= 1000 && counts.1 >= 1000 && counts.2 == 0)
    }
}
