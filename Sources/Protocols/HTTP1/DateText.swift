internal import Glibc

/// The value of `date` (RFC 9110, section 5.6.7), worked out once a second. One per worker.
package final class DateText {
    private var second: Int64 = -1
    private let text: UnsafeMutablePointer<UInt8>
    private static let form: StaticString = "Sun, 06 Nov 1994 08:49:37 GMT"
    private static let days: StaticString = "SunMonTueWedThuFriSat"
    private static let months: StaticString = "JanFebMarAprMayJunJulAugSepOctNovDec"
    /// The last second of the year 9999: the format has no room beyond.
    private static let lastSecond: Int64 = 253_402_300_799

    package init() {
        text = .allocate(capacity: Self.form.utf8CodeUnitCount)
        memcpy(text, Self.form.utf8Start, Self.form.utf8CodeUnitCount)
    }

    deinit { text.deallocate() }

    /// Valid until the next call.
    package func at(seconds: Int64) -> UnsafeRawBufferPointer {
        if seconds != second { work(out: seconds) }
        return UnsafeRawBufferPointer(start: text, count: Self.form.utf8CodeUnitCount)
    }

    private func work(out seconds: Int64) {
        second = seconds
        var time = time_t(min(max(0, seconds), Self.lastSecond))
        var parts = tm()
        gmtime_r(&time, &parts)
        memcpy(text, Self.days.utf8Start + 3 * Int(parts.tm_wday), 3)
        digits(parts.tm_mday, 2, at: 5)
        memcpy(text + 8, Self.months.utf8Start + 3 * Int(parts.tm_mon), 3)
        digits(parts.tm_year + 1900, 4, at: 12)
        digits(parts.tm_hour, 2, at: 17)
        digits(parts.tm_min, 2, at: 20)
        digits(parts.tm_sec, 2, at: 23)
    }

    private func digits(_ value: Int32, _ count: Int, at offset: Int) {
        var rest = value
        for index in stride(from: offset + count - 1, through: offset, by: -1) {
            text[index] = UInt8(0x30 + rest % 10)
            rest /= 10
        }
    }
}
