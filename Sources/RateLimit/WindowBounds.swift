package import Time

/// The minutes since 1970-01-01T00:00Z at which a fixed window begins and ends.
package struct WindowBounds: Equatable, Sendable {
    package let startMinute: UInt64
    package let endMinute: UInt64

    package init(startMinute: UInt64, endMinute: UInt64) {
        self.startMinute = startMinute
        self.endMinute = endMinute
    }

    /// The window of `minutes` that `wall` falls into, aligned to the epoch.
    package init(minutes: UInt64, containing wall: WallTime) {
        startMinute = Self.minute(of: wall) / minutes * minutes
        endMinute = startMinute + minutes
    }

    /// The window of `months` of the calendar that `wall` falls into, counted from January of year 0.
    package init(months: UInt64, containing wall: WallTime) {
        let first = CivilMonth(daysSinceEpoch: Self.minute(of: wall) / 1440).index / months * months
        startMinute = CivilMonth(index: first).startDay * 1440
        endMinute = CivilMonth(index: first + months).startDay * 1440
    }

    private static func minute(of wall: WallTime) -> UInt64 { wall.nanoseconds / 60_000_000_000 }

    package func nanosecondsUntilEnd(from wall: WallTime) -> UInt64 {
        let end = endMinute * 60_000_000_000
        return end > wall.nanoseconds ? end - wall.nanoseconds : 0
    }
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
