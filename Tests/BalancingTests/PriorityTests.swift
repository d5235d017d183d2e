import Testing
import Time

@testable import Balancing

@Suite("Priorities and failover")
struct PriorityTests {
    /// Of a hundred members each.
    private func loads(_ healthy: [Int], panic: Int = 50) -> PriorityLoads {
        PriorityLoads(healthy.map { .init(members: 100, healthy: $0) }, BalancingSettings(panicPercent: panic))
    }

    @Test(
        "the first priority has what it can carry, overprovisioned by 1.4, the next the rest",
        arguments: [
            ([100, 100], [100, 0]), ([72, 100], [100, 0]), ([71, 100], [99, 1]), ([50, 100], [70, 30]), ([25, 100], [35, 65]),
            ([0, 100], [0, 100]), ([72, 72], [100, 0]), ([71, 71], [99, 1]), ([50, 50], [70, 30]), ([5, 50, 100], [7, 70, 23]),
            ([40], [100]),
        ])
    func shares(healthy: [Int], expected: [Int]) { #expect(loads(healthy).percents == expected) }

    @Test("where together they cannot carry everything, each has its part, and panics if it is under the threshold")
    func together() {
        #expect(loads([30, 20], panic: 10).percents == [60, 40])
        #expect(loads([30, 20], panic: 10).panics == [false, false])
        #expect(loads([10, 60], panic: 50).panics == [true, false])
        #expect(loads([25, 25], panic: 50).panics == [true, true])
        #expect(loads([25, 25], panic: 50).percents == [50, 50])
        #expect(loads([60, 60], panic: 70).panics == [false, false], "together they carry everything")
    }

    @Test("nobody healthy: by numbers in panic, nothing without")
    func nobody() {
        let unequal = PriorityLoads([.init(members: 30, healthy: 0), .init(members: 10, healthy: 0)], BalancingSettings())
        #expect(unequal.percents == [75, 25] && unequal.panics == [true, true])
        #expect(loads([0, 0], panic: 0).percents == [0, 0])
        #expect(loads([], panic: 50).percents == [])
    }

    @Test("calls go to the next priority as the first one fails, and come back")
    func failover() {
        let crew = Crew(policy: .leastRequest, priorities: [0, 0, 0, 0, 1, 1, 1, 1])
        #expect(crew.picks(1000)[4...].allSatisfy { $0 == 0 })
        crew[0].isHealthy = false
        crew[1].isHealthy = false
        crew.refresh()
        let seen = crew.picks(100_000)
        #expect(
            chiSquare(
                [seen[2], seen[3], seen[4], seen[5], seen[6], seen[7]],
                shares: [0.35, 0.35, 0.075, 0.075, 0.075, 0.075]) < chiSquareMax[9]!)
        for index in 2...3 { crew[index].isHealthy = false }
        crew.refresh()
        #expect(crew.picks(1000)[..<4].allSatisfy { $0 == 0 })
        for index in 0..<4 { crew[index].isHealthy = true }
        crew.refresh()
        #expect(crew.picks(1000)[4...].allSatisfy { $0 == 0 })
    }

    @Test("an attempt elsewhere goes to the next priority where the first has nobody else")
    func retry() {
        let crew = Crew(policy: .roundRobin, priorities: [0, 1])
        #expect(crew.picks(10) == [10, 0])
        #expect(crew.picks(10, avoid: 0) == [0, 10])
        crew[0].avoidUntil = .distantFuture
        #expect(crew.picks(10) == [0, 10])
    }

    @Test("a priority is chosen by the hash too, so that a caller stays where it is")
    func sticky() {
        let crew = Crew(policy: .ringHashDefault, priorities: [0, 0, 1, 1])
        crew[0].isHealthy = false
        crew.refresh()
        for hash in 0..<200 {
            let index = crew.pick(hash: StableHash.hash("\(hash)"))
            for _ in 0..<5 { #expect(crew.pick(hash: StableHash.hash("\(hash)")) == index) }
        }
    }
}
