internal import Bytes
internal import Time

extension GRPCTimeout {
    /// The most bytes that `write` produces.
    package static let textBytesMax = 9

    /// Writes what is left in the finest unit that its eight digits can hold, rounded up so that a caller's last
    /// moment is not taken away, and returns how many bytes were written. What is up already is written as one
    /// nanosecond: the grammar has no zero.
    package static func write(_ remaining: Duration, to target: UnsafeMutableRawPointer) -> Int {
        let nanoseconds = UInt64(max(1, remaining.nanoseconds))
        let units: StaticString = "numSMH"
        var value = nanoseconds
        var step = 0
        // From nanoseconds up: µs, ms, s, min, h. Each value is computed from the nanoseconds, so rounding happens once.
        while value > 99_999_999 {
            step += 1
            let scale = scale(of: step)
            value = nanoseconds / scale + (nanoseconds % scale == 0 ? 0 : 1)
        }
        let digits = Decimal.write(value, to: target)
        target.storeBytes(of: units.utf8Start[step], toByteOffset: digits, as: UInt8.self)
        return digits + 1
    }

    /// The same as bytes of their own.
    package static func text(of remaining: Duration) -> [UInt8] {
        withUnsafeTemporaryAllocation(byteCount: textBytesMax, alignment: 1) { room in
            Array(room.prefix(write(remaining, to: room.baseAddress!)))
        }
    }

    /// Nanoseconds in the unit `step`. Int64's 292 years are under three million hours, so the last always fits.
    private static func scale(of step: Int) -> UInt64 {
        switch step {
        case 1: 1_000
        case 2: 1_000_000
        case 3: 1_000_000_000
        case 4: 60_000_000_000
        default: 3_600_000_000_000
        }
    }
}
