import Testing
import Time

@testable import RateLimit

@Suite struct StoreProbingTests {
    private let now = Instant(nanoseconds: 1_000_000_000)

    @Test("probes are needed until the store has decided, and while it is in trouble")
    func needed() {
        var (probing, health) = (StoreProbing(), StoreHealth())
        #expect(probing.isNeeded(health))
        probing.decided()
        #expect(!probing.isNeeded(health))
        _ = health.record(.unreachable(nil), now: now)
        #expect(probing.isNeeded(health))
    }

    @Test("one runs at a time; while the store is skipped its health says when")
    func due() {
        var (probing, health) = (StoreProbing(), StoreHealth())
        #expect(probing.isDue(&health, now: now) == true)
        probing.begin()
        #expect(probing.isDue(&health, now: now) == false)
        probing.ended()
        #expect(probing.isDue(&health, now: now) == true)
        for _ in 0..<StoreHealth.timeoutsInRowMax { health.timedOut(now: now) }
        #expect(probing.isDue(&health, now: now) == false)
        #expect(probing.isDue(&health, now: now + StoreHealth.probeInterval) == true)
    }

    @Test("the first that finds nothing is no news, but one that finds a reason is")
    func news() {
        var probing = StoreProbing()
        probing.begin()
        #expect(probing.failed(.unreachable(nil)) == false)
        #expect(probing.failed(.refusing("NOPERM no")) == true)
        probing.begin()
        #expect(probing.failed(.unreachable(nil)) == true)
    }
}
