internal import Glibc

/// An IPv4 or IPv6 address, its bytes in network order.
package struct IPAddress: Sendable, Hashable {
    /// Four or sixteen.
    package let bytes: [UInt8]

    package init?(bytes: [UInt8]) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.bytes = bytes
    }

    /// `10.0.0.1` without leading zeros, or IPv6 as in RFC 4291, section 2.2, without brackets and without a zone.
    package init?(_ text: some StringProtocol) {
        var storage = [UInt8](repeating: 0, count: 16)
        let text = String(text)
        guard !text.utf8.contains(0) else { return nil }
        let isV6 = text.utf8.contains(UInt8(ascii: ":"))
        guard inet_pton(isV6 ? AF_INET6 : AF_INET, text, &storage) == 1 else { return nil }
        bytes = isV6 ? storage : Array(storage.prefix(4))
    }

    package var isV6: Bool { bytes.count == 16 }

    /// `0.0.0.0` or `::`.
    package var isUnspecified: Bool { bytes.allSatisfy { $0 == 0 } }
}

extension IPAddress: CustomStringConvertible {
    package var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(isV6 ? AF_INET6 : AF_INET, bytes, &text, socklen_t(text.count)) != nil else { return "" }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

/// A block of addresses, `10.0.0.0/8`: those whose first `prefixLength` bits are the block's. (RFC 4632, section 3.1.)
package struct AddressBlock: Sendable, Hashable {
    package let address: IPAddress
    package let prefixLength: Int

    /// `nil` where the prefix is longer than the address. Bits behind the prefix are cleared.
    package init?(_ address: IPAddress, prefixLength: Int) {
        guard prefixLength >= 0, prefixLength <= address.bytes.count * 8 else { return nil }
        var bytes = address.bytes
        for index in bytes.indices {
            let kept = min(8, max(0, prefixLength - index * 8))
            bytes[index] &= UInt8(truncatingIfNeeded: 0xFF00 >> kept)
        }
        guard let cleared = IPAddress(bytes: bytes) else { return nil }
        self.address = cleared
        self.prefixLength = prefixLength
    }

    package func contains(_ other: IPAddress) -> Bool {
        guard other.bytes.count == address.bytes.count else { return false }
        return AddressBlock(other, prefixLength: prefixLength) == self
    }
}

extension AddressBlock: CustomStringConvertible {
    package var description: String { "\(address)/\(prefixLength)" }
}

extension Grammar where Value == AddressBlock {
    /// `10.0.0.0/8`, `2001:db8::/32`, or one address. A block that is written with bits behind its prefix is refused:
    /// it is not clear which was meant.
    package static var addressBlock: Grammar {
        Grammar(expected: "an address or a block of addresses such as 10.0.0.0/8") { (text: String) in
            let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            guard let address = IPAddress(parts[0]) else { return .mismatch }
            let bits = address.bytes.count * 8
            guard parts.count == 2 else { return Reading(AddressBlock(address, prefixLength: bits)) }
            guard parts[1].utf8.allSatisfy(Letters.isDigit), let length = Number.count(parts[1]),
                let block = AddressBlock(address, prefixLength: length)
            else { return .mismatch }
            return block.address == address ? .value(block) : .expected(Quoted.text(block.description))
        }
    }
}
