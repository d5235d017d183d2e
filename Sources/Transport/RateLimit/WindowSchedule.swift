internal import LimitRules
internal import Time

/// Where the windows of a limit lie: arithmetic on seconds since 1970-01-01T00:00Z. Changes of a time zone are known until 2100.
package struct WindowSchedule: Sendable {
    /// The window that a moment falls into: `start ..< end`, and where the one behind it ends.
    struct Place: Equatable {
        /// Counted up by one from window to window.
        var number: UInt64
        var start: UInt64
        var end: UInt64
        var next: UInt64

        var length: UInt64 { end - start }
    }

    private enum Shape: Sendable {
        /// All of one length; the first begins at `offset`.
        case spans(length: UInt64, offset: UInt64)
        /// Of so many days of the zone's calendar, the first of which is told from 1970-01-01, beginning at the minute.
        case days(units: Int64, first: Int64, minute: Int64)
        /// Of so many months of the calendar from January of year 0, each beginning on the day, or on its month's last.
        case months(units: UInt64, day: Int)
    }

    private let shape: Shape
    /// `nil` for UTC.
    private let zone: ZoneOffsets?

    init(_ window: LimitWindow, start: WindowStart?, zone: ZoneOffsets? = nil) {
        let units = UInt64(window.units)
        self.zone = zone
        switch window.unit {
        case .month:
            var day = 1
            if case .dayOfMonth(let number)? = start { day = number }
            shape = .months(units: units, day: day)
        case .week:
            var weekday = 0
            if case .weekday(let number)? = start { weekday = number }
            let first = Self.firstMonday + UInt64(weekday)
            shape =
                zone == nil
                ? .spans(length: units * 604_800, offset: first * 86_400)
                : .days(units: Int64(units) * 7, first: Int64(first), minute: 0)
        case .day:
            var minute = 0
            if case .timeOfDay(let number)? = start { minute = number }
            shape =
                zone == nil
                ? .spans(length: units * 86_400, offset: UInt64(minute) * 60)
                : .days(units: Int64(units), first: 0, minute: Int64(minute))
        case .second: shape = .spans(length: units, offset: 0)
        case .minute: shape = .spans(length: units * 60, offset: 0)
        case .hour: shape = .spans(length: units * 3600, offset: 0)
        }
    }

    /// 1970-01-05, in days.
    private static let firstMonday: UInt64 = 4

    /// The length of windows that are multiples of it since 1970; `nil` for others.
    var alignedLength: UInt64? {
        guard case .spans(let length, offset: 0) = shape else { return nil }
        return length
    }

    /// An upper bound for the length of a window, in seconds: months count 31 days each.
    var longest: UInt64 {
        switch shape {
        case .spans(let length, _): length
        // A day more than they have: clocks are put back.
        case .days(let units, _, _): UInt64(units + 1) * 86_400
        case .months(let units, _): (units * 31 + 1) * 86_400
        }
    }

    func place(at wall: WallTime) -> Place { place(at: wall.nanoseconds / 1_000_000_000) }

    func place(at second: UInt64) -> Place {
        switch shape {
        case .spans(let length, let offset):
            let number = second < offset ? 0 : (second - offset) / length
            let start = number * length + offset
            return Place(number: number, start: start, end: start + length, next: start + 2 * length)
        case .days(let units, let first, let minute):
            let day = (local(second) - minute * 60) / 86_400
            return place(near: UInt64(max(0, (day - first) / units)), second)
        case .months(let units, let day):
            let today = local(second) / 86_400
            let date = CivilDate.date(ofDay: Int(today))
            var month = UInt64(date.year) * 12 + UInt64(date.month) - 1
            if today < Self.firstDay(ofMonth: month, startingOn: day) { month -= 1 }
            return place(near: month / units, second)
        }
    }

    /// What the zone's clocks show, as if it were UTC.
    private func local(_ second: UInt64) -> Int64 {
        let second = Int64(min(second, Self.secondMax))
        return zone.map { max(0, second + $0.offset(at: second)) } ?? second
    }

    /// In the year 9999.
    private static let secondMax: UInt64 = 253_402_300_799

    /// The window of that number, or its neighbour: clocks that are put back show a time twice.
    private func place(near number: UInt64, _ second: UInt64) -> Place {
        let place = place(number: number)
        if second < place.start, number > 0 { return self.place(number: number - 1) }
        return second >= place.end ? self.place(number: number + 1) : place
    }

    /// The window with that number.
    func place(number: UInt64) -> Place {
        let (start, end, next) = (start(of: number), start(of: number + 1), start(of: number + 2))
        return Place(number: number, start: start, end: end, next: next)
    }

    private func start(of number: UInt64) -> UInt64 {
        switch shape {
        case .spans(let length, let offset): number * length + offset
        case .days(let units, let first, let minute): utc((Int64(number) * units + first) * 86_400 + minute * 60)
        case .months(let units, let day): utc(Self.firstDay(ofMonth: number * units, startingOn: day) * 86_400)
        }
    }

    private func utc(_ local: Int64) -> UInt64 { UInt64(max(0, zone?.second(ofLocal: local) ?? local)) }

    /// - Parameter month: twelve times the year, plus 0 for January.
    private static func firstDay(ofMonth month: UInt64, startingOn day: Int) -> Int64 {
        let (year, number) = (Int(month / 12), Int(month % 12) + 1)
        return Int64(CivilDate.dayNumber(year, number, min(day, CivilDate.daysIn(number, of: year))))
    }
}
