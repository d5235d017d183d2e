internal import Time

/// The two-window weighted count: what was used in the window before counts by the share of it that a window sliding with the clock still
/// covers.
///
/// The share is a whole number of 65,536ths and is rounded up, as `RedisScript` does it in Lua's numbers.
struct SlidingWindow {
    let place: WindowSchedule.Place
    /// Hits of the window before.
    let previous: UInt64
    private let millisecond: UInt64

    init(_ place: WindowSchedule.Place, previous: UInt64, wall: WallTime) {
        self.place = place
        self.previous = previous
        millisecond = wall.nanoseconds / 1_000_000
    }

    private static let one: UInt64 = 65_536
    private var endMillisecond: UInt64 { place.end * 1000 }
    private var length: UInt64 { place.length * 1000 }

    /// Milliseconds to the end of the present window.
    private var left: UInt64 { endMillisecond > millisecond ? min(endMillisecond - millisecond, length) : 0 }

    /// Hits of the window before that still count, rounded up.
    var carried: UInt64 {
        guard previous > 0 else { return 0 }
        let share = Self.roundedUp(left * Self.one, length)
        return Self.roundedUp(previous * share, Self.one)
    }

    /// How long until `wanted` hits more fit, where no other call comes, in nanoseconds.
    ///
    /// - Parameter used: in the present window.
    func wait(for wanted: UInt64, used: UInt64, capacity: UInt64) -> UInt64 {
        if used + wanted <= capacity {
            let most = whileCarrying(previous, capacity - used - wanted, of: length)
            return nanoseconds(left > most ? left - most : 0)
        }
        // What is used now is what the next window carries.
        let nextLength = (place.next - place.end) * 1000
        return nanoseconds(left + nextLength - whileCarrying(used, capacity - wanted, of: nextLength))
    }

    /// The most that may be left of a window, in milliseconds, so that `hits` of the one before count `room` at most.
    private func whileCarrying(_ hits: UInt64, _ room: UInt64, of length: UInt64) -> UInt64 {
        guard hits > room else { return length }
        return room * Self.one / hits * length / Self.one
    }

    private func nanoseconds(_ milliseconds: UInt64) -> UInt64 { milliseconds * 1_000_000 }

    private static func roundedUp(_ number: UInt64, _ divisor: UInt64) -> UInt64 { (number + divisor - 1) / divisor }
}
