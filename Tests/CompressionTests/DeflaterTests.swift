import Random
import Testing

@testable import Compression

@Suite("Writing gzip")
struct DeflaterTests {
    private var noise: [UInt8] {
        var random = RandomGenerator(seed: 11)
        return (0..<50_000).map { _ in UInt8.random(in: 97...105, using: &random) }
    }

    @Test("what was written is read again", arguments: [Deflater.Size.large, .small], [7, 4096, 1 << 20])
    func roundTrip(size: Deflater.Size, room: Int) throws {
        let packed = gzip([noise, [], noise], size, room: room)
        #expect(packed.count < 70_000)
        #expect(try gunzip(packed) == noise + noise)
        #expect(try gunzip(gzip([], size, room: room)) == [])
    }

    @Test("what was flushed can be read before anything follows")
    func flush() throws {
        var deflater = Deflater(.small)
        var inflater = Inflater(InflateLimits(outputBytesMax: 1000))
        for text in ["one\n", "two\n", "three\n"] {
            var room = [UInt8](repeating: 0, count: 200)
            let step = room.withUnsafeMutableBytes { room in
                Array(text.utf8).withUnsafeBytes { deflater.step($0, into: room, .now) }
            }
            #expect(step.isDone && step.consumed == text.utf8.count)
            var read = [UInt8](repeating: 0, count: 200)
            let written = try read.withUnsafeMutableBytes { read in
                try room[..<step.written].withUnsafeBytes { try inflater.step($0, into: read).written }
            }
            #expect(Array(read[..<written]) == Array(text.utf8))
        }
    }

    @Test("the bound that it tells holds whatever the bytes become, in one go", arguments: [0, 1, 100, 50_000])
    func bound(count: Int) throws {
        var deflater = Deflater(.large)
        var random = RandomGenerator(seed: 5)
        let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
        for _ in 0..<2 {
            var room = [UInt8](repeating: 0, count: deflater.bytesMax(for: count))
            let step = room.withUnsafeMutableBytes { room in bytes.withUnsafeBytes { deflater.step($0, into: room, .end) } }
            #expect(step.isDone && step.consumed == count)
            #expect(try gunzip(Array(room[..<step.written])) == bytes)
            deflater.reset()
        }
    }

    @Test("ten thousand of both are made and dropped")
    func lifetimes() {
        for _ in 0..<10_000 {
            _ = Deflater(.small)
            _ = Inflater(InflateLimits(outputBytesMax: 1))
        }
    }
}
