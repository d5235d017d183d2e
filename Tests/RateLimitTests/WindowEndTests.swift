import Glibc
import Testing
import Time

@testable import RateLimit

@Suite struct WindowEndTests {
    private func civil(_ seconds: Int64) -> (year: Int, month: Int) {
        var time = time_t(seconds)
        var parts = tm()
        gmtime_r(&time, &parts)
        return (Int(parts.tm_year) + 1900, Int(parts.tm_mon) + 1)
    }

    @Test("the calendar agrees with the C library on every day of 250 years")
    func calendar() {
        for day in 0..<UInt64(250 * 366) {
            let (year, month) = civil(Int64(day) * 86_400)
            let computed = CivilMonth(daysSinceEpoch: day)
            #expect(computed.index == UInt64(year * 12 + month - 1))
            #expect(computed.startDay <= day && CivilMonth(index: computed.index + 1).startDay > day)
        }
    }

    @Test(
        "months end with the calendar's, leap years included",
        arguments: [
            // 2028-02-29T23:59:59Z is in February 2028; a second later is March.
            (1_835_481_599, 1, 1_835_481_600), (1_835_481_600, 1, 1_838_160_000),
            // 2100 is no leap year: February ends with the 28th.
            (4_107_456_000, 1, 4_107_542_400),
            // 2027-05-10 is in the second quarter, and in the year.
            (1_809_907_200, 3, 1_814_400_000), (1_809_907_200, 12, 1_830_297_600),
        ])
    func months(seconds: Int64, months: UInt64, end: UInt64) {
        #expect(WindowEnd.minute(ofMonths: months, containing: WallTime(seconds: seconds)) * 60 == end)
    }

    @Test("minutes, hours and days are aligned in UTC")
    func fixed() {
        let wall = WallTime(nanoseconds: 1_800_003_723_000_000_001)
        #expect(WindowEnd.minute(ofMinutes: 1, containing: wall) * 60 == 1_800_003_780)
        #expect(WindowEnd.minute(ofMinutes: 60, containing: wall) * 60 == 1_800_007_200)
        let day = WindowEnd.minute(ofMinutes: 1440, containing: wall)
        #expect(day * 60 == 1_800_057_600)
        #expect(WindowEnd.nanoseconds(until: day, from: wall) == 53_876_999_999_999)
        #expect(WindowEnd.nanoseconds(until: 1, from: wall) == 0)
        // A moment on the border belongs to the window that begins.
        #expect(WindowEnd.minute(ofMinutes: 60, containing: WallTime(seconds: 3600)) == 120)
    }
}
