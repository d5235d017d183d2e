import Testing
import Time

@testable import Control

@Suite("When a key set is fetched")
struct KeySetScheduleTests {
    static func at(_ seconds: Double) -> Instant { Instant(nanoseconds: UInt64(seconds * 1e9) + 1_000_000_000_000) }

    static func seconds(_ schedule: KeySetSchedule) -> Double? {
        schedule.next.map { Double($0.nanoseconds - 1_000_000_000_000) / 1e9 }
    }

    /// `#expect` cannot change what it looks at.
    static func hint(_ schedule: inout KeySetSchedule, _ seconds: Double) -> Bool { schedule.hinted(at: at(seconds)) }

    @Test("at once, and not twice at a time")
    func first() {
        var schedule = KeySetSchedule(at: Self.at(0))
        #expect(schedule.isDue(at: Self.at(0)))
        schedule.begun()
        #expect(!schedule.isDue(at: Self.at(1000)))
        #expect(!Self.hint(&schedule, 1000))
    }

    @Test(
        "again as the server says, between a minute and an hour",
        arguments: [
            (nil, 600.0), (.seconds(0), 60), (.seconds(59), 60), (.seconds(61), 61), (.seconds(3600), 3600), (.seconds(3601), 3600),
        ] as [(Duration?, Double)])
    func refresh(freshFor: Duration?, wait: Double) {
        var schedule = KeySetSchedule(at: Self.at(0))
        schedule.begun()
        schedule.succeeded(at: Self.at(5), freshFor: freshFor)
        #expect(Self.seconds(schedule) == 5 + wait)
        #expect(!schedule.isDue(at: Self.at(4.9 + wait)))
        #expect(schedule.isDue(at: Self.at(5 + wait)))
    }

    @Test("after failures later and later, from a second to a minute")
    func failures() {
        var schedule = KeySetSchedule(at: Self.at(0))
        for wait in [1.0, 2, 4, 8, 16, 32, 60, 60] {
            schedule.begun()
            schedule.failed(at: Self.at(0), chance: 0)
            #expect(Self.seconds(schedule) == wait)
        }
        for _ in 0..<100 { schedule.failed(at: Self.at(0), chance: .max) }
        #expect(Self.seconds(schedule) == 60)
        schedule.succeeded(at: Self.at(0), freshFor: nil)
        schedule.failed(at: Self.at(0), chance: 0)
        #expect(Self.seconds(schedule) == 1)
    }

    @Test("chance makes a wait up to a quarter longer")
    func chance() throws {
        var schedule = KeySetSchedule(at: Self.at(0))
        schedule.failed(at: Self.at(0), chance: .max)
        let longest = try #require(Self.seconds(schedule))
        #expect(longest > 1.249 && longest <= 1.25)
    }

    @Test("a hint makes it due once in ten seconds, and never while the issuer is failing")
    func hints() {
        var schedule = KeySetSchedule(at: Self.at(0))
        schedule.begun()
        schedule.succeeded(at: Self.at(0), freshFor: nil)
        #expect(Self.hint(&schedule, 1))
        #expect(schedule.isDue(at: Self.at(1)))
        #expect(!Self.hint(&schedule, 1), "it is due already")
        schedule.begun()
        schedule.succeeded(at: Self.at(1), freshFor: nil)
        #expect(!Self.hint(&schedule, 10.9))
        #expect(Self.hint(&schedule, 11))
        schedule.begun()
        schedule.failed(at: Self.at(11), chance: 0)
        #expect(!Self.hint(&schedule, 30))
        #expect(Self.seconds(schedule) == 12)
    }
}
