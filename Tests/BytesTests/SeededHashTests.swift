import Testing

@testable import Bytes

@Suite struct SeededHashTests {
    static let hash = SeededHash(
        secrets: (0x9E37_79B9_7F4A_7C15, 0xA076_1D64_78BD_642F, 0xE703_7ED1_A0B4_28DB, 0x8EBC_6AF0_9C88_C6E3))

    func hash(_ bytes: [UInt8], _ hash: SeededHash = hash) -> UInt64 { bytes.withUnsafeBytes { hash.hash($0) } }

    @Test("every length up to three blocks, and every single changed bit in it, has a hash of its own")
    func everyBitCounts() {
        var seen = Set<UInt64>()
        var texts = 0
        for length in 0...150 {
            var bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
            seen.insert(hash(bytes))
            texts += 1
            for index in bytes.indices {
                for bit in 0..<8 {
                    bytes[index] ^= 1 << bit
                    seen.insert(hash(bytes))
                    texts += 1
                    bytes[index] ^= 1 << bit
                }
            }
        }
        #expect(seen.count == texts)
    }

    @Test("zeros of different lengths differ, and so do the same bytes under another seed")
    func seeds() {
        #expect(Set((0..<200).map { hash(Array(repeating: 0, count: $0)) }).count == 200)
        let other = SeededHash(secrets: (1, 2, 3, 4))
        #expect(hash(Array("token".utf8)) != hash(Array("token".utf8), other))
    }

    @Test("the low bits, which choose a bucket, are spread evenly")
    func spread() {
        var buckets = [Int](repeating: 0, count: 64)
        for number in 0..<64_000 { buckets[Int(hash(Array("eyJhbGciOiJSUzI1NiJ9.\(number)".utf8)) & 63)] += 1 }
        #expect(buckets.allSatisfy { $0 > 850 && $0 < 1150 })
    }

    @Test("the same bytes at another address hash alike")
    func unaligned() {
        let text = (0..<100).map { UInt8($0) }
        for shift in 0..<16 {
            let moved = Array(repeating: 0xFF, count: shift) + text
            moved.withUnsafeBytes {
                #expect(Self.hash.hash(UnsafeRawBufferPointer(rebasing: $0[shift...])) == hash(text))
            }
        }
    }
}
