import Bytes
import Random
import Time

@testable import Balancing

/// Members for a balancer under test, and their balancer.
final class Crew {
    private(set) var members: [MemberPointer] = []
    var balancer: Balancer
    var now = Instant(nanoseconds: 1_000_000_000_000)

    init(
        _ count: Int = 0, policy: BalancingPolicy = .leastRequest, settings: BalancingSettings? = nil, seed: UInt64 = 7,
        weights: [UInt32] = [], priorities: [Int] = []
    ) {
        var settings = settings ?? BalancingSettings()
        settings.policy = policy
        balancer = Balancer(settings, seed: seed)
        for index in 0..<max(count, weights.count, priorities.count) {
            add(
                weight: index < weights.count ? weights[index] : 1, priority: index < priorities.count ? priorities[index] : 0)
        }
        set()
    }

    deinit {
        for member in members { member.deallocate() }
    }

    func add(weight: UInt32 = 1, priority: Int = 0) {
        members.append(
            .allocate(Member(weight: weight, priority: priority, key: StableHash.hash("10.0.0.\(members.count + 1):50051"))))
    }

    /// All of them, or without one.
    func set(without left: Int? = nil) {
        balancer.setMembers(members.indices.filter { $0 != left }.map { members[$0] }, now: now)
    }

    func refresh() { balancer.refresh(now: now) }

    subscript(index: Int) -> Member {
        get { members[index].pointee }
        set { members[index].pointee = newValue }
    }

    /// The index of the next one; `nil` for nobody, and for blocked ones.
    func pick(hash: UInt64? = nil, avoid: Int? = nil) -> Int? {
        guard case .member(let member) = balancer.pick(hash: hash, avoiding: avoid.map { members[$0] }, now: now) else {
            return nil
        }
        return members.firstIndex(of: member)
    }

    /// How often each is picked, with another hash each time.
    func picks(_ times: Int, avoid: Int? = nil) -> [Int] {
        var counts = [Int](repeating: 0, count: members.count)
        var hashes = RandomGenerator(seed: 99)
        for _ in 0..<times {
            if let index = pick(hash: hashes.next(), avoid: avoid) { counts[index] += 1 }
        }
        return counts
    }
}

/// How far counts are from what was expected (Pearson).
func chiSquare(_ seen: [Int], shares: [Double]) -> Double {
    let times = Double(seen.reduce(0, +))
    return zip(seen, shares).reduce(0.0) { sum, pair in
        let expected = pair.1 * times
        return sum + (Double(pair.0) - expected) * (Double(pair.0) - expected) / expected
    }
}

/// The 99.9th percentile of chi-square, by degrees of freedom.
let chiSquareMax: [Int: Double] = [1: 10.8, 2: 13.8, 4: 18.5, 9: 27.9, 99: 148.2]
