import Testing

@testable import Snapshots

@Suite("Clusters by weight")
struct ClusterSplitTests {
    /// So many numbers, evenly over all of 64 bits.
    private static func even(_ count: UInt64) -> [UInt64] { (0..<count).map { $0 * (UInt64.max / count) } }

    @Test(
        "each cluster gets its weight's share, and one of weight zero nothing",
        arguments: [([90, 10], [900, 100]), ([1, 0], [1000, 0]), ([0, 7], [0, 1000]), ([1, 1, 2], [250, 250, 500])])
    func shares(weights: [Int], expected: [Int]) {
        let split = ClusterSplit(weights.enumerated().map { ($0.offset, $0.element) }, sticky: nil)
        var counts = weights.map { _ in 0 }
        for number in Self.even(1000) { counts[split.cluster(number)] += 1 }
        for (count, expected) in zip(counts, expected) { #expect(abs(count - expected) <= 1) }
    }

    @Test("who was in a share that grows stays in it, when it is the last")
    func growth() {
        let small = ClusterSplit([(0, 95), (1, 5)], sticky: nil)
        let large = ClusterSplit([(0, 50), (1, 50)], sticky: nil)
        let numbers = Self.even(10_000)
        #expect(numbers.contains { small.cluster(hash: $0) == 1 })
        #expect(numbers.allSatisfy { small.cluster(hash: $0) == 0 || large.cluster(hash: $0) == 1 })
    }

    @Test("the share of a cluster has hashes of all its range, for whoever balances by them")
    func mixing() {
        let split = ClusterSplit([(0, 90), (1, 10)], sticky: nil)
        let chosen = Self.even(10_000).filter { split.cluster(hash: $0) == 1 }
        let quarters = (0..<4).map { quarter in chosen.count { $0 >> 62 == UInt64(quarter) } }
        #expect(quarters.allSatisfy { $0 > 100 })
    }
}
