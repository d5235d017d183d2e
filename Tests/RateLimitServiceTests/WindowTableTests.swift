import RateLimit
import Testing

@testable import RateLimitService

struct WindowTableTests {
    private func counter(_ number: UInt64, hits: UInt64 = 1, start: UInt64 = 60) -> LimitDecision.Counter {
        LimitDecision.Counter(
            digest: CounterDigest(low: number, high: number &* 0x9E37_79B9_7F4A_7C15), overflow: 1, hits: hits,
            seconds: 60, start: start, key: 0..<0)
    }

    @Test("workers that count at once lose nothing")
    func concurrent() async {
        let table = WindowTable(seed: HashSeed(1, 2))
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask { for step in 0..<5000 { _ = table.add(self.counter(UInt64(step % 3)), second: 61) } }
            }
        }
        let sums = (0..<3).map { table.add(counter(UInt64($0), hits: 0), second: 61) }
        #expect(sums.reduce(0, +) == 20_000)
    }

    @Test("a sum stays at its highest, and begins again with its window")
    func saturates() {
        let table = WindowTable(seed: HashSeed(1, 2))
        #expect(table.add(counter(1, hits: .max - 1), second: 61) == UInt64.max - 1)
        #expect(table.add(counter(1, hits: 5), second: 61) == .max)
        #expect(table.add(counter(1, hits: 5, start: 120), second: 121) == 5)
    }

    @Test("a worker that is a moment behind counts in the new window; a clock that was set back begins anew")
    func backwards() {
        let table = WindowTable(seed: HashSeed(1, 2))
        #expect(table.add(counter(1, start: 180), second: 180) == 1)
        #expect(table.add(counter(1, start: 120), second: 179) == 2)
        #expect(table.add(counter(1, start: 180), second: 180) == 3)
        #expect(table.add(counter(1, start: 60), second: 61) == 1)
    }

    @Test("a shard holds as many counters as it may, and then one for the rest; windows that end make room")
    func bounded() {
        let table = WindowTable(cellsMax: 1, seed: HashSeed(1, 2))
        // All of one shard: the low bits of `high` are the same.
        func same(_ number: UInt64, start: UInt64 = 60) -> LimitDecision.Counter {
            var counter = counter(number, start: start)
            counter.digest = CounterDigest(low: number, high: number << 8 | 1)
            return counter
        }
        #expect(table.add(same(1), second: 61) == 1)
        #expect(table.add(same(1), second: 61) == 2)
        #expect(table.add(same(2), second: 61) == 1)
        #expect(table.add(same(3), second: 61) == 2)
        #expect(table.add(same(1), second: 61) == 3)
        #expect(table.add(same(3, start: 120), second: 121) == 1)
        #expect(table.add(same(4, start: 120), second: 121) == 1)
        #expect(table.add(same(3, start: 120), second: 121) == 2)
    }
}
