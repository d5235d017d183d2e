import Testing

@testable internal import Bytes

@Suite("Read buffers that bodies hold")
struct HeldBufferTests {
    private let pool = ChunkPool()

    private func fill(_ buffer: ReadBuffer) {
        for index in 0..<buffer.memory.count { buffer.memory[index] = UInt8(truncatingIfNeeded: index &* 31 &+ index >> 8) }
    }

    private func read(_ chain: inout ByteChain, _ count: Int) -> [UInt8] {
        var output = ByteBuffer()
        chain.move(count, to: &output, pool: pool)
        return Array(output.readable)
    }

    @Test("a chunk's header has the size that code in other modules counts on")
    func header() {
        #expect(MemoryLayout<Chunk>.stride == Chunk.headerBytes)
    }

    @Test("what is large stays where it arrived, what is small is copied, and both come out in order")
    func order() {
        var buffer = pool.acquireReadBuffer()
        fill(buffer)
        let all = buffer.first(60_000)
        var chain = ByteChain()
        var start = 0
        for size in [9, 4095, 4096, 16_384, 100, 35_316] {
            let before = buffer.isHeld
            chain.append(BufferSlice(BorrowedBytes(rebasing: all.bytes[start..<start + size]), in: buffer), from: pool)
            #expect(buffer.isHeld == (before || size >= 4096))
            start += size
        }
        let expected = Array(all.bytes)
        let first = buffer
        pool.exchangeIfHeld(&buffer)
        #expect(buffer != first && pool.bytesInUse > ChunkPool.readBufferBytes)
        for index in 0..<buffer.memory.count { buffer.memory[index] = 0 }
        var got: [UInt8] = []
        while !chain.isEmpty { got += read(&chain, min(7000, chain.count)) }
        #expect(got == expected)
        #expect(pool.bytesInUse == 0)
        let second = buffer
        pool.exchangeIfHeld(&buffer)
        #expect(buffer == second)
        pool.release(buffer)
        #expect(pool.bytesInUse == 0)
    }

    @Test("a gather buffer takes parts of what is held without a copy, cut wherever frames end", arguments: [true, false])
    func parts(takesChunks: Bool) {
        var buffer = pool.acquireReadBuffer()
        fill(buffer)
        let expected = Array(buffer.first(50_000).bytes)
        var chain = ByteChain()
        chain.append(buffer.first(50_000), from: pool)
        pool.exchangeIfHeld(&buffer)
        var output = GatherBuffer(capacity: 16, takesChunks: takesChunks)
        for amount in [16_384, 10_000, 5, 16_384, 7227] { output.take(amount, from: &chain, pool: pool) }
        #expect(chain.isEmpty && output.count == 50_000)
        // The five bytes are copied, and so is what is left too small.
        #expect(takesChunks == (output.bytes.count == 5))
        var got: [UInt8] = []
        output.forEachPiece { got += $0 }
        #expect(got == expected)
        #expect((pool.bytesInUse > 0) == takesChunks)
        output.removeAll()
        #expect(pool.bytesInUse == 0)
        pool.release(buffer)
    }

    @Test("bodies hold no more than so many buffers, however slowly they are read: what comes then is copied")
    func bound() {
        var chains: [ByteChain] = []
        var buffer = pool.acquireReadBuffer()
        let copies = 8
        for _ in 0..<pool.heldBuffersMax + copies {
            var chain = ByteChain()
            chain.append(buffer.first(4096), from: pool)
            chains.append(chain)
            pool.exchangeIfHeld(&buffer)
        }
        #expect(!buffer.isHeld)
        #expect(pool.bytesInUse == pool.heldBuffersMax * ChunkPool.readBufferBytes + copies * 16_384)
        // One that is free again may be held again.
        chains[0].removeAll(pool: pool)
        chains[0].append(buffer.first(4096), from: pool)
        #expect(buffer.isHeld)
        for index in chains.indices { chains[index].removeAll(pool: pool) }
        #expect(pool.bytesInUse == 0)
        pool.release(buffer)
        // Free ones are kept up to a bound, and go back in quiet moments.
        #expect(pool.freeBytes <= 16 * (ChunkPool.readBufferBytes + 32) + copies * (16_384 + 32))
        for _ in 0..<12 { pool.trim() }
        #expect(pool.freeBytes < 1 << 20)
    }

    @Test("what shares a body shares the buffer, and the last reader gives it back", arguments: [true, false])
    func shared(keptFirst: Bool) {
        var buffer = pool.acquireReadBuffer()
        fill(buffer)
        let expected = Array(buffer.first(20_000).bytes)
        var (kept, sent) = (ByteChain(), ByteChain())
        kept.append(buffer.first(12_000), from: pool)
        kept.append(buffer.first(20_000).dropFirst(12_000), from: pool)
        sent.append(sharing: kept, from: 5000, pool: pool)
        pool.exchangeIfHeld(&buffer)
        #expect(pool.bytesInUse == ChunkPool.readBufferBytes)
        if keptFirst { kept.removeAll(pool: pool) }
        #expect(read(&sent, 15_000) == Array(expected[5000...]))
        kept.removeAll(pool: pool)
        #expect(pool.bytesInUse == 0)
        pool.release(buffer)
    }
}
