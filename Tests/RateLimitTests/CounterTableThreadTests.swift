import Glibc
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
private final class Barrier: Sendable {
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
        let table = CounterTable(cells: 64, seed: seed)
        let limit = try limit(text)
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
        let table = CounterTable(cells: 256, seed: seed)
        let limit = try limit("3/s per tenant")
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
        #expect(limit.overflowedCalls == 0)
    }

    @Test("threads that charge several limits leave exactly what was granted")
    func several() throws {
        let table = CounterTable(cells: 1024, seed: seed)
        let shared = try limit("1000/min", name: "shared")
        let narrow = try limit("700/min", name: "narrow")
        let granted = Atomic<UInt64>(0)
        onThreads(6) { _ in
            let caller = Caller(MemoryStore(table: table))
            for _ in 0..<500 where caller.call(shared, narrow).isAllowed {
                granted.wrappingAdd(1, ordering: .relaxed)
            }
        }
        let total = granted.load(ordering: .relaxed)
        // A charge that waits to be given back may make another thread's call fail at the very edge.
        #expect(total <= 700 && total >= 694)
        let caller = Caller(MemoryStore(table: table))
        caller.call(shared, hits: 0)
        #expect(caller.request.verdict(at: 0).remaining == 1000 - total)
    }
}
