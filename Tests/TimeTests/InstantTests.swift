import Testing

@testable import Time

@Suite struct InstantTests {
    @Test("adding saturates instead of wrapping")
    func saturates() {
        #expect(Instant(nanoseconds: 5) + .seconds(1) == Instant(nanoseconds: 1_000_000_005))
        #expect(Instant(nanoseconds: 5) + .seconds(-1) == Instant(nanoseconds: 0))
        #expect(Instant.distantFuture + .seconds(1) == .distantFuture)
    }

    @Test("seconds of any calendar become a time without wrapping")
    func wallTimes() {
        #expect(WallTime(seconds: 18_446_744_073).seconds == 18_446_744_073)
        for seconds in [18_446_744_074, 253_402_300_799, Int64.max] {
            #expect(WallTime(seconds: seconds).nanoseconds == .max)
        }
        #expect(WallTime(seconds: .min).nanoseconds == 0)
    }
}
