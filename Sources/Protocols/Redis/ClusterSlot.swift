/// One of the 16,384 parts that a cluster's keys fall into (Redis cluster specification, "Key distribution model").
package struct ClusterSlot: Hashable, Sendable {
    package static let count = 16384

    package let number: UInt16

    /// `nil` where there is no such slot.
    package init?(_ number: Int) {
        guard 0 <= number, number < Self.count else { return nil }
        self.number = UInt16(truncatingIfNeeded: number)
    }

    /// Of a key: what stands between its first `{` and the next `}` decides, where that is not empty; else the whole key.
    package init(of key: UnsafeRawBufferPointer) {
        var tag = key
        if let open = key.firstIndex(of: UInt8(ascii: "{")) {
            let rest = key[(open + 1)...]
            if let close = rest.firstIndex(of: UInt8(ascii: "}")), close > open + 1 {
                tag = UnsafeRawBufferPointer(rebasing: key[(open + 1)..<close])
            }
        }
        number = Self.checksum(tag) % UInt16(Self.count)
    }

    /// CRC-16 with the polynomial x¹⁶ + x¹² + x⁵ + 1, from zero, the high bit first (XMODEM).
    private static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt16 {
        var sum: UInt16 = 0
        for byte in bytes {
            // A table's entry worked out: as quick, and nothing to keep.
            var x = UInt16(byte) ^ (sum >> 8)
            x ^= x >> 4
            sum = (sum << 8) ^ (x << 12) ^ (x << 5) ^ x
        }
        return sum
    }
}
