internal import Bytes

/// The seeded hash under which routes are found: 64 bits over raw bytes, folded multiplication by multiplication.
///
/// Keys come from the configuration and every hit is compared in full, so callers cannot make probes long; the seed only
/// keeps one process's layout from being known.
struct RouteHash {
    private(set) var state: UInt64

    @inline(__always)
    init(seed: UInt64) { state = seed }

    @inline(__always)
    mutating func add(_ word: UInt64) {
        let (high, low) = (state ^ word ^ 0xa076_1d64_78bd_642f).multipliedFullWidth(by: 0xe703_7ed1_a0b4_28db)
        state = high ^ low
    }

    /// Adds the bytes and their count, so that runs of bytes cannot be divided differently into the same hash.
    @inline(__always)
    mutating func add(_ bytes: BorrowedBytes) {
        var index = 0
        while bytes.count - index >= 8 {
            add(bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            index += 8
        }
        var tail = UInt64(truncatingIfNeeded: bytes.count) << 56
        var shift: UInt64 = 0
        while index < bytes.count {
            tail |= UInt64(bytes[index]) << shift
            shift += 8
            index += 1
        }
        add(tail)
    }
}
