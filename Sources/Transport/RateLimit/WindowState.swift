internal import Time

/// A counter of the rate-limit service in one 64-bit word: a fixed window that only grows.
///
///     31 bits: the window's number since 2020, from 1 (of seconds, to 2088) │ 33 bits: hits so far
///
/// Zero is a counter that was never used; all ones mark a cell that is being taken from its key (`CounterState.claimed`).
enum WindowState {
    static let sumBits: UInt64 = 33
    /// Above every limit, which is of 32 bits.
    static let sumMax: UInt64 = 1 << sumBits - 2
    static let numberMax: UInt64 = 1 << 31 - 1
    /// 2020-01-01T00:00Z.
    private static let firstSecond: UInt64 = 1_577_836_800

    static func number(_ word: UInt64) -> UInt64 { word >> sumBits }

    static func sum(_ word: UInt64) -> UInt64 { word & (1 << sumBits - 1) }

    /// Of the window of `seconds` that begins at `start`, in seconds since 1970.
    static func number(start: UInt64, seconds: UInt64) -> UInt64 {
        let number = start / seconds
        let first = firstSecond / seconds
        return number < first ? 1 : min(number - first + 1, numberMax)
    }

    /// What a counter becomes by `hits` in window `number`.
    ///
    /// One window back is a worker whose tick began before the window did; further back the clock was set.
    static func add(_ hits: UInt64, to word: UInt64, number: UInt64) -> UInt64 {
        let counted = self.number(word)
        let isLive = word != 0 && (counted == number || counted == number + 1)
        let (sum, overflow) = (isLive ? self.sum(word) : 0).addingReportingOverflow(hits)
        return (isLive ? counted : number) << sumBits | (overflow ? sumMax : min(sum, sumMax))
    }

    static func isRecovered(_ word: UInt64, seconds: UInt64, wall: WallTime) -> Bool {
        let second = wall.nanoseconds / 1_000_000_000
        return word != CounterState.claimed && number(word) < number(start: second / seconds * seconds, seconds: seconds)
    }
}
