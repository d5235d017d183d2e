import Bytes
import Testing

@testable import GRPC

@Suite struct WireReaderTests {
    /// Reads every field, skipping all of them.
    private func skipAll(_ bytes: [UInt8]) throws -> [UInt32] {
        try bytes.withUnsafeBytes { bytes in
            var reader = WireReader(bytes)
            var numbers: [UInt32] = []
            while let tag = try reader.next() {
                numbers.append(tag.number)
                try reader.skip(tag)
            }
            return numbers
        }
    }

    @Test("fields of every wire type can be skipped, groups within groups too")
    func skipping() throws {
        let bytes: [UInt8] = [
            0x08, 0xFF, 0xFF, 0x03,  // 1: varint
            0x11, 1, 2, 3, 4, 5, 6, 7, 8,  // 2: 64 bits
            0x1A, 2, 0xAA, 0xBB,  // 3: bytes
            0x23, 0x08, 0x01, 0x2B, 0x12, 0x00, 0x2C, 0x24,  // 4: a group that holds a group 5
            0x35, 1, 2, 3, 4,  // 6: 32 bits
        ]
        #expect(try skipAll(bytes) == [1, 2, 3, 4, 6])
    }

    @Test(
        "malformed encodings are refused",
        arguments: [
            ([0x08], WireReader.Failure.truncated), ([0x08, 0x80], .truncated), ([0x80], .truncated),
            ([0x0A, 0x05, 1, 2], .truncated), ([0x0A], .truncated), ([0x11, 1, 2, 3, 4, 5, 6, 7], .truncated),
            ([0x35, 1, 2, 3], .truncated),
            ([0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], .truncated),
            ([0x08] + Array(repeating: 0xFF, count: 10), .varintTooLong),
            ([0x08] + Array(repeating: 0x80, count: 9) + [0x02], .varintTooLong),
            ([0x00], .badTag), ([0x02, 0x00], .badTag), ([0x0E], .badTag), ([0x0F], .badTag),
            ([0x80, 0x80, 0x80, 0x80, 0x10], .badTag),
            ([0x0B], .groupNotClosed), ([0x0C], .groupNotClosed), ([0x0B, 0x14], .groupNotClosed), ([0x0B, 0x08], .truncated),
            (Array(repeating: 0x0B, count: 101), .nestedTooDeep),
        ] as [([UInt8], WireReader.Failure)])
    func malformed(bytes: [UInt8], failure: WireReader.Failure) {
        #expect(throws: failure) { try skipAll(bytes) }
    }

    @Test("a hundred groups within each other are the limit")
    func depth() throws {
        #expect(try skipAll(Array(repeating: 0x0B, count: 100) + Array(repeating: 0x0C, count: 100)) == [1])
    }

    @Test("the largest numbers are read")
    func largest() throws {
        let bytes: [UInt8] = [0xF8, 0xFF, 0xFF, 0xFF, 0x0F] + Array(repeating: 0xFF, count: 9) + [0x01]
        try bytes.withUnsafeBytes { bytes in
            var reader = WireReader(bytes)
            let tag = try reader.next()
            let value = try reader.uint64()
            let end = try reader.next()
            #expect(tag?.number == 536_870_911)
            #expect(value == Untrusted(UInt64.max))
            #expect(end?.number == nil)
        }
    }

    @Test(
        "text must be UTF-8",
        arguments: [
            [0xFF], [0xC3], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0x61, 0x80],
        ] as [[UInt8]])
    func text(bytes: [UInt8]) {
        _ = ([UInt8(bytes.count)] + bytes).withUnsafeBytes { bytes in
            #expect(throws: WireReader.Failure.textNotUTF8) {
                var reader = WireReader(bytes)
                return try reader.text().count
            }
        }
    }
}

@Suite struct WireWriterTests {
    @Test("the length of an inner message takes as many bytes as it needs", arguments: [0, 1, 127, 128, 16_383, 16_384, 70_000])
    func lengths(count: Int) throws {
        var buffer = ByteBuffer(capacity: 16)
        buffer.append("xyz")
        buffer.consume(2)
        let outer = WireWriter.open(1, in: &buffer)
        let inner = WireWriter.open(2, in: &buffer)
        buffer.append(Array(repeating: 7, count: count))
        WireWriter.close(inner, in: &buffer)
        WireWriter.close(outer, in: &buffer)
        buffer.consume(1)

        var reader = WireReader(buffer.readable)
        #expect(try reader.next()?.number == 1)
        var within = WireReader(try reader.bytes())
        #expect(try reader.next()?.number == nil)
        #expect(try within.next()?.number == 2)
        #expect(try Array(within.bytes()) == Array(repeating: 7, count: count))
        #expect(try within.next()?.number == nil)
    }

    @Test("defaults of singular fields are left out")
    func defaults() {
        var buffer = ByteBuffer()
        WireWriter.field(1, varint: 0, into: &buffer)
        WireWriter.field(2, text: "", into: &buffer)
        #expect(buffer.count == 0)
    }
}
