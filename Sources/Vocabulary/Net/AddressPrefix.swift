internal import Bytes

/// How much of a client's address counts where limits count by address: a client with one IPv6 address mostly has the whole /64
/// (RFC 6177, section 2), and each address would be a fresh counter.
package struct AddressPrefix: Sendable, Equatable {
    /// In bits, 0 to 32.
    package var ipv4 = 32
    /// In bits, 0 to 128.
    package var ipv6 = 64

    package init(ipv4: Int = 32, ipv6: Int = 64) {
        self.ipv4 = ipv4
        self.ipv6 = ipv6
    }

    /// The longest text that `write` makes.
    package static var textBytesMax: Int { IPAddress.textBytesMax + 4 }

    /// The network that stands for an address.
    package func network(of address: IPAddress) -> IPAddress {
        let address = Self.translated(address)
        let hostBits = address.isV4 ? 32 - ipv4 : 128 - ipv6
        return IPAddress(bits: address.bits & ~((UInt128(1) << UInt128(hostBits)) &- 1))
    }

    /// Writes an address where all of it counts, else its network with the length behind a slash.
    /// - Returns: how many bytes were written, `textBytesMax` at most.
    package func write(_ address: IPAddress, to target: UnsafeMutableRawPointer) -> Int {
        let network = network(of: address)
        let (bits, all) = network.isV4 ? (ipv4, 32) : (ipv6, 128)
        var count = network.write(to: target)
        guard bits < all else { return count }
        target.storeBytes(of: UInt8(ascii: "/"), toByteOffset: count, as: UInt8.self)
        count += 1
        return count + Decimal.write(UInt64(bits), to: target + count)
    }

    /// What `write` makes of an address; the bytes last as long as `body` runs.
    package func withText<Result>(_ address: IPAddress, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withUnsafeTemporaryAllocation(byteCount: Self.textBytesMax, alignment: 1) { text in
            guard let start = text.baseAddress else { return body(UnsafeRawBufferPointer(text)) }
            return body(UnsafeRawBufferPointer(start: start, count: write(address, to: start)))
        }
    }

    /// The IPv4 address that a translator has put into `64:ff9b::/96` (RFC 6052, section 2.1): all of IPv4 is in one /64 there.
    private static func translated(_ address: IPAddress) -> IPAddress {
        address.bits >> 32 == UInt128(0x0064_ff9b) << 64 ? IPAddress(v4: address.v4) : address
    }
}
