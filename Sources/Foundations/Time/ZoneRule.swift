/// How a time zone goes on: a POSIX TZ string such as `CET-1CEST,M3.5.0,M10.5.0/3` (RFC 9636, section 3.3.1).
struct ZoneRule: Equatable {
    /// A moment of every year, by local time.
    struct Moment: Equatable {
        enum Day: Equatable {
            /// From 1, never counting the 29th of February.
            case julian(Int)
            /// From 0.
            case ordinal(Int)
            /// The first to fourth, or the last, weekday of a month; Sunday is 0.
            case weekday(month: Int, week: Int, day: Int)
        }
        var day: Day
        /// Of the day, in seconds; may be of another day.
        var seconds: Int64
    }

    /// Seconds east of UTC.
    var standard: Int64
    var daylight: (offset: Int64, start: Moment, end: Moment)?

    static func == (one: ZoneRule, other: ZoneRule) -> Bool {
        one.standard == other.standard && one.daylight?.offset == other.daylight?.offset
            && one.daylight?.start == other.daylight?.start && one.daylight?.end == other.daylight?.end
    }

    init?(parsing text: String) {
        var scanner = Scanner(rest: Substring(text))
        guard scanner.name(), let standard = scanner.time(hoursMax: 24) else { return nil }
        self.standard = -standard
        guard !scanner.rest.isEmpty else { return }
        guard scanner.name() else { return nil }
        var offset = self.standard + 3600
        if scanner.rest.first != "," {
            guard let daylight = scanner.time(hoursMax: 24) else { return nil }
            offset = -daylight
        }
        guard let start = scanner.moment(), let end = scanner.moment(), scanner.rest.isEmpty else { return nil }
        daylight = (offset, start, end)
    }

    /// In the order of time.
    func changes(in year: Int) -> [(from: Int64, offset: Int64)] {
        guard let daylight else { return [] }
        return [
            (from: daylight.start.second(in: year) - standard, offset: daylight.offset),
            (from: daylight.end.second(in: year) - daylight.offset, offset: standard),
        ].sorted { $0.from < $1.from }
    }

    private struct Scanner {
        var rest: Substring

        mutating func take(_ character: Character) -> Bool {
            guard rest.first == character else { return false }
            rest.removeFirst()
            return true
        }

        /// `CET`, or `<+0330>`.
        mutating func name() -> Bool {
            if take("<") {
                guard let end = rest.firstIndex(of: ">") else { return false }
                rest = rest[rest.index(after: end)...]
                return true
            }
            let letters = rest.prefix { $0.isASCII && $0.isLetter }
            rest = rest[letters.endIndex...]
            return letters.count >= 3
        }

        mutating func number(_ range: ClosedRange<Int>) -> Int? {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            guard digits.count <= 3, let number = Int(digits), range.contains(number) else { return nil }
            rest = rest[digits.endIndex...]
            return number
        }

        /// `[+-]hh[:mm[:ss]]`, in seconds.
        mutating func time(hoursMax: Int) -> Int64? {
            let sign: Int64 = take("-") ? -1 : 1
            if sign == 1 { _ = take("+") }
            guard let hours = number(0...hoursMax) else { return nil }
            var seconds = Int64(hours) * 3600
            for unit: Int64 in [60, 1] where take(":") {
                guard let part = number(0...59) else { return nil }
                seconds += Int64(part) * unit
            }
            return sign * seconds
        }

        /// `,M3.5.0/2` and the like; at two where no time is written.
        mutating func moment() -> Moment? {
            guard take(","), let day = day() else { return nil }
            guard take("/") else { return Moment(day: day, seconds: 7200) }
            return time(hoursMax: 167).map { Moment(day: day, seconds: $0) }
        }

        private mutating func day() -> Moment.Day? {
            if take("J") { return number(1...365).map(Moment.Day.julian) }
            guard take("M") else { return number(0...365).map(Moment.Day.ordinal) }
            guard let month = number(1...12), take("."), let week = number(1...5), take("."), let day = number(0...6)
            else { return nil }
            return .weekday(month: month, week: week, day: day)
        }
    }
}

extension ZoneRule.Moment {
    /// By the local clock, in seconds since 1970 as if it were UTC's.
    fileprivate func second(in year: Int) -> Int64 { Int64(dayNumber(in: year)) * 86_400 + seconds }

    private func dayNumber(in year: Int) -> Int {
        let newYear = CivilDate.dayNumber(year, 1, 1)
        switch day {
        case .julian(let number):
            let isBehindLeapDay = number >= 60 && CivilDate.daysIn(2, of: year) == 29
            return newYear + number - (isBehindLeapDay ? 0 : 1)
        case .ordinal(let number): return newYear + number
        case .weekday(let month, let week, let weekday):
            let first = CivilDate.dayNumber(year, month, 1)
            // 1970-01-01 was a Thursday.
            let ahead = (weekday - (first + 4) % 7 + 7) % 7
            let inMonth = ahead + (week - 1) * 7
            return first + (inMonth < CivilDate.daysIn(month, of: year) ? inMonth : inMonth - 7)
        }
    }
}
