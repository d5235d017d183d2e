import Testing

@testable internal import Bytes

@Suite struct GatherBufferTests {
    private let pool = ChunkPool()

    private func contents(_ buffer: borrowing GatherBuffer) -> [UInt8] {
        var bytes: [UInt8] = []
        buffer.forEachPiece { bytes += $0 }
        return bytes
    }

    private func pattern(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) } }

    @Test("what is taken comes out in order, whether chunks are taken over or copied", arguments: [true, false])
    func order(takesChunks: Bool) {
        let body = pattern(100_000)
        var chain = ByteChain()
        body.withUnsafeBytes { chain.append($0, from: pool) }
        var buffer = GatherBuffer(capacity: 16, takesChunks: takesChunks)
        var expected: [UInt8] = []
        var start = 0
        for amount in [9, 16_384, 5000, 1, 4095, 40_000, 16_384, 18_127] {
            buffer.bytes.append("head")
            buffer.take(amount, from: &chain, pool: pool)
            expected += Array("head".utf8) + body[start..<start + amount]
            start += amount
        }
        buffer.bytes.append("end")
        #expect(start == body.count && chain.isEmpty)
        #expect(contents(buffer) == expected + Array("end".utf8))
        #expect(buffer.count == expected.count + 3)
        #expect(buffer.isContiguous == !takesChunks)
        buffer.removeAll()
        #expect(buffer.count == 0 && contents(buffer).isEmpty)
        #expect(pool.bytesInUse == 0)
    }

    @Test("a chunk taken over keeps its bytes while its pool lends others")
    func kept() {
        let body = pattern(16_384)
        var chain = ByteChain()
        body.withUnsafeBytes { chain.append($0, from: pool) }
        var buffer = GatherBuffer(capacity: 16, takesChunks: true)
        buffer.take(body.count, from: &chain, pool: pool)
        var other = ByteChain()
        Array(repeating: UInt8(7), count: 50_000).withUnsafeBytes { other.append($0, from: pool) }
        #expect(contents(buffer) == body)
        other.removeAll(pool: pool)
        buffer.removeAll()
        #expect(pool.bytesInUse == 0)
    }

    @Test("a buffer that ends gives back what it has")
    func ended() {
        do {
            var chain = ByteChain()
            pattern(16_384).withUnsafeBytes { chain.append($0, from: pool) }
            var buffer = GatherBuffer(capacity: 16, takesChunks: true)
            buffer.take(chain.count, from: &chain, pool: pool)
            #expect(pool.bytesInUse > 0)
        }
        #expect(pool.bytesInUse == 0)
    }
}
