/// Signed numbers as `sint32` and `sint64` have them on the wire: small magnitudes are small.
package enum ZigZag {
    @inline(__always)
    package static func encode(_ value: Int64) -> UInt64 { UInt64(bitPattern: value << 1 ^ value >> 63) }

    @inline(__always)
    package static func decode(_ raw: UInt64) -> Int64 { Int64(bitPattern: raw >> 1) ^ -Int64(bitPattern: raw & 1) }
}

/// How many bytes a varint takes.
package enum Varint {
    @inline(__always)
    package static func width(_ value: UInt64) -> Int { (70 - (value | 1).leadingZeroBitCount) / 7 }

    /// Writes `value`, at most ten bytes, and returns where it ends.
    @inline(__always)
    package static func write(_ value: UInt64, to target: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
        var value = value
        var target = target
        while value > 127 {
            target[0] = UInt8(truncatingIfNeeded: value) | 0x80
            target += 1
            value >>= 7
        }
        target[0] = UInt8(truncatingIfNeeded: value)
        return target + 1
    }
}
