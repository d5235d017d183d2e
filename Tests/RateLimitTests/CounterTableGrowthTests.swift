import Synchronization
import Testing
import Time

@testable import RateLimit

@Suite struct CounterTableGrowthTests {
    /// Counters in a bucket that is moved. With sixteen on average more are next to impossible, and so one insertion
    /// links at most 128 counters anew, besides its own: no pause, whatever the size of the table.
    private static let countersInBucketMax = 64

    private struct Missing: Error {}

    @Test("no insertion moves more than two small buckets, from the first counter to the 1,048,576th")
    func bound() throws {
        let limit = try limit("2/day per tenant")
        let table = limit.table
        var most = 0
        var fullest = 0
        var before: (array: UnsafeMutablePointer<BucketArray>, count: Int, moved: Int)?
        for number in 0..<CounterTable.maximumDefault {
            _ = table.charge(limit, digest(number), hits: 1, now: start, wall: startWall)
            guard let array = table.buckets.load(ordering: .acquiring) else { throw Missing() }
            let isGrowing = array.pointee.next.load(ordering: .acquiring) != nil
            let moved = isGrowing ? array.pointee.moved.load(ordering: .relaxed) : 0
            if let before {
                // What was left of an array that is outgrown by now belongs to this insertion.
                most = max(most, before.array == array ? moved - before.moved : before.count - before.moved + moved)
            }
            if isGrowing, before?.moved == 0 { fullest = max(fullest, Self.fullest(array, of: table)) }
            before = (array, array.pointee.count, moved)
        }
        #expect(CounterTable.bucketsMovedPerInsertion == 2)
        #expect(most == CounterTable.bucketsMovedPerInsertion)
        #expect((16...Self.countersInBucketMax).contains(fullest))
        let evicted = table.evictedBelowLimit.load(ordering: .relaxed)
        #expect(table.count == CounterTable.maximumDefault && evicted == 0)
    }

    /// The counters of the fullest bucket.
    private static func fullest(_ array: UnsafeMutablePointer<BucketArray>, of table: CounterTable) -> Int {
        var most = 0
        for number in 0..<array.pointee.count {
            let bucket = array.pointee.bucket(UInt64(number))
            guard bucket.turn.pointee.load(ordering: .relaxed) == CounterBucket.Turn.free.rawValue else { continue }
            var count = 0
            for chain in 0..<Int(BucketArray.chains) {
                var index = bucket.head(chain).pointee.load(ordering: .relaxed)
                while index != 0 {
                    count += 1
                    index = table.directory.cell(index).next.pointee.load(ordering: .relaxed)
                }
            }
            most = max(most, count)
        }
        return most
    }
}
