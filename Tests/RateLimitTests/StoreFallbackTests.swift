import Testing
import Time

@testable import RateLimit

@Suite struct StoreFallbackTests {
    static let table: [(StoreConfiguration.WhenUnavailable, [LimitOutcome.Decision], LimitOutcome.Source)] = [
        (.allow, [.allowed, .allowed, .allowed], .none),
        (.deny, [.unavailable, .unavailable, .unavailable], .none),
        (.local, [.allowed, .allowed, .refused], .fallback),
    ]

    @Test("a decision that the store does not make is made as when_unavailable says", arguments: table)
    func decides(
        whenUnavailable: StoreConfiguration.WhenUnavailable, decisions: [LimitOutcome.Decision], source: LimitOutcome.Source
    ) throws {
        var fallback = StoreFallback(whenUnavailable, local: MemoryStore())
        let limit = try limit("2/min")
        for decision in decisions {
            let request = LimitRequest(keepsValues: true)
            request.begin(limit)
            let outcome = fallback.decide(request, now: start, wall: startWall)
            #expect(outcome.decision == decision && outcome.source == source && outcome == request.outcome)
        }
        #expect(fallback.decisionCount == 3)
    }
}
