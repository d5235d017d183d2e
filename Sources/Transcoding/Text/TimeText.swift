/// The texts of `google.protobuf.Timestamp` and `google.protobuf.Duration`.
enum TimeText {
    struct Parts: Equatable {
        var seconds: Int64
        var nanoseconds: Int32
    }

    /// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z.
    static let timestampSeconds: ClosedRange<Int64> = -62_135_596_800...253_402_300_799
    static let durationSeconds: ClosedRange<Int64> = -315_576_000_000...315_576_000_000

    // MARK: reading

    /// A time of RFC 3339 with up to nine decimals, in any offset; `nil` for anything else.
    static func timestamp(_ text: UnsafePointer<UInt8>, _ count: Int) -> Parts? {
        guard count >= 20, text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-"), text[10] == UInt8(ascii: "T"),
            text[13] == UInt8(ascii: ":"), text[16] == UInt8(ascii: ":"),
            let year = digits(text, 4), let month = digits(text + 5, 2), let day = digits(text + 8, 2),
            let hour = digits(text + 11, 2), let minute = digits(text + 14, 2), let second = digits(text + 17, 2),
            month >= 1, month <= 12, day >= 1, day <= daysIn(month, of: year), hour < 24, minute < 60, second < 60
        else { return nil }
        var at = text + 19
        let end = text + count
        guard let nanoseconds = fraction(&at, end), at < end else { return nil }
        var seconds = Int64(dayNumber(year, month, day)) * 86_400 + Int64(hour * 3600 + minute * 60 + second)
        if at[0] == UInt8(ascii: "Z") {
            guard end - at == 1 else { return nil }
        } else {
            guard at[0] == UInt8(ascii: "+") || at[0] == UInt8(ascii: "-"), end - at == 6, at[3] == UInt8(ascii: ":"),
                let hours = digits(at + 1, 2), let minutes = digits(at + 4, 2), hours < 24, minutes < 60
            else { return nil }
            let offset = Int64(hours * 3600 + minutes * 60)
            seconds -= at[0] == UInt8(ascii: "+") ? offset : -offset
        }
        guard timestampSeconds.contains(seconds) else { return nil }
        return Parts(seconds: seconds, nanoseconds: nanoseconds)
    }

    /// Seconds with up to nine decimals, and `s`; `nil` for anything else.
    static func duration(_ text: UnsafePointer<UInt8>, _ count: Int) -> Parts? {
        guard count >= 2, text[count - 1] == UInt8(ascii: "s") else { return nil }
        var at = text
        let end = text + count - 1
        let isNegative = at[0] == UInt8(ascii: "-")
        if isNegative { at += 1 }
        let first = at
        var seconds: Int64 = 0
        while at < end, at[0] &- 0x30 <= 9 {
            seconds = seconds * 10 + Int64(at[0] - 0x30)
            guard seconds <= durationSeconds.upperBound else { return nil }
            at += 1
        }
        guard at > first, let nanoseconds = fraction(&at, end), at == end else { return nil }
        if seconds == durationSeconds.upperBound, nanoseconds > 0 { return nil }
        return isNegative
            ? Parts(seconds: -seconds, nanoseconds: -nanoseconds) : Parts(seconds: seconds, nanoseconds: nanoseconds)
    }

    /// A point and one to nine digits as nanoseconds; zero where there is no point.
    private static func fraction(_ at: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> Int32? {
        guard at < end, at[0] == UInt8(ascii: ".") else { return 0 }
        at += 1
        var value: Int32 = 0
        var count = 0
        while at < end, at[0] &- 0x30 <= 9 {
            guard count < 9 else { return nil }
            value = value * 10 + Int32(at[0] - 0x30)
            count += 1
            at += 1
        }
        guard count > 0 else { return nil }
        for _ in count..<9 { value *= 10 }
        return value
    }

    private static func digits(_ text: UnsafePointer<UInt8>, _ count: Int) -> Int? {
        var value = 0
        for index in 0..<count {
            guard text[index] &- 0x30 <= 9 else { return nil }
            value = value * 10 + Int(text[index] - 0x30)
        }
        return value
    }

    private static func daysIn(_ month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970-01-01 in the Gregorian calendar, counted in eras of 400 years that begin in March.
    private static func dayNumber(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    // MARK: writing

    /// `false` where the parts are no time between the years 1 and 9999.
    static func write(timestamp: Parts, to output: inout Output) -> Bool {
        guard timestampSeconds.contains(timestamp.seconds), (0..<1_000_000_000).contains(timestamp.nanoseconds) else {
            return false
        }
        let shifted = timestamp.seconds - timestampSeconds.lowerBound
        // Days since 0000-03-01, which is 306 days before the first of the year 1.
        let days = Int(shifted / 86_400) + 306
        let rest = Int(shifted % 86_400)
        let era = days / 146_097
        let dayOfEra = days % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        output.reserve(32)
        pair(year / 100, &output)
        pair(year % 100, &output)
        output.byte(UInt8(ascii: "-"))
        pair(month, &output)
        output.byte(UInt8(ascii: "-"))
        pair(day, &output)
        output.byte(UInt8(ascii: "T"))
        pair(rest / 3600, &output)
        output.byte(UInt8(ascii: ":"))
        pair(rest / 60 % 60, &output)
        output.byte(UInt8(ascii: ":"))
        pair(rest % 60, &output)
        write(fraction: UInt32(timestamp.nanoseconds), to: &output)
        output.byte(UInt8(ascii: "Z"))
        return true
    }

    /// `false` where the parts are over ten thousand years or of two signs.
    static func write(duration: Parts, to output: inout Output) -> Bool {
        guard durationSeconds.contains(duration.seconds), duration.nanoseconds.magnitude < 1_000_000_000 else { return false }
        if duration.seconds < 0, duration.nanoseconds > 0 { return false }
        if duration.seconds > 0, duration.nanoseconds < 0 { return false }
        if duration.seconds < 0 || duration.nanoseconds < 0 { output.byte(UInt8(ascii: "-")) }
        DigitText.write(duration.seconds.magnitude, to: &output)
        write(fraction: duration.nanoseconds.magnitude, to: &output)
        output.byte(UInt8(ascii: "s"))
        return true
    }

    private static func pair(_ value: Int, _ output: inout Output) {
        output.byte(UInt8(0x30 + value / 10))
        output.byte(UInt8(0x30 + value % 10))
    }

    /// None, three, six or nine decimals.
    private static func write(fraction nanoseconds: UInt32, to output: inout Output) {
        guard nanoseconds > 0 else { return }
        output.byte(UInt8(ascii: "."))
        let decimals = nanoseconds % 1_000_000 == 0 ? 3 : nanoseconds % 1000 == 0 ? 6 : 9
        var scale: UInt32 = 100_000_000
        for _ in 0..<decimals {
            output.byte(UInt8(0x30 + nanoseconds / scale % 10))
            scale /= 10
        }
    }
}
