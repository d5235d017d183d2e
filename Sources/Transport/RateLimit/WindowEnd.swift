internal import Time

/// When the fixed window that a moment falls into ends, in minutes since 1970-01-01T00:00Z.
enum WindowEnd {
    /// Of a window of `minutes`, aligned to the epoch.
    static func minute(ofMinutes minutes: UInt64, containing wall: WallTime) -> UInt64 {
        minute(of: wall) / minutes * minutes + minutes
    }

    /// Of a window of `months` of the calendar, counted from January of year 0.
    static func minute(ofMonths months: UInt64, containing wall: WallTime) -> UInt64 {
        let first = CivilMonth(daysSinceEpoch: minute(of: wall) / 1440).index / months * months
        return CivilMonth(index: first + months).startDay * 1440
    }

    /// Nanoseconds from `wall` to the end at `minute`; zero once it has passed.
    static func nanoseconds(until minute: UInt64, from wall: WallTime) -> UInt64 {
        let end = minute * 60_000_000_000
        return end > wall.nanoseconds ? end - wall.nanoseconds : 0
    }

    private static func minute(of wall: WallTime) -> UInt64 { wall.nanoseconds / 60_000_000_000 }
}

/// A month of the proleptic Gregorian calendar: twelve times the year, plus 0 for January.
///
/// Days and months are turned into each other in eras of 400 years that begin on the 1st of March, so that the leap day
/// is an era's last (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
struct CivilMonth: Equatable {
    let index: UInt64

    init(index: UInt64) { self.index = index }

    init(daysSinceEpoch: UInt64) {
        let day = daysSinceEpoch + 719_468
        let dayOfEra = day % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        // March is the third month, so index 2 of its own year; January and February count into the next.
        index = (day / 146_097 * 400 + yearOfEra) * 12 + monthFromMarch + 2
    }

    /// The first day of the month, in days since 1970-01-01.
    var startDay: UInt64 {
        let sinceMarch = index - 2
        let year = sinceMarch / 12
        let yearOfEra = year % 400
        let dayOfYear = (153 * (sinceMarch % 12) + 2) / 5
        return year / 400 * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
