import Testing
import Time

@testable import Schemas

@Suite struct SchemaScheduleTests {
    @Test("waits double from one second to thirty")
    func backoff() {
        var schedule = SchemaSchedule(at: Instant(nanoseconds: 0))
        var now = Instant(nanoseconds: 0)
        var waits: [Duration] = []
        for _ in 0..<7 {
            schedule.begun(at: now)
            schedule.failed(at: now, chance: 0)
            waits.append(.nanoseconds(Int64(schedule.next!.nanoseconds(since: now))))
            now = schedule.next!
        }
        #expect(waits == [1, 2, 4, 8, 16, 30, 30].map { .seconds($0) })
    }
}
