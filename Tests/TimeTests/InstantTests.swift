import Testing

@testable import Time

@Suite struct InstantTests {
    @Test("adding saturates instead of wrapping")
    func saturates() {
        #expect(Instant(nanoseconds: 5) + .seconds(1) == Instant(nanoseconds: 1_000_000_005))
        #expect(Instant(nanoseconds: 5) + .seconds(-1) == Instant(nanoseconds: 0))
        #expect(Instant.distantFuture + .seconds(1) == .distantFuture)
    }
}
