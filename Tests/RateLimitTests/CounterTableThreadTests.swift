import Glibc
import Reactor
import Synchronization
import Testing
import Time

@testable import RateLimit

/// Runs `body` on `count` threads at once, each with its number.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    final class Job: Sendable {
        let number: Int
        let body: @Sendable (Int) -> Void
        init(_ number: Int, _ body: @escaping @Sendable (Int) -> Void) {
            self.number = number
            self.body = body
        }
    }
    var threads: [pthread_t] = []
    for number in 0..<count {
        var thread = pthread_t()
        let job = Unmanaged.passRetained(Job(number, body)).toOpaque()
        pthread_create(
            &thread, nil,
            { job in
                let job = Unmanaged<Job>.fromOpaque(job!).takeRetainedValue()
                job.body(job.number)
                return nil
            }, job)
        threads.append(thread)
    }
    for thread in threads { pthread_join(thread, nil) }
}

/// Holds threads until all have come.
final class Barrier: Sendable {
    private let count: Int
    private let arrived = Atomic<Int>(0)

    init(_ count: Int) { self.count = count }

    func wait() {
        let mine = arrived.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue
        let full = (mine + count - 1) / count * count
        while arrived.load(ordering: .acquiring) < full { sched_yield() }
    }
}

@Suite struct CounterTableThreadTests {
    @Test("many threads on one counter are granted exactly its limit", arguments: ["10000/min", "10000/s"])
    func exact(text: String) throws {
        let limit = try limit(text)
        let table = limit.table
        let granted = Atomic<Int>(0)
        let digest = CounterDigest(low: 7, high: 9)
        onThreads(8) { _ in
            for _ in 0..<3000 where table.charge(limit, digest, hits: 1, now: start, wall: startWall).verdict.isAllowed {
                granted.wrappingAdd(1, ordering: .relaxed)
            }
        }
        #expect(granted.load(ordering: .relaxed) == 10_000)
    }

    @Test("many threads that bring the same new keys at once never get one into two cells")
    func newKeys() throws {
        let limit = try limit("3/s per tenant")
        let table = limit.table
        let threads = 6
        let keys = 100
        let barrier = Barrier(threads)
        let granted = Atomic<Int>(0)
        let wrong = Atomic<Int>(0)
        onThreads(threads) { number in
            for round in 0..<200 {
                // Every round is a second later, so that all cells of the round before are up for reuse at once.
                let now = start + .seconds(round)
                for key in 0..<keys {
                    let digest = CounterDigest(low: UInt64(key * 977), high: UInt64(round * 1000 + key))
                    for _ in 0..<2 where table.charge(limit, digest, hits: 1, now: now, wall: startWall).verdict.isAllowed {
                        granted.wrappingAdd(1, ordering: .relaxed)
                    }
                }
                barrier.wait()
                if number == 0, granted.exchange(0, ordering: .relaxed) != 3 * keys {
                    wrong.wrappingAdd(1, ordering: .relaxed)
                }
                barrier.wait()
            }
        }
        #expect(wrong.load(ordering: .relaxed) == 0)
    }

    @Test("threads that charge several limits leave exactly what was granted")
    func several() throws {
        let shared = try limit("1000/min", name: "shared")
        let narrow = try limit("700/min", name: "narrow")
        let granted = Atomic<UInt64>(0)
        onThreads(6) { _ in
            let caller = Caller()
            for _ in 0..<500 where caller.call(shared, narrow).isAllowed {
                granted.wrappingAdd(1, ordering: .relaxed)
            }
        }
        let total = granted.load(ordering: .relaxed)
        // A charge that waits to be given back may make another thread's call fail at the very edge.
        #expect(total <= 700 && total >= 694)
        let caller = Caller()
        caller.call(shared, hits: 0)
        #expect(caller.request.verdict(at: 0).remaining == 1000 - total)
    }

    @Test("a table that grows under four threads counts no key twice and none from zero")
    func growing() throws {
        let registry = CounterRegistry(seed: seed)
        let limit = try limit("3/day per tenant", of: registry)
        let keys = 6000
        let granted = Atomic<Int>(0)
        onThreads(4) { thread in
            let worker = registry.cells.epochs.join()
            var numbers = SeededNumbers(state: UInt64(thread) + 77)
            for pass in 0..<2 {
                var key = 0
                while key < keys {
                    worker.enter()
                    for _ in 0..<50 {
                        // New keys of all threads at once, and old ones between.
                        for number in [key, numbers.next(below: key + 1)] {
                            let charge = limit.table.charge(limit, digest(number), hits: 1, now: start, wall: startWall)
                            if charge.verdict.isAllowed { granted.wrappingAdd(1, ordering: .relaxed) }
                        }
                        key += 1
                    }
                    worker.leave()
                }
                if thread == 0, pass == 0 { _ = registry.maintain(now: start, wall: startWall) }
            }
        }
        // Each key was asked for at least eight times.
        #expect(granted.load(ordering: .relaxed) == 3 * keys && limit.table.count == keys)
        #expect(contents(of: limit.table).values.allSatisfy { CounterState.hits($0) == 3 })
    }

    @Test("a table that evicts under four threads charges no key for another", arguments: [40, 700])
    func evicting(maximum: Int) throws {
        let registry = CounterRegistry(seed: seed, pool: 0)
        let limit = try limit("1000000/day per tenant", counters: maximum, of: registry)
        // Each key is charged in a step of its own, so that a hit of another key shows.
        let steps: [UInt64] = [997, 1009, 1013, 1019]
        onThreads(4) { thread in
            let worker = registry.cells.epochs.join()
            var numbers = SeededNumbers(state: UInt64(thread) + 991)
            for _ in 0..<300 {
                worker.enter()
                for _ in 0..<30 {
                    let number = numbers.next(below: maximum * 2)
                    let hits = steps[number % 4]
                    let charge = limit.table.charge(limit, digest(number), hits: hits, now: start, wall: startWall)
                    if numbers.next(below: 4) == 0 { limit.table.giveBack(charge, limit, hits: hits) }
                }
                worker.leave()
            }
        }
        let found = contents(of: limit.table)
        #expect(found.count == limit.table.count && found.count <= maximum && found.count > maximum / 2)
        for number in 0..<maximum * 2 {
            guard let word = found[Key(digest(number))] else { continue }
            #expect(CounterState.hits(word) % steps[number % 4] == 0)
        }
        #expect(limit.table.evictedBelowLimit.load(ordering: .relaxed) > 1000)
        for _ in 0..<3 { registry.cells.maintain() }
    }

    @Test("counters that recover under four threads are used again, over one pool")
    func recovering() throws {
        let registry = CounterRegistry(seed: seed, pool: 500)
        let limits = try ["one", "other"].map { try limit("1000/s burst 1 per tenant", name: $0, of: registry) }
        onThreads(4) { thread in
            let worker = registry.cells.epochs.join()
            var numbers = SeededNumbers(state: UInt64(thread) + 5)
            for tick in 0..<400 {
                worker.enter()
                let now = start + .milliseconds(tick / 4)
                for _ in 0..<20 {
                    _ = limits[numbers.next(below: 2)].table.charge(
                        limits[0], digest(numbers.next(below: 100_000)), hits: 1, now: now, wall: startWall)
                }
                if thread == 0 { _ = registry.maintain(now: now, wall: startWall) }
                worker.leave()
            }
        }
        #expect(limits.allSatisfy { contents(of: $0.table).count == $0.table.count })
        _ = registry.maintain(now: start + .seconds(10), wall: startWall)
        #expect(limits.allSatisfy { $0.table.count == 0 } && registry.cells.poolUsed == 0)
    }
}
