import Synchronization
import Testing
import Time

@testable import RateLimit

@Suite struct WindowStateTests {
    private let table = CounterTable(cells: CounterCells(pool: 0), words: .windows(seconds: 60))
    private let base: UInt64 = 1_800_000_000

    private func add(_ key: Int, _ hits: UInt64 = 1, start: UInt64 = 0) -> UInt64 {
        table.add(
            hits, to: digest(key), windowStart: base + start, requests: 10, wall: WallTime(seconds: Int64(base + start)))
    }

    @Test("workers that count at once lose nothing")
    func concurrent() {
        onThreads(4) { _ in for step in 0..<5000 { _ = add(step % 3) } }
        #expect((0..<3).map { add($0, 0) }.reduce(0, +) == 20_000)
    }

    @Test("a sum stays at its highest, above every limit, and begins again with its window")
    func saturates() {
        #expect(add(1, UInt64(UInt32.max)) == UInt64(UInt32.max))
        #expect(add(1) == 1 << 32)
        #expect(add(1, 1 << 32) == WindowState.sumMax && add(1, .max) == WindowState.sumMax)
        #expect(add(1, 5, start: 60) == 5)
    }

    @Test("a worker that is a moment behind counts in the new window; a clock that was set back begins anew")
    func backwards() {
        #expect(add(1, start: 120) == 1)
        #expect(add(1, start: 60) == 2)
        #expect(add(1, start: 120) == 3)
        #expect(add(1, start: 0) == 1)
    }

    @Test("windows of a second reach from 2020 to 2088")
    func range() {
        #expect(WindowState.number(start: 0, seconds: 1) == 1)
        #expect(WindowState.number(start: 1_577_836_800, seconds: 1) == 1)
        #expect(WindowState.number(start: 1_577_836_801, seconds: 1) == 2)
        #expect(WindowState.number(start: 3_700_000_000, seconds: 1) < WindowState.numberMax)
        #expect(WindowState.number(start: .max, seconds: 1) == WindowState.numberMax)
        let last = WindowState.add(.max, to: 0, number: WindowState.numberMax)
        #expect(last != CounterState.claimed)
    }

    @Test("a window that is over makes room, one that runs does not")
    func recovers() {
        let word = WindowState.add(1, to: 0, number: WindowState.number(start: base, seconds: 60))
        #expect(!WindowState.isRecovered(word, seconds: 60, wall: WallTime(seconds: Int64(base + 59))))
        #expect(WindowState.isRecovered(word, seconds: 60, wall: WallTime(seconds: Int64(base + 60))))
        #expect(!WindowState.isRecovered(CounterState.claimed, seconds: 60, wall: WallTime(seconds: Int64(base + 60))))
    }

    @Test("a question leaves no counter behind")
    func question() {
        #expect(add(1, 0) == 0 && table.count == 0)
    }
}
