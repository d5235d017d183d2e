import Telemetry
import Time

/// Times as text.
enum TimeText {
    /// `2026-01-31T23:59:59Z`; for years up to 9999.
    static func absolute(_ second: Int64) -> String {
        var cache = TimestampCache()
        defer { cache.destroy() }
        let text = withUnsafeTemporaryAllocation(byteCount: TimestampCache.bytes, alignment: 1) { target in
            cache.write(WallTime(seconds: second), to: target.baseAddress!)
            return String(decoding: target, as: UTF8.self)
        }
        return text.prefix(19) + "Z"
    }

    /// `in 59 minutes`, `3 days ago`, `now`.
    static func relative(_ second: Int64, to now: Int64) -> String {
        let (distance, overflow) = second.subtractingReportingOverflow(now)
        if overflow { return second > now ? "in the far future" : "in the far past" }
        if distance == 0 { return "now" }
        let words = words(distance.magnitude)
        return distance > 0 ? "in \(words)" : "\(words) ago"
    }

    /// The two largest units that are not zero.
    private static func words(_ seconds: UInt64) -> String {
        let units: [(String, UInt64)] = [("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)]
        var rest = seconds
        var parts: [String] = []
        for (name, size) in units where parts.count < 2 {
            let count = rest / size
            rest %= size
            if count > 0 { parts.append("\(count) \(name)\(count == 1 ? "" : "s")") } else if !parts.isEmpty { break }
        }
        return parts.joined(separator: " ")
    }
}
