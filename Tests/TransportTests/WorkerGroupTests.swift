import Reactor
import Synchronization
import Testing

@testable import Transport

@Suite struct WorkerGroupTests {
    final class Program {
        let index: Int
        let ended: @Sendable () -> Void
        init(_ index: Int, ended: @escaping @Sendable () -> Void) {
            self.index = index
            self.ended = ended
        }
        deinit { ended() }
    }

    @Test("each worker has its own program, gets its letters in order, and ends it on its own thread")
    func lifecycle() throws {
        let ended = Counter()
        let group = try WorkerGroup(count: 3) { context in Program(context.index) { ended.add() } }
        #expect(group.count == 3)
        let heard = Heard()
        for number in 0..<100 {
            for worker in 0..<3 { group.post(to: worker) { heard.record($0.index, number) } }
        }
        group.postToAll { heard.record($0.index, 100) }
        let latches = (0..<3).map { _ in Latch() }
        for (worker, latch) in latches.enumerated() { group.post(to: worker) { _ in latch.open() } }
        for latch in latches { latch.wait() }
        #expect(heard.all == Array(repeating: Array(0...100), count: 3))
        group.stop()
        #expect(ended.value == 3)
        // After the end nobody reads.
        group.post(to: 0) { _ in Issue.record("read after the end") }
    }

    final class Counter: Sendable {
        private let count = Atomic<Int>(0)
        func add() { count.add(1, ordering: .relaxed) }
        var value: Int { count.load(ordering: .relaxed) }
    }

    final class Heard: Sendable {
        private let lists = Mutex<[[Int]]>(Array(repeating: [], count: 3))
        func record(_ worker: Int, _ number: Int) { lists.withLock { $0[worker].append(number) } }
        var all: [[Int]] { lists.withLock { $0 } }
    }

    @Test("there is at least one processor")
    func processors() { #expect(Processors.available >= 1) }
}
