import Bytes
import Testing

@testable import Bridging

@Suite("What compresses bodies")
struct CompressionPoolTests {
    private struct Missing: Error {}

    @Test("no more bodies are read at once than the limit, and what was given back serves the next")
    func inflaters() throws {
        var room = CompressionPool()
        var taken: [BodyInflater] = []
        while let inflater = room.takeInflater(bytesMax: 100) { taken.append(inflater) }
        #expect(taken.count == CompressionPool.inflatersMax)
        room.give(taken.removeLast())
        while let inflater = room.takeInflater(bytesMax: 100) { taken.append(inflater) }
        #expect(taken.count == CompressionPool.inflatersMax)
    }

    @Test("no more answers are compressed at once than the limit, others go as they are")
    func deflaters() throws {
        var room = CompressionPool()
        var taken: [BodyDeflater] = []
        while let deflater = room.takeDeflater() { taken.append(deflater) }
        #expect(taken.count == CompressionPool.deflatersMax)
        room.give(taken.removeLast())
        while let deflater = room.takeDeflater() { taken.append(deflater) }
        #expect(taken.count == CompressionPool.deflatersMax)
    }

    @Test("what is held for bodies counts as memory of bodies")
    func memory() throws {
        var room = CompressionPool()
        let chunks = ChunkPool()
        room.memory = chunks
        guard let deflater = room.takeDeflater(), let inflater = room.takeInflater(bytesMax: 1) else { throw Missing() }
        #expect(chunks.bytesInUse == BodyDeflater.bytes + BodyInflater.bytes)
        room.give(deflater)
        room.give(inflater)
        #expect(chunks.bytesInUse == 0)
    }

    @Test("a body is readable as far as it came once it is flushed, and whole at its end")
    func flushing() throws {
        var room = CompressionPool()
        guard let deflater = room.takeDeflater(), let inflater = room.takeInflater(bytesMax: 100) else { throw Missing() }
        let compressor = AnswerCompressor(deflater)
        var packed = ByteBuffer()
        var plain = ByteBuffer()
        var sent = 0
        for text: [UInt8] in [[1, 2, 3], [4]] {
            text.withUnsafeBytes { compressor.compress($0, into: &packed) }
            #expect(compressor.isHolding)
            compressor.flush(into: &packed)
            #expect(!compressor.isHolding)
            try inflater.feed(packed.readable, into: &plain)
            sent += packed.count
            packed.removeAll()
        }
        #expect(Array(plain.readable) == [1, 2, 3, 4])
        #expect(throws: ConversionFailure.self) { try inflater.end() }
        compressor.end(into: &packed)
        try inflater.feed(packed.readable, into: &plain)
        try inflater.end()
        #expect(compressor.flow.take(sent + packed.count) == 4, "what came is given back once all has gone out")
    }

    @Test("one that is used again knows nothing of the body before")
    func again() throws {
        var room = CompressionPool()
        for text: [UInt8] in [[1, 2, 3], [4], []] {
            guard let deflater = room.takeDeflater(), let inflater = room.takeInflater(bytesMax: 100) else {
                throw Missing()
            }
            var packed = ByteBuffer()
            text.withUnsafeBytes { deflater.feed($0, isLast: false, into: &packed) }
            deflater.feed(UnsafeRawBufferPointer(start: nil, count: 0), isLast: true, into: &packed)
            room.give(deflater)
            var plain = ByteBuffer()
            try inflater.feed(packed.readable, into: &plain)
            try inflater.end()
            #expect(Array(plain.readable) == text)
            // A body that was given up in its middle leaves nothing behind.
            try inflater.feed(UnsafeRawBufferPointer(rebasing: packed.readable.prefix(12)), into: &plain)
            #expect(throws: ConversionFailure.self) { try inflater.end() }
            room.give(inflater)
        }
    }
}
