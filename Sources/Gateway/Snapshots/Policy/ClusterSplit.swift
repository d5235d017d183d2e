package import Balancing
package import Random
package import Upstreams

/// Several clusters that share a route's calls by weight.
package struct ClusterSplit: Sendable {
    /// Into the snapshot's clusters, with where each one's share of the sum ends. None of weight zero.
    private let shares: [(cluster: Int, end: UInt64)]
    /// What calls that go the same way have in common; `nil` for a draw each time.
    package let sticky: HashPolicy?

    /// - Parameter weights: at least one above zero.
    package init(_ weights: [(cluster: Int, weight: Int)], sticky: HashPolicy?) {
        var sum: UInt64 = 0
        shares = weights.filter { $0.weight > 0 }.map { cluster, weight in
            sum += UInt64(weight)
            return (cluster, sum)
        }
        self.sticky = sticky
    }

    /// The cluster for a number that is even over all of 64 bits.
    package func cluster(_ number: UInt64) -> Int {
        guard let last = shares.last else { return 0 }
        let place = number.multipliedFullWidth(by: last.end).high
        return shares.first { place < $0.end }?.cluster ?? last.cluster
    }

    /// The cluster for calls with this hash.
    ///
    /// As one share grows at the cost of the one written before it, its callers stay. Mixed once more, or a cluster that
    /// balances by the same hash would see a part of its range only.
    package func cluster(hash: UInt64) -> Int { cluster(SplitMix64.mix(hash)) }
}
