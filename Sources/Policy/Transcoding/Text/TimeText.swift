internal import Bytes
internal import Time

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
            let year = digits(text, 4, 0...9999), let month = digits(text + 5, 2, 1...12), let day = digits(text + 8, 2, 1...31),
            let hour = digits(text + 11, 2, 0...23), let minute = digits(text + 14, 2, 0...59),
            let second = digits(text + 17, 2, 0...59),
            day <= CivilDate.daysIn(month, of: year)
        else { return nil }
        var at = text + 19
        let end = text + count
        guard let nanoseconds = fraction(&at, end), at < end else { return nil }
        var seconds = Untrusted<Int64>(CivilDate.dayNumber(year, month, day)).scaled(by: 86_400)
            .addingSaturating(time(hour, minute)).addingSaturating(Untrusted(second))
        if at[0] == UInt8(ascii: "Z") {
            guard end - at == 1 else { return nil }
        } else {
            guard at[0] == UInt8(ascii: "+") || at[0] == UInt8(ascii: "-"), end - at == 6, at[3] == UInt8(ascii: ":"),
                let hours = digits(at + 1, 2, 0...23), let minutes = digits(at + 4, 2, 0...59)
            else { return nil }
            seconds = seconds.addingSaturating(time(hours, minutes).scaled(by: at[0] == UInt8(ascii: "+") ? -1 : 1))
        }
        guard let seconds = seconds.exactly(in: timestampSeconds) else { return nil }
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
        var read = Untrusted<Int64>(0)
        while at < end, at[0] &- 0x30 <= 9 {
            read = read.appending(digit: at[0] &- 0x30, radix: 10)
            at += 1
        }
        guard at > first, let seconds = read.exactly(in: durationSeconds), let nanoseconds = fraction(&at, end), at == end else {
            return nil
        }
        if seconds == durationSeconds.upperBound, nanoseconds > 0 { return nil }
        return isNegative
            ? Parts(seconds: -seconds, nanoseconds: -nanoseconds) : Parts(seconds: seconds, nanoseconds: nanoseconds)
    }

    /// A point and one to nine digits as nanoseconds; zero where there is no point.
    private static func fraction(_ at: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> Int32? {
        guard at < end, at[0] == UInt8(ascii: ".") else { return 0 }
        at += 1
        var value = Untrusted<Int32>(0)
        var count = 0
        while at < end, at[0] &- 0x30 <= 9 {
            guard count < 9 else { return nil }
            value = value.appending(digit: at[0] &- 0x30, radix: 10)
            count += 1
            at += 1
        }
        guard count > 0 else { return nil }
        for _ in count..<9 { value = value.scaled(by: 10) }
        return value.exactly(in: 0...999_999_999)
    }

    private static func digits(_ text: UnsafePointer<UInt8>, _ count: Int, _ range: ClosedRange<Int>) -> Int? {
        Untrusted<Int>(decimal: UnsafeBufferPointer(start: text, count: count))?.exactly(in: range)
    }

    /// Hours and minutes in seconds.
    private static func time(_ hours: Int, _ minutes: Int) -> Untrusted<Int64> {
        Untrusted<Int64>(hours).scaled(by: 60).addingSaturating(Untrusted(minutes)).scaled(by: 60)
    }
}
