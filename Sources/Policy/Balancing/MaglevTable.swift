internal import Random

/// A table in which every endpoint has as many places as its weight asks for, filled so that a change of endpoints moves few
/// others' places (Maglev, section 3.4). Built when membership changes.
struct MaglevTable: ~Copyable {
    private let places: UnsafeMutableBufferPointer<Int32>

    /// - Parameter size: prime, and larger than the number of members.
    init(_ members: [(key: UInt64, weight: UInt32)], size: Int) {
        places = .allocate(capacity: members.isEmpty ? 0 : size)
        places.initialize(repeating: -1)
        guard !members.isEmpty else { return }
        let heaviest = Double(members.map(\.weight).max() ?? 1)
        var offsets: [Int] = []
        var skips: [Int] = []
        for member in members {
            offsets.append(Int(SplitMix64.mix(member.key) % UInt64(size)))
            skips.append(Int(SplitMix64.mix(member.key ^ 0x5851_f42d_4c95_7f2d) % UInt64(size - 1)) + 1)
        }
        var due = [Double](repeating: 0, count: members.count)
        var taken = 0
        var turn = 1.0
        while true {
            for index in members.indices {
                // Lighter ones sit out their turns.
                guard turn * Double(members[index].weight) >= due[index] else { continue }
                due[index] += heaviest
                while places[offsets[index]] >= 0 { offsets[index] = (offsets[index] + skips[index]) % size }
                places[offsets[index]] = Int32(index)
                taken += 1
                if taken == size { return }
            }
            turn += 1
        }
    }

    deinit { places.deallocate() }

    @inline(__always)
    func member(of hash: UInt64) -> Int { Int(places[Int(hash % UInt64(places.count))]) }

    /// Places of each member.
    func counts(members: Int) -> [Int] {
        var counts = [Int](repeating: 0, count: members)
        for place in places { counts[Int(place)] += 1 }
        return counts
    }
}
