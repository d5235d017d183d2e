import Reactor
import Synchronization
import Testing
import Time

@testable import RateLimit

/// The keys that a table has, each with its state.
func contents(of table: CounterTable) -> [Key: UInt64] {
    var found: [Key: UInt64] = [:]
    var array = table.buckets.load(ordering: .acquiring)
    while let present = array {
        for number in 0..<present.pointee.count {
            let bucket = present.pointee.bucket(UInt64(number))
            guard bucket.turn.pointee.load(ordering: .relaxed) == 0 else { continue }
            for chain in 0..<Int(BucketArray.chains) {
                var index = bucket.head(chain).pointee.load(ordering: .relaxed)
                while index != 0 {
                    let cell = table.directory.cell(index)
                    let key = Key(
                        low: cell.low.pointee.load(ordering: .relaxed), high: cell.high.pointee.load(ordering: .relaxed))
                    if found.updateValue(cell.state.pointee.load(ordering: .relaxed), forKey: key) != nil {
                        Issue.record("a key is in the table twice")
                    }
                    index = cell.next.pointee.load(ordering: .relaxed)
                }
            }
        }
        array = present.pointee.next.load(ordering: .acquiring)
    }
    return found
}

struct Key: Hashable {
    var low: UInt64
    var high: UInt64

    init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    init(_ digest: CounterDigest) { self.init(low: digest.low, high: digest.high) }
}

/// xorshift64: the same numbers every time.
struct SeededNumbers {
    var state: UInt64

    mutating func next(below bound: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state >> 11) % bound
    }
}

