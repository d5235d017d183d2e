import Testing

@testable import Bytes

@Suite struct SlabTests {
    /// Counts what is prepared and disposed of.
    final class Counts {
        var prepared = 0
        var disposed = 0
    }

    func slab(_ counts: Counts, perBlock: Int = 4) -> Slab<Int> {
        Slab(
            recordsPerBlock: perBlock,
            makeValue: { _ in
                counts.prepared += 1
                return 0
            }, dispose: { _ in counts.disposed += 1 })
    }

    @Test("the last given back is the first taken, and no record is had twice")
    func reuse() {
        let slab = slab(Counts())
        var taken: [Record<Int>] = []
        for _ in 0..<100 { taken.append(slab.acquire()) }
        #expect(Set(taken).count == 100)
        #expect(slab.liveCount == 100)
        slab.release(taken[3])
        slab.release(taken[50])
        #expect(slab.acquire() == taken[50])
        #expect(slab.acquire() == taken[3])
        for record in taken { slab.release(record) }
        #expect(slab.liveCount == 0)
        #expect(Set((0..<100).map { _ in slab.acquire() }) == Set(taken))
    }

    @Test("each record is prepared once and disposed of once, in use or not")
    func lifecycle() {
        let counts = Counts()
        do {
            let slab = slab(counts)
            for _ in 0..<9 { _ = slab.acquire() }
            slab.release(slab.acquire())
            #expect(counts.prepared == 12)
            #expect(counts.disposed == 0)
        }
        #expect(counts.disposed == 12)
    }

    @Test("a slab of blocks of one, and one that nobody used")
    func edges() {
        let counts = Counts()
        do {
            _ = slab(counts)
            let single = slab(counts, perBlock: 1)
            for _ in 0..<3 { _ = single.acquire() }
        }
        #expect(counts.prepared == 3)
        #expect(counts.disposed == 3)
    }

    @Test("blocks of which no record is had are given back, but for a stock of free records")
    func release() {
        let counts = Counts()
        let slab = slab(counts)
        var taken = (0..<100).map { _ in slab.acquire() }
        taken.shuffle()
        let held = [taken[7], taken[60]]
        for record in taken where !held.contains(record) { slab.release(record) }
        slab.trim(keeping: 10)
        // 100 records in blocks of four: two blocks are in use, and as many stay as hold the stock.
        #expect(slab.liveCount == 2 && counts.prepared - counts.disposed == slab.capacity)
        #expect(slab.capacity >= 12 && slab.capacity <= 20)
        slab.trim(keeping: 0)
        #expect(slab.capacity == 4 || slab.capacity == 8)
        var again = Set(held)
        for _ in 0..<50 { #expect(again.insert(slab.acquire()).inserted) }
        #expect(slab.liveCount == 52)
        slab.trim(keeping: 0)
        #expect(slab.liveCount == 52)
    }
}
