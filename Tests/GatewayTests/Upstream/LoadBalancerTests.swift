import Testing

@testable import Gateway

@Suite struct LoadBalancerTests {
    static let policies: [LoadBalancer.Policy] = [.roundRobin, .leastRequest]

    /// How often each of `count` was picked.
    func picks(
        _ policy: LoadBalancer.Policy, seed: UInt64 = 7, count: Int, times: Int, avoid: Int? = nil,
        isUsable: (Int) -> Bool = { _ in true }, load: (Int) -> Int = { _ in 0 }
    ) -> [Int] {
        var balancer = LoadBalancer(policy, seed: seed)
        var picks = [Int](repeating: 0, count: count)
        for _ in 0..<times {
            if let index = balancer.pick(count: count, avoid: avoid, isUsable: isUsable, load: load) { picks[index] += 1 }
        }
        return picks
    }

    @Test("none of none, and the only one of one, usable or not", arguments: policies)
    func fewest(policy: LoadBalancer.Policy) {
        var balancer = LoadBalancer(policy, seed: 1)
        #expect(balancer.pick(count: 0, isUsable: { _ in true }, load: { _ in 0 }) == nil)
        #expect(balancer.pick(count: 1, avoid: 0, isUsable: { _ in false }, load: { _ in 9 }) == 0)
    }

    @Test("round robin takes each in turn", arguments: [0, 1, UInt64.max, 0x8000_0000_0000_0000])
    func inTurn(seed: UInt64) {
        #expect(picks(.roundRobin, seed: seed, count: 7, times: 700) == Array(repeating: 100, count: 7))
        var balancer = LoadBalancer(.roundRobin, seed: seed)
        let order = (0..<14).compactMap { _ in balancer.pick(count: 7, isUsable: { _ in true }, load: { _ in 0 }) }
        #expect(Array(order[..<7]) == Array(order[7...]))
        #expect(Set(order) == Set(0..<7))
    }

    @Test("the number of endpoints may change between picks", arguments: policies)
    func changingCount(policy: LoadBalancer.Policy) {
        var balancer = LoadBalancer(policy, seed: 3)
        for count in [5, 2, 9, 3, 1, 4, 100, 2] {
            for _ in 0..<50 {
                let index = balancer.pick(count: count, isUsable: { _ in true }, load: { _ in 0 })
                #expect(index.map { $0 < count } == true)
            }
        }
    }

    @Test("least request spreads equal loads evenly", arguments: [2, 3, 5, 10])
    func even(count: Int) {
        let times = 10_000
        let expected = Double(times) / Double(count)
        let chiSquare = picks(.leastRequest, count: count, times: times).reduce(0.0) { sum, seen in
            sum + (Double(seen) - expected) * (Double(seen) - expected) / expected
        }
        // The 99.9th percentile for nine degrees of freedom, above that for fewer.
        #expect(chiSquare < 27.9)
    }

    @Test("least request keeps the loads of endpoints close, also where some are slow")
    func keepsClose() {
        var balancer = LoadBalancer(.leastRequest, seed: 11)
        var loads = [Int](repeating: 0, count: 10)
        for _ in 0..<10_000 {
            if let index = balancer.pick(count: 10, isUsable: { _ in true }, load: { loads[$0] }) { loads[index] += 1 }
        }
        #expect(loads.max()! - loads.min()! <= 10)
        // With two of very different load the lighter is always taken.
        #expect(picks(.leastRequest, count: 2, times: 100, load: { $0 == 0 ? 5 : 4 }) == [0, 100])
    }

    @Test("the endpoint to avoid is taken only where there is no other", arguments: policies)
    func avoids(policy: LoadBalancer.Policy) {
        #expect(picks(policy, count: 4, times: 1000, avoid: 2)[2] == 0)
        #expect(picks(policy, count: 2, times: 100, avoid: 0) == [0, 100])
        // All others are unusable: the choice is among all, and still another one.
        #expect(picks(policy, count: 3, times: 300, avoid: 1, isUsable: { $0 == 1 })[1] == 0)
    }

    @Test("unusable endpoints are passed over, and their share goes to the others", arguments: policies)
    func passesOver(policy: LoadBalancer.Policy) {
        let seen = picks(policy, count: 5, times: 3000, isUsable: { $0 != 1 && $0 != 4 })
        #expect(seen[1] == 0 && seen[4] == 0)
        for index in [0, 2, 3] { #expect(seen[index] > 500) }
    }

    @Test("where none is usable all are tried", arguments: policies)
    func noneUsable(policy: LoadBalancer.Policy) {
        let seen = picks(policy, count: 4, times: 4000, isUsable: { _ in false })
        for count in seen { #expect(count > 800) }
    }
}
