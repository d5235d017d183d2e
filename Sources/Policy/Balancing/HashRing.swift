internal import Random

/// A circle of hashes, each point an endpoint's; a call belongs to the first point at or above its own hash.
///
/// Points follow from the endpoints' keys alone, so one endpoint more or less moves only the calls that come to it or came
/// from it. Built when membership changes; a member that is unfit for a while is passed over by walking on.
struct HashRing: ~Copyable {
    private let points: UnsafeMutableBufferPointer<Point>

    private struct Point {
        let hash: UInt64
        let member: Int
    }

    /// - Parameter members: their keys and weights. Every one gets a point at least.
    init(_ members: [(key: UInt64, weight: UInt32)], entriesMin: Int, entriesMax: Int) {
        let sum = members.reduce(0.0) { $0 + Double($1.weight) }
        // Points for a weight of one: a power of two, so that one endpoint more or less rarely changes the others' number.
        var scale = 1.0
        while scale * sum < Double(entriesMin), sum > 0 { scale *= 2 }
        scale = min(scale, Double(entriesMax) / max(sum, 1))
        var made: [Point] = []
        for (index, member) in members.enumerated() {
            let count = max(1, Int(scale * Double(member.weight)))
            for entry in 0..<count {
                made.append(Point(hash: SplitMix64.mix(member.key &+ UInt64(entry) &* SplitMix64.increment), member: index))
            }
        }
        made.sort { ($0.hash, $0.member) < ($1.hash, $1.member) }
        points = .allocate(capacity: made.count)
        _ = points.initialize(from: made)
    }

    deinit { points.deallocate() }

    var count: Int { points.count }

    /// The first point at or above `hash`, the first of all behind the last.
    func place(of hash: UInt64) -> Int {
        var low = 0
        var high = points.count
        while low < high {
            let middle = (low + high) / 2
            if points[middle].hash < hash { low = middle + 1 } else { high = middle }
        }
        return low == points.count ? 0 : low
    }

    @inline(__always)
    func member(at place: Int) -> Int { points[place].member }

    @inline(__always)
    func after(_ place: Int) -> Int { place + 1 == points.count ? 0 : place + 1 }

    /// How much of the circle is each member's; they add up to 1.
    func shares(members: Int) -> [Double] {
        var shares = [Double](repeating: 0, count: members)
        var former = points.last.map { $0.hash } ?? 0
        for point in points {
            shares[point.member] += Double(point.hash &- former) * 0x1p-64
            former = point.hash
        }
        return shares
    }
}
