internal import CLinux

/// A point on the monotonic clock, in nanoseconds. Comparable only within one boot.
@usableFromInline package struct Instant: Comparable, Hashable, Sendable {
    @usableFromInline package var nanoseconds: UInt64

    @inlinable package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    package static func now() -> Instant { Instant(nanoseconds: linux_monotonic_nanoseconds()) }

    /// Later than every instant a clock shows: "no deadline".
    package static let distantFuture = Instant(nanoseconds: .max)

    /// Without asking `Equatable`, whose `!=` is not specialised in other modules.
    @inlinable package var isDistantFuture: Bool { nanoseconds == .max }

    @inlinable package static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }

    /// Saturates at the far ends.
    package static func + (instant: Instant, duration: Duration) -> Instant {
        let delta = duration.nanoseconds
        if delta >= 0 {
            let (sum, overflow) = instant.nanoseconds.addingReportingOverflow(UInt64(delta))
            return Instant(nanoseconds: overflow ? .max : sum)
        }
        let less = delta.magnitude
        return Instant(nanoseconds: instant.nanoseconds > less ? instant.nanoseconds - less : 0)
    }

    /// Nanoseconds from `earlier` to here; zero where `earlier` is later.
    @inlinable package func nanoseconds(since earlier: Instant) -> UInt64 {
        nanoseconds > earlier.nanoseconds ? nanoseconds - earlier.nanoseconds : 0
    }
}

/// A point in civil time: nanoseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
package struct WallTime: Comparable, Hashable, Sendable {
    package var nanoseconds: UInt64

    package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }
    /// Saturates at 1970 and at the end of 64 bits, in 2554.
    package init(seconds: Int64) {
        let (product, overflow) = UInt64(max(0, seconds)).multipliedReportingOverflow(by: 1_000_000_000)
        nanoseconds = overflow ? .max : product
    }

    package static func now() -> WallTime { WallTime(nanoseconds: linux_wall_nanoseconds()) }

    /// Whole seconds since the epoch, rounded down: what JWT's NumericDate is compared with.
    package var seconds: Int64 { Int64(nanoseconds / 1_000_000_000) }

    package static func < (left: WallTime, right: WallTime) -> Bool { left.nanoseconds < right.nanoseconds }
}

extension Duration {
    /// Whole nanoseconds, saturating at the ends of Int64 (292 years).
    package var nanoseconds: Int64 {
        // `components` traps where its seconds do not fit.
        if self >= .nanoseconds(Int64.max) { return .max }
        if self <= .nanoseconds(Int64.min) { return .min }
        let (seconds, attoseconds) = components
        return seconds &* 1_000_000_000 &+ attoseconds / 1_000_000_000
    }
}
