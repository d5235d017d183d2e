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

    @Test("durations of any length have nanoseconds, up to the ends of 64 bits")
    func durations() {
        #expect(Duration.nanoseconds(Int64.max).nanoseconds == .max && Duration.nanoseconds(Int64.min).nanoseconds == .min)
        #expect(
            Duration.nanoseconds(Int64.max - 1).nanoseconds == .max - 1
                && Duration.nanoseconds(Int64.min + 1).nanoseconds == .min + 1)
        // Its seconds do not fit 64 bits either.
        let longest = Duration.seconds(Int64.max) + .seconds(Int64.max)
        #expect(longest.nanoseconds == .max && (.zero - longest).nanoseconds == .min)
        #expect(Instant(nanoseconds: 5) + longest > Instant(nanoseconds: UInt64(Int64.max)))
        #expect((Duration.milliseconds(-1500)).nanoseconds == -1_500_000_000)
    }
}
