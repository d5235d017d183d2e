import Testing

@testable import Bytes

@Suite struct ByteChainTests {
    private func append(_ bytes: [UInt8], to chain: inout ByteChain, _ pool: ChunkPool) {
        bytes.withUnsafeBytes { chain.append($0, from: pool) }
    }

    private func move(_ count: Int, from chain: inout ByteChain, _ pool: ChunkPool) -> [UInt8] {
        var output = ByteBuffer()
        chain.move(count, to: &output, pool: pool)
        return Array(output.readable)
    }

    static func pattern(_ count: Int, from start: Int = 0) -> [UInt8] {
        (start..<(start + count)).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
    }

    @Test(
        "bytes come out as they went in, whatever the portions, and every chunk goes back",
        arguments: [1, 7, 999, 1000, 1001, 16_424, 16_425, 100_000])
    func order(portion: Int) {
        let pool = ChunkPool()
        var chain = ByteChain()
        let bytes = Self.pattern(200_000)
        for start in stride(from: 0, to: bytes.count, by: portion) {
            append(Array(bytes[start..<min(start + portion, bytes.count)]), to: &chain, pool)
        }
        #expect(chain.count == bytes.count)
        var got: [UInt8] = []
        while !chain.isEmpty { got += move(min(12_345, chain.count), from: &chain, pool) }
        #expect(got == bytes)
        #expect(pool.bytesInUse == 0)
    }

    @Test("filling and emptying in turn keeps order and little memory")
    func interleaved() {
        let pool = ChunkPool()
        var chain = ByteChain()
        var written = 0
        var read: [UInt8] = []
        for turn in 0..<2000 {
            let count = turn * 37 % 3000
            append(Self.pattern(count, from: written), to: &chain, pool)
            written += count
            read += move(min(chain.count, 1500), from: &chain, pool)
        }
        read += move(chain.count, from: &chain, pool)
        #expect(read == Self.pattern(written))
        #expect(pool.bytesInUse == 0)
    }

    @Test(
        "chains that share read the same, whoever is done first, and what is large lies there once",
        arguments: [1, 511, 512, 1000, 20_000, 60_000], [true, false])
    func sharing(count: Int, ownerFirst: Bool) {
        let pool = ChunkPool()
        var (kept, first, second) = (ByteChain(), ByteChain(), ByteChain())
        append(Self.pattern(count), to: &kept, pool)
        let before = pool.bytesInUse
        first.append(sharing: kept, pool: pool)
        // What is added later is not seen by those who share what was there.
        append(Self.pattern(100, from: count), to: &kept, pool)
        second.append(sharing: kept, pool: pool)
        if count >= 20_000 { #expect(pool.bytesInUse < before + before / 2) }
        if ownerFirst { kept.removeAll(pool: pool) }
        #expect(move(first.count, from: &first, pool) == Self.pattern(count))
        #expect(move(second.count / 2, from: &second, pool) == Self.pattern((count + 100) / 2))
        kept.removeAll(pool: pool)
        #expect(move(second.count, from: &second, pool) == Self.pattern(count + 100 - (count + 100) / 2, from: (count + 100) / 2))
        #expect(pool.bytesInUse == 0)
    }

    @Test(
        "what is shared piece by piece, from wherever it was, comes out in order between bytes of one's own",
        arguments: [300, 700, 5000])
    func sharedPieces(size: Int) {
        let pool = ChunkPool()
        var (kept, out) = (ByteChain(), ByteChain())
        for piece in 0..<20 {
            let start = kept.count
            append(Self.pattern(size, from: piece * size), to: &kept, pool)
            if piece % 5 == 4 {
                append(Self.pattern(size, from: piece * size), to: &out, pool)
            } else {
                out.append(sharing: kept, from: start, pool: pool)
            }
        }
        #expect(out.count == 20 * size && kept.count == 20 * size)
        out.truncate(to: 19 * size + 1, pool: pool)
        kept.removeAll(pool: pool)
        #expect(move(out.count, from: &out, pool) == Self.pattern(19 * size + 1))
        #expect(pool.bytesInUse == 0)
    }

    @Test("nothing appended takes no chunk, and nothing moved gives none")
    func nothing() {
        let pool = ChunkPool()
        var chain = ByteChain()
        append([], to: &chain, pool)
        #expect(chain.isEmpty)
        #expect(pool.bytesInUse == 0)
        #expect(move(0, from: &chain, pool).isEmpty)
        chain.removeAll(pool: pool)
    }

    @Test("a small message takes a small chunk")
    func small() {
        let pool = ChunkPool()
        var chain = ByteChain()
        append([1], to: &chain, pool)
        #expect(pool.bytesInUse <= 1024)
        chain.removeAll(pool: pool)
        #expect(pool.bytesInUse == 0)
        // And can be used again.
        append([2, 3], to: &chain, pool)
        #expect(move(2, from: &chain, pool) == [2, 3])
    }

    @Test("looking at the chunks leaves the chain as it was")
    func chunks() {
        let pool = ChunkPool()
        var chain = ByteChain()
        let bytes = Self.pattern(40_000)
        append(bytes, to: &chain, pool)
        _ = move(100, from: &chain, pool)
        var seen: [UInt8] = []
        chain.forEachChunk { seen += $0 }
        #expect(seen == Array(bytes[100...]))
        #expect(chain.count == 39_900)
        #expect(move(chain.count, from: &chain, pool) == Array(bytes[100...]))
        #expect(pool.bytesInUse == 0)
    }

    @Test("what a burst took and gave back is kept up to a bound", arguments: [1000, 8 << 20])
    func burst(bytesEach: Int) {
        let pool = ChunkPool()
        for _ in 0..<2 {
            var chains = Array(repeating: ByteChain(), count: (16 << 20) / bytesEach)
            for index in chains.indices { append([UInt8](repeating: 1, count: bytesEach), to: &chains[index], pool) }
            #expect(pool.bytesInUse >= 16 << 20 - bytesEach && pool.freeBytes == 0)
            for index in chains.indices { chains[index].removeAll(pool: pool) }
            #expect(pool.bytesInUse == 0)
            // Eight mebibytes are a thousand bytes and then large chunks.
            #expect(pool.freeBytes >= 4 << 20 && pool.freeBytes < 5 << 20)
        }
        // And goes once it has been of no use for a while.
        for _ in 0..<20 { pool.trim() }
        #expect(pool.freeBytes < 512 << 10)
    }

    @Test(
        "what is cut off is gone, and what follows stands behind the rest",
        arguments: [0, 1, 999, 1000, 1001, 17_000, 49_999, 50_000, 60_000])
    func truncation(kept: Int) {
        let pool = ChunkPool()
        var chain = ByteChain()
        let bytes = Self.pattern(50_100)
        append(bytes, to: &chain, pool)
        _ = move(100, from: &chain, pool)
        let before = pool.bytesInUse
        chain.truncate(to: kept, pool: pool)
        let left = min(kept, 50_000)
        #expect(chain.count == left)
        #expect(pool.bytesInUse <= before - (50_000 - left) / 16_448 * 16_000)
        append([1, 2, 3], to: &chain, pool)
        #expect(move(chain.count, from: &chain, pool) == bytes[100..<(100 + left)] + [1, 2, 3])
        #expect(pool.bytesInUse == 0)
    }
}
