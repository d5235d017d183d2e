import Random
import Testing

@testable import Balancing

@Suite("Calls of one hash go to one endpoint")
struct HashingTests {
    static let policies: [BalancingPolicy] = [.ringHashDefault, .maglevDefault]

    private func hashes(_ count: Int) -> [UInt64] {
        var random = RandomGenerator(seed: 5)
        return (0..<count).map { _ in random.next() }
    }

    @Test("the same hash finds the same endpoint, on every worker", arguments: policies)
    func sticky(policy: BalancingPolicy) {
        let (one, other) = (Crew(10, policy: policy, seed: 1), Crew(10, policy: policy, seed: 2))
        for hash in hashes(2000) {
            let index = one.pick(hash: hash)
            #expect(index == one.pick(hash: hash) && index == other.pick(hash: hash))
        }
    }

    @Test("one endpoint less moves only its own calls, one more only those that come to it (ring)")
    func ringReshuffle() {
        let crew = Crew(10, policy: .ringHashDefault)
        let before = hashes(20_000).map { crew.pick(hash: $0)! }
        crew.set(without: 3)
        let without = hashes(20_000).map { crew.pick(hash: $0)! }
        for (old, new) in zip(before, without) { #expect(old == new || old == 3) }
        crew.add()
        crew.set()
        let more = hashes(20_000).map { crew.pick(hash: $0)! }
        for (old, new) in zip(before, more) { #expect(old == new || new == 10) }
        #expect(zip(before, more).count { $0 != $1 } > 0)
    }

    @Test("one endpoint less moves its own calls and few others (Maglev)")
    func maglevReshuffle() {
        let crew = Crew(10, policy: .maglevDefault)
        let before = hashes(20_000).map { crew.pick(hash: $0)! }
        crew.set(without: 3)
        let without = hashes(20_000).map { crew.pick(hash: $0)! }
        let others = zip(before, without).count { $0 != $1 && $0 != 3 }
        #expect(others < 20_000 * 4 / 100, "\(others) of 20,000 moved without need")
    }

    @Test("the calls of one that is ill go elsewhere, all others stay, and all come back", arguments: policies)
    func illness(policy: BalancingPolicy) {
        let crew = Crew(10, policy: policy)
        let before = hashes(20_000).map { crew.pick(hash: $0)! }
        crew[3].isHealthy = false
        crew.refresh()
        var heirs: Set<Int> = []
        for (hash, old) in zip(hashes(20_000), before) {
            let new = crew.pick(hash: hash)!
            #expect(new != 3 && (old == 3 || old == new))
            if old == 3 { heirs.insert(new) }
        }
        #expect(heirs.count > 5, "they are shared out")
        crew[3].isHealthy = true
        crew.refresh()
        #expect(hashes(20_000).map { crew.pick(hash: $0)! } == before)
    }

    @Test("calls fall on the ring's arcs as long as they are, and arcs are as even as the ring is large")
    func arcs() {
        let keys = (1...10).map { (key: StableHash.hash("10.0.0.\($0):50051"), weight: UInt32(1)) }
        let shares = HashRing(keys, entriesMin: 1024, entriesMax: 8 << 20).shares(members: 10)
        #expect(chiSquare(Crew(10, policy: .ringHashDefault).picks(100_000), shares: shares) < chiSquareMax[9]!)
        for share in shares { #expect(share > 0.06 && share < 0.14) }
        let larger = HashRing(keys, entriesMin: 100_000, entriesMax: 8 << 20).shares(members: 10)
        for share in larger { #expect(share > 0.09 && share < 0.11) }
    }

    @Test("a ring's points are as many as weights ask for, at least one each, and no more than its limit")
    func ringSize() {
        func count(_ weights: [UInt32], _ minimum: Int, _ maximum: Int) -> Int {
            HashRing(weights.enumerated().map { (UInt64($0.offset), $0.element) }, entriesMin: minimum, entriesMax: maximum).count
        }
        #expect(count([1, 1, 1], 1024, 8 << 20) == 1536)
        #expect(count([1, 3], 1024, 8 << 20) == 1024)
        #expect(count([1, 1], 1024, 100) == 100)
        #expect(count([1, 1, 1, 1], 1, 2) == 4)
        #expect(count([], 1024, 2048) == 0)
        let shares = HashRing([(1, 1), (2, 3)], entriesMin: 100_000, entriesMax: 8 << 20).shares(members: 2)
        #expect(abs(shares[1] - 0.75) < 0.02)
    }

    @Test("a Maglev table is full, and divided by weight to within a turn", arguments: [7, 251, 65_537])
    func tableShares(size: Int) {
        let members: [(key: UInt64, weight: UInt32)] = [(11, 1), (22, 2), (33, 1)]
        let counts = MaglevTable(members, size: size).counts(members: 3)
        #expect(counts.reduce(0, +) == size)
        for (count, weight) in zip(counts, [1, 2, 1]) { #expect(abs(count - size * weight / 4) <= 2) }
    }

    @Test(
        "hashes are XXH64's",
        arguments: [
            ("", 0xef46_db37_51d8_e999), ("a", 0xd24e_c4f1_a98c_6e5b), ("abc", 0x44bc_2cf5_ad77_0999),
            ("Nobody inspects the spammish repetition", 0xfbce_a83c_8a37_8bf1), ("xxhash", 0x32dd_3895_2c4b_c720),
        ] as [(String, UInt64)])
    func stableHash(text: String, hash: UInt64) { #expect(StableHash.hash(text) == hash) }
}