@Suite struct CounterTableTests {
    @Test(
        "charges, returns and time leave what a dictionary has, over growth and eviction",
        arguments: [
            ("20/s burst 6 per tenant", 1 << 20), ("6/min per tenant", 1 << 20), ("6/min per tenant", 300),
            ("20/s burst 6 per tenant", 150),
        ])
    func model(text: String, maximum: Int) throws {
        let limit = try limit(text, counters: maximum)
        let table = limit.table
        var model: [Key: UInt64] = [:]
        var numbers = SeededNumbers(state: 0x1234_5678_9abc_def1)
        var now = start
        var wall = startWall
        var evicted: UInt64 = 0
        for step in 0..<20_000 {
            if numbers.next(below: maximum > 1000 ? 20_000 : 300) == 0 {
                now = now + .seconds(20)
                wall = WallTime(nanoseconds: wall.nanoseconds + 20_000_000_000)
            }
            let digest = digest(numbers.next(below: maximum > 1000 ? 5000 : maximum * 2))
            let hits = UInt64(numbers.next(below: 4))
            let key = Key(digest)
            let expected = CounterState.judge(model[key] ?? 0, limit, hits: hits, now: now, wall: wall)
            #expect(table.ask(limit, digest, hits: hits, now: now, wall: wall) == expected.verdict)
            let charge = table.charge(limit, digest, hits: hits, now: now, wall: wall)
            #expect(charge.verdict == expected.verdict)
            if charge.cell != 0 {
                model[key] = expected.word
                if numbers.next(below: 3) == 0 {
                    table.giveBack(charge, limit, hits: hits)
                    model[key] = CounterState.giveBack(expected.word, charged: expected.word, limit, hits: hits)
                }
            }
            if step % 97 == 0 {
                _ = table.maintain(EvictionScale(now: now, wall: wall), buckets: 7)
                table.cells.maintain()
            }
            let live = table.evictedBelowLimit.load(ordering: .relaxed) + table.evictedAtLimit.load(ordering: .relaxed)
            if live > evicted || step % 1000 == 999 {
                let found = contents(of: table)
                let lost = model.filter { found[$0.key] == nil }
                // What has recovered may go or stay; of others, only what was evicted.
                #expect(lost.values.count { !CounterState.isRecovered($0, now: now, wall: wall) } == Int(live - evicted))
                for key in lost.keys { model[key] = nil }
                #expect(found == model && found.count == table.count && table.count <= maximum)
                evicted = live
            } else if let word = model[key], CounterState.isRecovered(word, now: now, wall: wall) {
                // Nothing a recovered counter says differs from none.
                if table.find(digest) == nil { model[key] = nil }
            }
        }
        if maximum > 1000 { #expect(evicted == 0) } else { #expect(evicted > 500) }
    }

    @Test("a limit has its guarantee without a pool, to the last counter, and the next evicts")
    func guarantee() throws {
        let registry = CounterRegistry(seed: seed, pool: 0)
        let limit = try limit("5/day per tenant", of: registry)
        for number in 0..<CounterTable.guaranteed { charge(limit, number) }
        #expect(limit.table.count == 16_384 && limit.table.evictedBelowLimit.load(ordering: .relaxed) == 0)
        charge(limit, -1 & 0xFF_FFFF)
        #expect(limit.table.count == 16_384 && limit.table.evictedBelowLimit.load(ordering: .relaxed) == 1)
        #expect(registry.cells.poolUsed == 0)
    }

    @Test("above the guarantee a limit draws from the pool, down to its last, and gives back what it no longer has")
    func pool() throws {
        let registry = CounterRegistry(seed: seed, pool: 100)
        let one = try limit("5/min per tenant", name: "one", of: registry)
        let other = try limit("5/min per tenant", name: "other", of: registry)
        for number in 0..<16_384 + 60 { charge(one, number) }
        for number in 0..<16_384 + 40 { charge(other, number) }
        #expect(registry.cells.poolUsed == 100 && one.table.count == 16_444 && other.table.count == 16_424)
        charge(one, 1_000_000)
        charge(other, 1_000_000)
        #expect(registry.cells.poolUsed == 100 && one.table.count == 16_444 && other.table.count == 16_424)
        #expect(other.table.evictedBelowLimit.load(ordering: .relaxed) == 1)
        // A minute later all have recovered: the control loop finds out, and the pool is full again.
        let wall = WallTime(seconds: startWall.seconds + 60)
        _ = registry.maintain(now: start + .seconds(60), wall: wall)
        #expect(registry.cells.poolUsed == 0 && one.table.count == 0 && other.table.count == 0)
        // What the two had before is used again: no new cell is needed for as many.
        for number in 0..<16_384 + 100 { charge(one, number, at: 60) }
        #expect(one.table.count == 16_484 && registry.cells.poolUsed == 100)
    }

    @Test("a limit has its maximum, at it and one above", arguments: [1, 2, 15, 64, 1000])
    func maximum(most: Int) throws {
        let limit = try limit("5/day per tenant", counters: most)
        for number in 0..<most { charge(limit, number) }
        #expect(limit.table.count == most && limit.table.evictedBelowLimit.load(ordering: .relaxed) == 0)
        charge(limit, most)
        #expect(limit.table.count == most && limit.table.evictedBelowLimit.load(ordering: .relaxed) == 1)
        for number in most..<most * 3 { charge(limit, number) }
        #expect(limit.table.count == most && contents(of: limit.table).count == most)
    }

    @Test("a maximum that a reload has lowered is come down to as keys come")
    func lowered() throws {
        let registry = CounterRegistry(seed: seed)
        let wide = try limit("5/day per tenant", counters: 2000, of: registry)
        for number in 0..<2000 { charge(wide, number) }
        let narrow = try limit("5/day per tenant", counters: 100, of: registry)
        #expect(narrow.table === wide.table)
        for number in 2000..<5000 { charge(narrow, number) }
        #expect(narrow.table.count <= 100 + CounterTable.slack)
    }

    /// Digests of one bucket as long as a table is small.
    private func neighbour(_ number: Int) -> CounterDigest {
        CounterDigest(low: UInt64(number) << 32, high: digest(number).high)
    }

    @Test("the counter farthest from its limit goes first; one at its limit only where all are, and of those the first to reset")
    func order() throws {
        let limit = try limit("10/s burst 4 per tenant", counters: 4)
        let table = limit.table
        func put(_ number: Int, _ hits: UInt64, _ milliseconds: Int = 0) {
            _ = table.charge(limit, neighbour(number), hits: hits, now: start + .milliseconds(milliseconds), wall: startWall)
        }
        func has(_ numbers: Int...) -> Bool { numbers.allSatisfy { table.find(neighbour($0)) != nil } }
        put(1, 3)
        put(2, 1)
        put(3, 4)
        put(4, 2)
        put(5, 4, 1)
        #expect(!has(2) && has(1, 3, 4, 5))
        put(6, 4, 2)
        #expect(!has(4) && has(1, 3, 5, 6))
        put(7, 4, 3)
        #expect(!has(1) && has(3, 5, 6, 7) && table.evictedBelowLimit.load(ordering: .relaxed) == 3)
        #expect(table.evictedAtLimit.load(ordering: .relaxed) == 0)
        // All are at their limit; 3 resets first.
        put(8, 1, 4)
        #expect(!has(3) && has(5, 6, 7, 8) && table.evictedAtLimit.load(ordering: .relaxed) == 1)
        // The evicted key begins anew, in the place of 8, which has used least.
        put(3, 1, 5)
        #expect(!has(8) && has(3))
        // What has recovered goes before anything else.
        put(9, 4, 150)
        #expect(!has(3) && has(5, 6, 7, 9) && table.evictedRecovered.load(ordering: .relaxed) == 1)
    }

    @Test("a charge is given back to the counter it was made to, or to none", arguments: ["9/s per tenant", "9/min per tenant"])
    func givenBackAfterEviction(text: String) throws {
        let narrow = try limit(text, counters: 1)
        let table = narrow.table
        // All in one tick.
        let worker = table.cells.epochs.join()
        worker.enter()
        let first = table.charge(narrow, digest(1), hits: 3, now: start, wall: startWall)
        charge(narrow, 2)
        // The same key anew: it never had the three.
        _ = table.charge(narrow, digest(1), hits: 5, now: start, wall: startWall)
        table.giveBack(first, narrow, hits: 3)
        #expect(table.standing(narrow, digest(1), hits: 0, now: start, wall: startWall).remaining == 4)
        // Over growth the cell stays what it was.
        let wide = try limit(text)
        let kept = wide.table.charge(wide, digest(1), hits: 3, now: start, wall: startWall)
        for number in 2..<3000 { charge(wide, number) }
        wide.table.giveBack(kept, wide, hits: 3)
        #expect(wide.table.standing(wide, digest(1), hits: 0, now: start, wall: startWall).remaining == 9)
    }

    @Test("a table grows as its keys come, moving two buckets at a time, and frees what it has outgrown")
    func growth() throws {
        let limit = try limit("5/day per tenant")
        let table = limit.table
        #expect(table.buckets.load(ordering: .acquiring) == nil)
        var before = 0
        for number in 0..<40_000 {
            charge(limit, number)
            guard let array = table.buckets.load(ordering: .acquiring) else { continue }
            let moved = array.pointee.next.load(ordering: .acquiring) == nil ? 0 : array.pointee.moved.load(ordering: .relaxed)
            #expect(moved <= before + 2 || before == 0)
            before = moved
            if number % 1000 == 0 { for key in stride(from: 0, through: number, by: 7) { #expect(table.find(digest(key)) != nil) } }
        }
        #expect(contents(of: table).count == 40_000)
        #expect(table.outgrown.load(ordering: .relaxed) != nil)
        for _ in 0..<3 {
            table.cells.maintain()
            _ = table.maintain(EvictionScale(now: start, wall: startWall), buckets: 0)
        }
        #expect(table.outgrown.load(ordering: .relaxed) == nil)
    }

    @Test("what is outgrown or evicted is kept until every worker has left its tick")
    func quiescence() throws {
        let registry = CounterRegistry(seed: seed)
        let limit = try limit("5/day per tenant", counters: 100, of: registry)
        let worker = registry.cells.epochs.join()
        worker.enter()
        let first = limit.table.charge(limit, digest(0), hits: 1, now: start, wall: startWall).cell
        var used: Set<UInt32> = []
        for number in 1..<5000 {
            used.insert(limit.table.charge(limit, digest(number), hits: 1, now: start, wall: startWall).cell)
        }
        #expect(limit.table.find(digest(0)) == nil && !used.contains(first))
        for _ in 0..<5 { registry.cells.maintain() }
        _ = limit.table.maintain(EvictionScale(now: start, wall: startWall), buckets: 0)
        #expect(limit.table.outgrown.load(ordering: .relaxed) != nil)
        worker.leave()
        for _ in 0..<5 { registry.cells.maintain() }
        _ = limit.table.maintain(EvictionScale(now: start, wall: startWall), buckets: 0)
        #expect(limit.table.outgrown.load(ordering: .relaxed) == nil)
        for number in 5000..<10_000 {
            used.insert(limit.table.charge(limit, digest(number), hits: 1, now: start, wall: startWall).cell)
        }
        #expect(used.contains(first) && used.count < 5100)
    }

    @Test("a plan of a million tenants counts each of them")
    func million() throws {
        let limit = try limit("2/day per tenant")
        for number in 0..<1_000_000 { charge(limit, number) }
        #expect(limit.table.count == 1_000_000)
        for number in stride(from: 0, to: 1_000_000, by: 23) {
            #expect(limit.table.charge(limit, digest(number), hits: 1, now: start, wall: startWall).verdict.remaining == 0)
            #expect(!limit.table.charge(limit, digest(number), hits: 1, now: start, wall: startWall).verdict.isAllowed)
        }
    }

    private func charge(_ limit: Limit, _ number: Int, at seconds: Int = 0) {
        let charge = limit.table.charge(
            limit, digest(number), hits: 1, now: start + .seconds(seconds),
            wall: WallTime(seconds: startWall.seconds + Int64(seconds)))
        if !charge.verdict.isAllowed { Issue.record("\(number) was refused") }
    }
}
