internal import Crypto

/// The secret that a process hashes its counters' names with, so that no outsider can aim at a cell.
package struct HashSeed: Equatable, Sendable {
    package let first: UInt64
    package let second: UInt64

    package init(_ first: UInt64, _ second: UInt64) {
        self.first = first
        self.second = second
    }

    package static func random() -> HashSeed { HashSeed(RandomBytes.uint64(), RandomBytes.uint64()) }
}

/// Which counter: 128 bits of a keyed hash over the rule and the values it counts apart.
///
/// Two different counters share one only by a collision of SipHash under a secret key. Never zero: that is an empty cell.
package struct CounterDigest: Equatable, Sendable {
    package let low: UInt64
    package let high: UInt64

    package init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = low | high == 0 ? 1 : high
    }
}

/// SipHash-2-4 with 128 bits of output, over whole words (Aumasson and Bernstein, "SipHash: a fast short-input PRF").
///
/// A value goes in as its length and then its bytes, zero-padded to a whole word: no two lists of values give the same
/// words, and no tail has to be carried. Trivial to copy, so a rule's part is hashed once and continued per call.
package struct CounterHasher: Sendable {
    private var v0: UInt64
    private var v1: UInt64
    private var v2: UInt64
    private var v3: UInt64
    private var words: UInt64 = 0

    package init(seed: HashSeed) {
        v0 = seed.first ^ 0x736f_6d65_7073_6575
        v1 = seed.second ^ 0x646f_7261_6e64_6f6d ^ 0xee
        v2 = seed.first ^ 0x6c79_6765_6e65_7261
        v3 = seed.second ^ 0x7465_6462_7974_6573
    }

    package mutating func absorb(_ value: UnsafeRawBufferPointer) {
        absorb(word: UInt64(value.count))
        var offset = 0
        while offset + 8 <= value.count {
            absorb(word: UInt64(littleEndian: value.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
            offset += 8
        }
        guard offset < value.count else { return }
        var rest: UInt64 = 0
        var shift: UInt64 = 0
        while offset < value.count {
            rest |= UInt64(value[offset]) << shift
            shift += 8
            offset += 1
        }
        absorb(word: rest)
    }

    package mutating func absorb(word: UInt64) {
        v3 ^= word
        round()
        round()
        v0 ^= word
        words &+= 1
    }

    package consuming func finish() -> CounterDigest {
        // The last block of SipHash is the length in bytes in its top byte; there are no left-over bytes here.
        let last = (words &* 8) << 56
        v3 ^= last
        round()
        round()
        v0 ^= last
        v2 ^= 0xee
        for _ in 0..<4 { round() }
        let low = v0 ^ v1 ^ v2 ^ v3
        v1 ^= 0xdd
        for _ in 0..<4 { round() }
        return CounterDigest(low: low, high: v0 ^ v1 ^ v2 ^ v3)
    }

    @inline(__always) private mutating func round() {
        v0 &+= v1
        v1 = rotated(v1, 13) ^ v0
        v0 = rotated(v0, 32)
        v2 &+= v3
        v3 = rotated(v3, 16) ^ v2
        v0 &+= v3
        v3 = rotated(v3, 21) ^ v0
        v2 &+= v1
        v1 = rotated(v1, 17) ^ v2
        v2 = rotated(v2, 32)
    }

    @inline(__always) private func rotated(_ word: UInt64, _ bits: UInt64) -> UInt64 {
        word &<< bits | word &>> (64 &- bits)
    }
}
