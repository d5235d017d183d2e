import Bytes
import Testing
import Time

@testable import Balancing

@Suite("Choosing an endpoint")
struct BalancerTests {
    static let policies: [BalancingPolicy] = [
        .roundRobin, .leastRequest, .random, .ringHashDefault, .maglev(tableSize: 1009),
    ]

    @Test("none of none, and the only one of one, whatever speaks against it", arguments: policies)
    func fewest(policy: BalancingPolicy) {
        #expect(Crew(0, policy: policy).pick(hash: 1) == nil)
        let crew = Crew(1, policy: policy)
        crew[0].avoidUntil = .distantFuture
        #expect(crew.pick(hash: 1, avoid: 0) == 0)
    }

    @Test("100,000 picks are spread evenly", arguments: [.roundRobin, .leastRequest, .random, BalancingPolicy.maglevDefault])
    func even(policy: BalancingPolicy) {
        let crew = Crew(10, policy: policy)
        #expect(chiSquare(crew.picks(100_000), shares: Array(repeating: 0.1, count: 10)) < chiSquareMax[9]!)
    }

    @Test("100,000 picks are spread by weight", arguments: [.roundRobin, .leastRequest, .random, BalancingPolicy.maglevDefault])
    func byWeight(policy: BalancingPolicy) {
        let crew = Crew(policy: policy, weights: [1, 2, 3, 4, 10])
        let shares = [1.0, 2, 3, 4, 10].map { $0 / 20 }
        #expect(chiSquare(crew.picks(100_000), shares: shares) < chiSquareMax[4]!)
    }

    @Test("round robin takes each in turn", arguments: [0, 1, UInt64.max, 0x8000_0000_0000_0000])
    func inTurn(seed: UInt64) {
        let crew = Crew(7, policy: .roundRobin, seed: seed)
        let order = (0..<14).compactMap { _ in crew.pick() }
        #expect(Array(order[..<7]) == Array(order[7...]))
        #expect(Set(order) == Set(0..<7))
    }

