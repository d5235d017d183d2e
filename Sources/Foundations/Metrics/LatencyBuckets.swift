/// The bounds that every latency histogram shares: 0.1 ms to 60 s in steps of 1, 2.5 and 5.
///
/// Each bound is at least twice the one before, so between two powers of two lies at most one of them: a bucket is found
/// by the position of the highest bit, one table look-up and one comparison.
@usableFromInline package enum LatencyBuckets {
    /// Inclusive upper bounds in nanoseconds; above the last lies one more bucket, without a bound.
    package static let upperBounds: [UInt64] = [
        100_000, 250_000, 500_000,
        1_000_000, 2_500_000, 5_000_000,
        10_000_000, 25_000_000, 50_000_000,
        100_000_000, 250_000_000, 500_000_000,
        1_000_000_000, 2_500_000_000, 5_000_000_000,
        10_000_000_000, 30_000_000_000, 60_000_000_000,
    ]

    @inlinable package static var count: Int { 19 }

    /// A histogram's cells: its buckets, then the sum in nanoseconds.
    static var cellCount: Int { count + 1 }
}

/// The bounds as a shard reads them: plain memory, so that an observation meets no lazily made global.
struct LatencyIndex {
    /// 64 entries: how many bounds lie below 2^n.
    let firstByHighestBit: UnsafeMutablePointer<UInt8>
    /// The bounds, and one more that nothing exceeds.
    let bounds: UnsafeMutablePointer<UInt64>

    init() {
        let upper = LatencyBuckets.upperBounds
        precondition(upper.count + 1 == LatencyBuckets.count)
        firstByHighestBit = .allocate(capacity: 64)
        bounds = .allocate(capacity: LatencyBuckets.count)
        for bit in 0..<64 {
            firstByHighestBit[bit] = UInt8(upper.count { $0 < UInt64(1) << UInt64(bit) })
        }
        for index in upper.indices { bounds[index] = upper[index] }
        bounds[upper.count] = .max
    }

    func deallocate() {
        firstByHighestBit.deallocate()
        bounds.deallocate()
    }
}
