internal import Glibc
package import Time

/// RFC 3339 timestamps with milliseconds, in UTC; the date is worked out once a second.
package struct TimestampCache {
    package static let bytes = 24

    private var second: Int64 = -1
    /// `2026-01-31T23:59:59.`
    private let prefix: UnsafeMutableRawPointer
    private static let prefixBytes = 20

    package init() { prefix = .allocate(byteCount: Self.prefixBytes, alignment: 1) }

    package func destroy() { prefix.deallocate() }

    /// Writes exactly `bytes` bytes.
    package mutating func write(_ time: WallTime, to target: UnsafeMutableRawPointer) {
        if time.seconds != second { work(out: time.seconds) }
        memcpy(target, prefix, Self.prefixBytes)
        let milliseconds = Int(time.nanoseconds / 1_000_000 % 1000)
        Self.digits(milliseconds, 3, target + Self.prefixBytes)
        target.storeBytes(of: UInt8(ascii: "Z"), toByteOffset: 23, as: UInt8.self)
    }

    private mutating func work(out second: Int64) {
        self.second = second
        let (days, rest) = second.quotientAndRemainder(dividingBy: 86_400)
        let (year, month, day) = CivilDate.date(ofDay: Int(days))
        Self.digits(min(year, 9999), 4, prefix)
        Self.digits(month, 2, prefix + 5)
        Self.digits(day, 2, prefix + 8)
        Self.digits(Int(rest) / 3600, 2, prefix + 11)
        Self.digits(Int(rest) / 60 % 60, 2, prefix + 14)
        Self.digits(Int(rest) % 60, 2, prefix + 17)
        for (offset, mark) in [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":"), (19, ".")] {
            prefix.storeBytes(of: mark.utf8.first!, toByteOffset: offset, as: UInt8.self)
        }
    }

    private static func digits(_ value: Int, _ count: Int, _ target: UnsafeMutableRawPointer) {
        var rest = value
        for index in stride(from: count - 1, through: 0, by: -1) {
            target.storeBytes(of: UInt8(truncatingIfNeeded: 0x30 + rest % 10), toByteOffset: index, as: UInt8.self)
            rest /= 10
        }
    }
}
