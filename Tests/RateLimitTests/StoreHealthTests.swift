import Testing
import Time

@testable import RateLimit

@Suite struct StoreHealthTests {
    @Test("the fifth timeout in a row makes the store be skipped, and an answer in between forgives")
    func fiveInRow() {
        var health = StoreHealth()
        for _ in 0..<4 { health.timedOut(now: start) }
        health.answered()
        for _ in 0..<4 { health.timedOut(now: start) }
        #expect(health.admit(now: start) == .use)
        health.timedOut(now: start)
        #expect(health.admit(now: start) == .skip && health.isSkipping)
    }

    @Test("while skipped it is probed once a second, one probe at a time, until it answers")
    func probes() {
        var health = StoreHealth()
        for _ in 0..<9 { health.timedOut(now: start) }
        #expect(health.admit(now: start + .milliseconds(999)) == .skip)
        #expect(health.admit(now: start + .seconds(1)) == .probe)
        #expect(health.admit(now: start + .seconds(1)) == .skip)
        #expect(health.admit(now: start + .seconds(9)) == .skip)
        health.probeFailed()
        #expect(health.admit(now: start + .milliseconds(1999)) == .skip)
        #expect(health.admit(now: start + .seconds(2)) == .probe)
        health.answered()
        #expect(health.admit(now: start + .seconds(2)) == .use && !health.isSkipping)
    }
}
