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
