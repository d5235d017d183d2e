internal import Time

/// Where the windows of a limit lie: arithmetic on seconds since 1970-01-01T00:00Z.
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
        /// Of so many months of the calendar from January of year 0, each beginning on the day, or on its month's last.
        case months(units: UInt64, day: Int)
    }

    private let shape: Shape

    init(_ window: LimitWindow, start: WindowStart?) {
        let units = UInt64(window.units)
        switch window.unit {
        case .month:
            var day = 1
            if case .dayOfMonth(let number)? = start { day = number }
            shape = .months(units: units, day: day)
        case .week:
            var weekday = 0
            if case .weekday(let number)? = start { weekday = number }
            shape = .spans(length: units * 604_800, offset: (Self.firstMonday + UInt64(weekday)) * 86_400)
        case .day:
            var minute = 0
            if case .timeOfDay(let number)? = start { minute = number }
            shape = .spans(length: units * 86_400, offset: UInt64(minute) * 60)
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

    /// No window is longer, in seconds.
    var longest: UInt64 {
        switch shape {
        case .spans(let length, _): length
        case .months(let units, _): units * 31 * 86_400
        }
    }

    func place(at wall: WallTime) -> Place { place(at: wall.nanoseconds / 1_000_000_000) }

    func place(at second: UInt64) -> Place {
        switch shape {
        case .spans(let length, let offset):
            let number = second < offset ? 0 : (second - offset) / length
            let start = number * length + offset
            return Place(number: number, start: start, end: start + length, next: start + 2 * length)
        case .months(let units, let day):
            let today = second / 86_400
            let date = CivilDate.date(ofDay: Int(today))
            var month = UInt64(date.year) * 12 + UInt64(date.month) - 1
            if today < Self.firstDay(ofMonth: month, startingOn: day) { month -= 1 }
            return place(number: month / units)
        }
    }

    /// The window with that number.
    func place(number: UInt64) -> Place {
        let (start, end, next) = (start(of: number), start(of: number + 1), start(of: number + 2))
        return Place(number: number, start: start, end: end, next: next)
    }

    private func start(of number: UInt64) -> UInt64 {
        switch shape {
        case .spans(let length, let offset): number * length + offset
        case .months(let units, let day): Self.firstDay(ofMonth: number * units, startingOn: day) * 86_400
        }
    }

    /// - Parameter month: twelve times the year, plus 0 for January.
    private static func firstDay(ofMonth month: UInt64, startingOn day: Int) -> UInt64 {
        let (year, number) = (Int(month / 12), Int(month % 12) + 1)
        return UInt64(CivilDate.dayNumber(year, number, min(day, CivilDate.daysIn(number, of: year))))
    }
}
