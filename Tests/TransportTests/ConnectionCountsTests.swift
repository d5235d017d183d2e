import Reactor
import Testing

@testable import Transport

@Suite struct ConnectionCountsTests {
    @Test("ten connections that all arrive at one worker are spread over all", arguments: [1, 2, 3, 4, 8])
    func spread(workers: Int) {
        let board = ConnectionCounts(workers: workers)
        var counts = [Int](repeating: 0, count: workers)
        for _ in 0..<10 { counts[board.assign(acceptedBy: 0)] += 1 }
        #expect(counts.reduce(0, +) == 10)
        #expect(counts.max()! - counts.min()! <= 1)
        #expect(board.total == 10)
    }

    @Test("a worker keeps what it accepted while others have not much less")
    func keepsOwn() {
        let board = ConnectionCounts(workers: 2)
        for _ in 0..<100 { board.add(to: 0) }
        for _ in 0..<90 { board.add(to: 1) }
        // An eighth of 100 is 12.
        #expect(board.assign(acceptedBy: 0) == 0)
        for _ in 0..<5 { board.ended(on: 1) }
        #expect(board.assign(acceptedBy: 0) == 1)
    }

    @Test("what has ended counts no more")
    func ended() {
        let board = ConnectionCounts(workers: 3)
        for worker in 0..<3 { board.add(to: worker) }
        for worker in 0..<3 { board.ended(on: worker) }
        #expect(board.total == 0)
    }

    @Test("threads that count at once lose nothing")
    func threads() throws {
        let board = ConnectionCounts(workers: 4)
        let threads = try (0..<4).map { index in
            try Thread(name: "counter") {
                for _ in 0..<10_000 { board.ended(on: board.assign(acceptedBy: index)) }
                board.add(to: index)
            }
        }
        for thread in threads { thread.join() }
        #expect(board.total == 4)
    }
}
