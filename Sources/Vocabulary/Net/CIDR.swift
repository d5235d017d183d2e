internal import Bytes

/// A block of addresses, such as `10.0.0.0/8` or `2001:db8::/32`; an address alone is a block of one.
package struct CIDR: Hashable, Sendable {
    package let first: IPAddress
    package let last: IPAddress

    /// What is wrong with a text that should have been a block.
    package enum Mistake: Error, Equatable {
        case notAnAddress
        case prefixLength(max: Int)
        /// Bits behind the prefix are set; `suggestion` is the block that contains the address.
        case hostBits(suggestion: String)

        /// What a configuration message says was expected.
        package var expected: String {
            switch self {
            case .notAnAddress: "an address or a block such as 10.0.0.0/8 or 2001:db8::/32"
            case .prefixLength(let max): "a prefix length from 0 to \(max)"
            case .hostBits(let suggestion): "the first address of a block, such as \(suggestion)"
            }
        }
    }

    package init(_ text: String) throws(Mistake) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = IPAddress(String(parts[0])) else { throw .notAnAddress }
        // A mapped address may be written as IPv6 too; its prefix then counts all 128 bits.
        let isDotted = !parts[0].contains(":")
        let lengthMax = isDotted ? 32 : 128
        var length = lengthMax
        if parts.count == 2 {
            guard parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), parts[1].utf8.count <= 3,
                let written = Untrusted<Int>(decimal: parts[1].utf8)?.exactly(in: 0...lengthMax)
            else { throw .prefixLength(max: lengthMax) }
            length = written
        }
        let hostBitCount = lengthMax - length
        let hostBits: UInt128 = hostBitCount == 128 ? .max : (1 << UInt128(hostBitCount)) - 1
        guard address.bits & hostBits == 0 else {
            throw .hostBits(suggestion: "\(IPAddress(bits: address.bits & ~hostBits))/\(length)")
        }
        first = address
        last = IPAddress(bits: address.bits | hostBits)
    }
}

/// Blocks made ready for asking: disjoint ranges in order, searched by halves.
///
/// IPv6 blocks wider than the IPv4-mapped range do not take IPv4 with them: `::/0` is every IPv6 address and no other.
package struct CIDRSet: Sendable {
    private let ranges: [ClosedRange<UInt128>]

    package static let empty = CIDRSet([])

    package init(_ blocks: [CIDR]) {
        let mapped = IPAddress(v4: 0).bits...IPAddress(v4: .max).bits
        var pieces: [ClosedRange<UInt128>] = []
        for block in blocks {
            let low = block.first.bits, high = block.last.bits
            if low < mapped.lowerBound, high > mapped.upperBound {
                pieces.append(low...mapped.lowerBound - 1)
                pieces.append(mapped.upperBound + 1...high)
            } else {
                pieces.append(low...high)
            }
        }
        pieces.sort { $0.lowerBound < $1.lowerBound }
        var merged: [ClosedRange<UInt128>] = []
        for piece in pieces {
            if let last = merged.last, piece.lowerBound <= last.upperBound {
                merged[merged.count - 1] = last.lowerBound...max(last.upperBound, piece.upperBound)
            } else {
                merged.append(piece)
            }
        }
        ranges = merged
    }

    package var isEmpty: Bool { ranges.isEmpty }

    package func contains(_ address: IPAddress) -> Bool {
        var low = 0, high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            let range = ranges[middle]
            if address.bits < range.lowerBound {
                high = middle
            } else if address.bits > range.upperBound {
                low = middle + 1
            } else {
                return true
            }
        }
        return false
    }
}