    @Test("a weighted round is smooth: nobody has two turns more or less than its weight asks for, at any time")
    func smooth() {
        let crew = Crew(policy: .roundRobin, weights: [5, 1, 1, 3])
        var seen = [0.0, 0, 0, 0]
        for turn in 1...1000 {
            seen[crew.pick()!] += 1
            for (index, weight) in [5.0, 1, 1, 3].enumerated() { #expect(abs(seen[index] - Double(turn) * weight / 10) < 2) }
        }
    }

    @Test("the number of endpoints may change between picks", arguments: policies)
    func changingCount(policy: BalancingPolicy) {
        let crew = Crew(5, policy: policy)
        for round in 0..<20 {
            if round % 3 == 0 { crew.add(weight: UInt32(round % 4 + 1)) }
            let left = round % crew.members.count
            crew.set(without: left)
            for hash in 0..<50 {
                let index = crew.pick(hash: UInt64(hash) << 50)
                #expect(index != nil && index != left)
            }
        }
    }

    @Test("least request keeps loads close, and by weight")
    func keepsClose() {
        let crew = Crew(10)
        for _ in 0..<10_000 { crew[crew.pick()!].load += 1 }
        let loads = crew.members.map { $0.pointee.load }
        #expect(loads.max()! - loads.min()! <= 10)

        let weighted = Crew(weights: [1, 3])
        for _ in 0..<4000 { weighted[weighted.pick()!].load += 1 }
        #expect(abs(weighted[0].load - 1000) < 20 && abs(weighted[1].load - 3000) < 20)
    }

    @Test("the endpoint to avoid is taken only where there is no other", arguments: policies)
    func avoids(policy: BalancingPolicy) {
        #expect(Crew(4, policy: policy).picks(1000, avoid: 2)[2] == 0)
        #expect(Crew(2, policy: policy).picks(100, avoid: 0) == [0, 100])
        let crew = Crew(3, policy: policy)
        crew[0].avoidUntil = .distantFuture
        crew[2].avoidUntil = .distantFuture
        #expect(crew.picks(300, avoid: 1)[1] == 0, "the others have failed, and are still others")
    }

    @Test("endpoints that failed a moment ago are passed over, and their share goes to the others", arguments: policies)
    func passesOver(policy: BalancingPolicy) {
        let crew = Crew(5, policy: policy)
        crew[1].avoidUntil = crew.now + .seconds(1)
        crew[4].avoidUntil = crew.now + .seconds(1)
        let seen = crew.picks(3000)
        #expect(seen[1] == 0 && seen[4] == 0)
        for index in [0, 2, 3] { #expect(seen[index] > 500) }
        crew.now = crew.now + .seconds(2)
        for count in crew.picks(3000) { #expect(count > 300) }
    }

    @Test("where all have failed a moment ago, all are tried", arguments: policies)
    func noneUsable(policy: BalancingPolicy) {
        let crew = Crew(4, policy: policy)
        for index in 0..<4 { crew[index].avoidUntil = .distantFuture }
        for count in crew.picks(4000) { #expect(count > 800) }
    }

    @Test("an unhealthy endpoint gets nothing, and all of its share again when it is well", arguments: policies)
    func health(policy: BalancingPolicy) {
        let crew = Crew(4, policy: policy)
        crew[2].isHealthy = false
        crew.refresh()
        #expect(crew.picks(1000)[2] == 0)
        crew[2].isHealthy = true
        crew.refresh()
        #expect(crew.picks(4000)[2] > 500)
    }

    @Test("in panic health is not believed; without panic nobody healthy is nobody", arguments: policies)
    func panic(policy: BalancingPolicy) {
        for (threshold, expected) in [(50, true), (0, false)] {
            let crew = Crew(4, policy: policy, settings: BalancingSettings(panicPercent: threshold))
            for index in 0..<3 { crew[index].isHealthy = false }
            crew.refresh()
            #expect(crew.balancer.isPanicking == expected)
            #expect(crew.picks(1000).count { $0 > 0 } == (expected ? 4 : 1))
            crew[3].isHealthy = false
            crew.refresh()
            #expect((crew.pick(hash: 1) != nil) == expected)
        }
    }

    @Test("calls without a hash are spread at random", arguments: [BalancingPolicy.ringHashDefault, .maglev(tableSize: 1009)])
    func noHash(policy: BalancingPolicy) {
        let crew = Crew(10, policy: policy)
        var seen = [Int](repeating: 0, count: 10)
        for _ in 0..<100_000 { seen[crew.pick()!] += 1 }
        #expect(chiSquare(seen, shares: Array(repeating: 0.1, count: 10)) < chiSquareMax[9]!)
    }

    @Test(
        "a new endpoint begins with a tenth of its share and has all of it after its window",
        arguments: [
            BalancingPolicy.roundRobin, .leastRequest, .random,
        ])
    func slowStart(policy: BalancingPolicy) {
        let crew = Crew(9, policy: policy, settings: BalancingSettings(slowStart: SlowStart(window: .seconds(10))))
        crew.add()
        crew.set()
        let shares = { (factor: Double) in (Array(repeating: 1, count: 9) + [factor]).map { $0 / (9 + factor) } }
        for (seconds, factor) in [(0, 0.1), (5, 0.5), (5, 1.0)] {
            crew.now = crew.now + .seconds(seconds)
            #expect(chiSquare(crew.picks(100_000), shares: shares(factor)) < chiSquareMax[9]!, "at \(factor)")
        }
        // Who was ill begins anew; who was there from the start never had to.
        crew[0].isHealthy = false
        crew.refresh()
        crew[0].isHealthy = true
        crew.refresh()
        let seen = crew.picks(10_000)
        #expect(seen[0] < 200 && seen[9] > 800)
    }
}
