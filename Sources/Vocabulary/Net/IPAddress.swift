/// An IPv4 or IPv6 address as one 128-bit number.
///
/// IPv4 is held as IPv4-mapped IPv6 (`::ffff:a.b.c.d`, RFC 4291, section 2.5.5.2), so a client that reaches a
/// dual-stack socket over IPv4 is the same caller as on an IPv4 socket.
package struct IPAddress: Hashable, Sendable {
    package let bits: UInt128

    @inlinable package init(bits: UInt128) { self.bits = bits }

    @inlinable package init(v4 address: UInt32) { bits = Self.v4Prefix | UInt128(address) }

    /// From an `in_addr` (4 bytes) or `in6_addr` (16 bytes) as the kernel holds it; `nil` for any other length.
    package init?(networkBytes bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        var value: UInt128 = 0
        for byte in bytes { value = value << 8 | UInt128(byte) }
        bits = bytes.count == 4 ? Self.v4Prefix | value : value
    }

    @inlinable package var isV4: Bool { bits >> 32 == Self.v4Prefix >> 32 }

    @inlinable package var v4: UInt32 { UInt32(truncatingIfNeeded: bits) }

    @usableFromInline package static var v4Prefix: UInt128 { 0xffff << 32 }

    /// The sixteen bytes in network order, for hashing and counting per address.
    package func write(networkBytes target: UnsafeMutableRawPointer) {
        target.storeBytes(of: bits.bigEndian, as: UInt128.self)
    }
}
