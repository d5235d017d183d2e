import Glibc
import LimitRules
import Testing
import Time

@testable import RateLimit

@Suite struct WindowScheduleTests {
    private func schedule(_ text: String, from start: String? = nil, in zone: ZoneOffsets? = nil) throws -> WindowSchedule {
        WindowSchedule(try LimitWindow(parsing: text), start: try start.map { try #require(WindowStart(parsing: $0)) }, zone: zone)
    }

    private func expectGapless(_ schedule: WindowSchedule, from begin: String, windows: Int) {
        var place = schedule.place(at: second(begin))
        for _ in 0..<windows {
            let next = schedule.place(at: place.end)
            #expect(next.start == place.end && next.number == place.number + 1 && next.end == place.next)
            #expect(schedule.place(at: place.end - 1) == place && place.length <= schedule.longest)
            place = next
        }
    }

    /// "2028-02-29 23:59:59" and the like, by the C library.
    private func second(_ text: String) -> UInt64 {
        let numbers = text.split { !$0.isNumber }.compactMap { Int32($0) }
        var parts = tm()
        (parts.tm_year, parts.tm_mon, parts.tm_mday) = (numbers[0] - 1900, numbers[1] - 1, numbers[2])
        (parts.tm_hour, parts.tm_min, parts.tm_sec) = (numbers[3], numbers[4], numbers[5])
        return UInt64(timegm(&parts))
    }

    @Test(
        "windows lie where the calendar has them",
        arguments: [
            ("min", nil, "2027-01-15 08:02:03", "2027-01-15 08:02:00", "2027-01-15 08:03:00"),
            ("h", nil, "2027-01-15 08:02:03", "2027-01-15 08:00:00", "2027-01-15 09:00:00"),
            ("day", nil, "2027-01-15 08:02:03", "2027-01-15 00:00:00", "2027-01-16 00:00:00"),
            ("day", "06:30", "2027-01-15 06:29:59", "2027-01-14 06:30:00", "2027-01-15 06:30:00"),
            ("day", "06:30", "2027-01-15 06:30:00", "2027-01-15 06:30:00", "2027-01-16 06:30:00"),
            // 2027-01-15 is a Friday.
            ("week", nil, "2027-01-15 08:02:03", "2027-01-11 00:00:00", "2027-01-18 00:00:00"),
            ("week", "sunday", "2027-01-15 08:02:03", "2027-01-10 00:00:00", "2027-01-17 00:00:00"),
            ("week", "friday", "2027-01-15 00:00:00", "2027-01-15 00:00:00", "2027-01-22 00:00:00"),
            ("month", nil, "2028-02-29 23:59:59", "2028-02-01 00:00:00", "2028-03-01 00:00:00"),
            ("month", nil, "2100-02-28 23:59:59", "2100-02-01 00:00:00", "2100-03-01 00:00:00"),
            ("3month", nil, "2027-05-10 12:00:00", "2027-04-01 00:00:00", "2027-07-01 00:00:00"),
            ("12month", nil, "2027-05-10 12:00:00", "2027-01-01 00:00:00", "2028-01-01 00:00:00"),
            ("month", "15", "2027-01-14 23:59:59", "2026-12-15 00:00:00", "2027-01-15 00:00:00"),
            ("month", "15", "2027-01-15 00:00:00", "2027-01-15 00:00:00", "2027-02-15 00:00:00"),
            // A day that a month lacks is its last.
            ("month", "31", "2027-02-27 12:00:00", "2027-01-31 00:00:00", "2027-02-28 00:00:00"),
            ("month", "31", "2027-02-28 00:00:00", "2027-02-28 00:00:00", "2027-03-31 00:00:00"),
            ("month", "30", "2028-02-29 01:00:00", "2028-02-29 00:00:00", "2028-03-30 00:00:00"),
            ("10s", nil, "2027-01-15 08:02:03", "2027-01-15 08:02:00", "2027-01-15 08:02:10"),
        ] as [(String, String?, String, String, String)])
    func windows(text: String, start: String?, at: String, begins: String, ends: String) throws {
        let place = try schedule(text, from: start).place(at: second(at))
        #expect(place.start == second(begins) && place.end == second(ends))
    }

    @Test(
        "windows follow each other without a gap, each numbered after the one before, and none longer than said",
        arguments: [
            ("s", nil), ("7s", nil), ("5min", nil), ("7h", nil), ("day", "23:59"), ("3day", "00:01"), ("week", "wednesday"),
            ("5week", nil),
            ("month", nil), ("month", "31"), ("month", "29"), ("5month", "30"), ("12month", "2"),
        ] as [(String, String?)])
    func gapless(text: String, start: String?) throws {
        expectGapless(try schedule(text, from: start), from: "2023-12-31 23:59:58", windows: 200)
    }

    /// Of Prague, as its rule is.
    private func prague() throws -> ZoneOffsets {
        var file = Array("TZif2".utf8) + [UInt8](repeating: 0, count: 31) + [0, 0, 0, 1, 0, 0, 0, 0] + [0, 0, 0, 0, 0, 0]
        file += Array("TZif2".utf8) + [UInt8](repeating: 0, count: 31) + [0, 0, 0, 1, 0, 0, 0, 0] + [0, 0, 0, 0, 0, 0]
        return try #require(ZoneOffsets(tzif: file + Array("\nCET-1CEST,M3.5.0,M10.5.0/3\n".utf8)))
    }

    @Test(
        "windows follow a time zone's clocks",
        arguments: [
            ("day", nil, "2026-03-28 22:59:59", "2026-03-27 23:00:00", "2026-03-28 23:00:00"),
            // A day of 23 hours, and one of 25.
            ("day", nil, "2026-03-28 23:00:00", "2026-03-28 23:00:00", "2026-03-29 22:00:00"),
            ("day", nil, "2026-10-25 12:00:00", "2026-10-24 22:00:00", "2026-10-25 23:00:00"),
            ("day", "06:00", "2026-12-01 04:59:59", "2026-11-30 05:00:00", "2026-12-01 05:00:00"),
            // 02:30 is skipped, and comes twice.
            ("day", "02:30", "2026-03-29 01:00:00", "2026-03-29 01:00:00", "2026-03-30 00:30:00"),
            ("day", "02:30", "2026-10-25 01:15:00", "2026-10-25 00:30:00", "2026-10-26 01:30:00"),
            ("week", nil, "2026-11-29 23:30:00", "2026-11-29 23:00:00", "2026-12-06 23:00:00"),
            ("week", "sunday", "2026-11-29 12:00:00", "2026-11-28 23:00:00", "2026-12-05 23:00:00"),
            ("month", nil, "2026-10-31 23:00:00", "2026-10-31 23:00:00", "2026-11-30 23:00:00"),
            ("month", "15", "2026-07-14 21:59:59", "2026-06-14 22:00:00", "2026-07-14 22:00:00"),
            ("3month", nil, "2026-05-01 00:00:00", "2026-03-31 22:00:00", "2026-06-30 22:00:00"),
        ] as [(String, String?, String, String, String)])
    func zoned(text: String, start: String?, at: String, begins: String, ends: String) throws {
        let place = try schedule(text, from: start, in: prague()).place(at: second(at))
        #expect(place.start == second(begins) && place.end == second(ends))
    }

    @Test(
        "they follow each other without a gap over the changes of clocks",
        arguments: [("day", nil), ("day", "02:30"), ("3day", "03:00"), ("week", "sunday"), ("month", "29"), ("2month", nil)]
            as [(String, String?)])
    func zonedGapless(text: String, start: String?) throws {
        expectGapless(try schedule(text, from: start, in: prague()), from: "2026-01-01 12:00:00", windows: 800)
    }

    @Test("a moment before the first window belongs to it")
    func beginning() throws {
        #expect(try schedule("week").place(at: UInt64(5)).number == 0)
    }
}
