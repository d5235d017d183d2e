/// A fast hash of bytes for tables in memory: 16 bytes a multiplication, in three lanes (after wyhash).
///
/// All four secrets must be random and kept: with known ones, texts can be made whose hashes are equal under any seed.
/// Not a digest: where hashes are equal, the bytes are compared.
@frozen @usableFromInline package struct SeededHash: Sendable {
    @usableFromInline let a: UInt64
    @usableFromInline let b: UInt64
    @usableFromInline let c: UInt64
    @usableFromInline let d: UInt64

    package init(secrets: (UInt64, UInt64, UInt64, UInt64)) {
        (a, b, c, d) = secrets
    }

    @inlinable package func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        guard let base = bytes.baseAddress else { return Self.mix(a, b) }
        var seed = a
        var at = base
        var left = bytes.count
        if left > 48 {
            var second = a
            var third = a
            repeat {
                seed = Self.mix(Self.word(at) ^ b, Self.word(at + 8) ^ seed)
                second = Self.mix(Self.word(at + 16) ^ c, Self.word(at + 24) ^ second)
                third = Self.mix(Self.word(at + 32) ^ d, Self.word(at + 40) ^ third)
                at += 48
                left -= 48
            } while left > 48
            seed ^= second ^ third
        }
        while left > 16 {
            seed = Self.mix(Self.word(at) ^ b, Self.word(at + 8) ^ seed)
            at += 16
            left -= 16
        }
        // The last 16 bytes or fewer; overlapping reads, never beyond the end.
        var low: UInt64 = 0
        var high: UInt64 = 0
        if left >= 8 {
            low = Self.word(at)
            high = Self.word(at + left - 8)
        } else if left >= 4 {
            low = UInt64(at.loadUnaligned(as: UInt32.self))
            high = UInt64((at + left - 4).loadUnaligned(as: UInt32.self))
        } else if left > 0 {
            low = UInt64(at.load(as: UInt8.self))
            high = UInt64((at + left / 2).load(as: UInt8.self)) << 8 | UInt64((at + left - 1).load(as: UInt8.self))
        }
        let last = Self.mix(low ^ b, high ^ seed)
        return Self.mix(last ^ c, UInt64(bytes.count) ^ d)
    }

    @inlinable static func word(_ at: UnsafeRawPointer) -> UInt64 { at.loadUnaligned(as: UInt64.self) }

    @inlinable static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let (high, low) = left.multipliedFullWidth(by: right)
        return high ^ low
    }
}
