import Reactor
import Testing

@testable import Transport

@Suite struct ConnectionCountsTests {
    @Test("ten connections that all arrive at one worker are spread over all", arguments: [1, 2, 3, 4, 8])
    func spread(workers: Int) {
        let connectionCounts = ConnectionCounts(workers: workers)
        var counts = [Int](repeating: 0, count: workers)
        for _ in 0..<10 { counts[connectionCounts.assign(acceptedBy: 0)] += 1 }
        #expect(counts.reduce(0, +) == 10)
        #expect(counts.max()! - counts.min()! <= 1)
        #expect(connectionCounts.total == 10)
    }

    @Test("a worker keeps what it accepted while others have not much less")
    func keepsOwn() {
        let connectionCounts = ConnectionCounts(workers: 2)
        for _ in 0..<100 { connectionCounts.add(to: 0) }
        for _ in 0..<90 { connectionCounts.add(to: 1) }
        // An eighth of 100 is 12.
        #expect(connectionCounts.assign(acceptedBy: 0) == 0)
        for _ in 0..<5 { connectionCounts.ended(on: 1) }
        #expect(connectionCounts.assign(acceptedBy: 0) == 1)
    }

    @Test("what has ended counts no more")
    func ended() {
        let connectionCounts = ConnectionCounts(workers: 3)
        for worker in 0..<3 { connectionCounts.add(to: worker) }
        for worker in 0..<3 { connectionCounts.ended(on: worker) }
        #expect(connectionCounts.total == 0)
    }

    @Test("threads that count at once lose nothing")
    func threads() throws {
        let connectionCounts = ConnectionCounts(workers: 4)
        let threads = try (0..<4).map { index in
            try Thread(name: "counter") {
                for _ in 0..<10_000 { connectionCounts.ended(on: connectionCounts.assign(acceptedBy: index)) }
                connectionCounts.add(to: index)
            }
        }
        for thread in threads { thread.join() }
        #expect(connectionCounts.total == 4)
    }
}
