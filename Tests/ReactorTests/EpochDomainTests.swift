import Glibc
import Synchronization
import Testing

@testable import Reactor

@Suite struct EpochDomainTests {
    @Test("an epoch ends when everyone inside has entered in it; whoever is outside holds nothing up")
    func advances() {
        let domain = EpochDomain()
        let one = domain.join()
        let other = domain.join()
        let first = domain.epoch
        #expect(domain.tryAdvance(from: first) && domain.epoch == first + 1)
        one.enter()
        other.enter()
        #expect(domain.tryAdvance(from: first + 1))
        // Both are still inside since the epoch before.
        #expect(!domain.tryAdvance(from: first + 2))
        one.leave()
        #expect(!domain.tryAdvance(from: first + 2))
        one.enter()
        other.leave()
        #expect(domain.tryAdvance(from: first + 2) && domain.epoch == first + 3)
        // An epoch ends once.
        #expect(!domain.tryAdvance(from: first + 2))
    }

    @Test("a loop is inside during its ticks, and outside between them")
    func loop() throws {
        let domain = EpochDomain()
        let loop = try EventLoop()
        loop.join(domain)
        let seen = Mutex<[Bool]>([])
        loop.mailbox.post { loop in
            let epoch = domain.epoch
            let first = domain.tryAdvance(from: epoch)
            let second = domain.tryAdvance(from: epoch + 1)
            seen.withLock { $0 = [first, second] }
            // Flushes and what comes after them belong to the tick.
            loop.afterThisTick { seen.withLock { $0.append(domain.tryAdvance(from: epoch + 1)) } }
        }
        loop.tick(wait: false)
        #expect(seen.withLock { $0 } == [true, false, false])
        #expect(domain.tryAdvance(from: domain.epoch))
    }

    @Test("what four threads unlink is freed when none of them can reach it")
    func threads() {
        // A shared place whose former contents are poisoned two epochs after they were replaced.
        final class Shared: Sendable {
            let domain = EpochDomain()
            let current = Atomic<Int>(0)
            let values: [Atomic64]
            init() { values = (0..<4096).map { _ in Atomic64() } }
        }
        final class Atomic64: Sendable { let value = Atomic<UInt64>(1) }
        let shared = Shared()
        let poisoned = Atomic<Int>(0)
        let next = Atomic<Int>(1)
        var threads: [pthread_t] = []
        let body: @Sendable () -> Void = {
            let participant = shared.domain.join()
            var retired: [(index: Int, epoch: UInt64)] = []
            for round in 0..<900 {
                participant.enter()
                let seen = shared.current.load(ordering: .acquiring)
                for _ in 0..<20 where shared.values[seen].value.load(ordering: .relaxed) == 0 {
                    poisoned.wrappingAdd(1, ordering: .relaxed)
                }
                let mine = next.wrappingAdd(1, ordering: .relaxed).oldValue
                let former = shared.current.exchange(mine % 4096, ordering: .acquiringAndReleasing)
                retired.append((former, shared.domain.epochAfterUnlinking()))
                participant.leave()
                if round % 3 == 0 { shared.domain.tryAdvance(from: shared.domain.epoch) }
                let epoch = shared.domain.epoch
                while let oldest = retired.first, oldest.epoch + 2 <= epoch {
                    shared.values[oldest.index].value.store(0, ordering: .relaxed)
                    retired.removeFirst()
                }
            }
        }
        final class Job: Sendable {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        for _ in 0..<4 {
            var thread = pthread_t()
            let job = Unmanaged.passRetained(Job(body)).toOpaque()
            pthread_create(
                &thread, nil,
                {
                    Unmanaged<Job>.fromOpaque($0!).takeRetainedValue().body(); return nil
                }, job)
            threads.append(thread)
        }
        for thread in threads { pthread_join(thread, nil) }
        #expect(poisoned.load(ordering: .relaxed) == 0)
    }
}
