import Testing

@testable import Protobuf

@Suite("Walking over protobuf")
struct WireCursorTests {
    static func read<Result>(_ bytes: [UInt8], _ body: (inout WireCursor) throws(WireFailure) -> Result) throws(WireFailure)
        -> Result
    {
        try bytes.span.bytes.withUnsafeBytes { (bytes) throws(WireFailure) in
            var cursor = WireCursor(bytes)
            return try body(&cursor)
        }
    }

    @Test(
        "varints are read to their last bit",
        arguments: [
            ([0x00], 0), ([0x7F], 127), ([0x80, 0x01], 128),
            ([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], UInt64.max),
        ] as [([UInt8], UInt64)])
    func varints(bytes: [UInt8], value: UInt64) throws {
        #expect(try Self.read(bytes) { (cursor) throws(WireFailure) in try cursor.varint() } == value)
        let target = UnsafeMutablePointer<UInt8>.allocate(capacity: 10)
        defer { target.deallocate() }
        let end = Varint.write(value, to: target)
        #expect(Array(UnsafeBufferPointer(start: target, count: end - target)) == bytes && Varint.width(value) == bytes.count)
    }

    @Test(
        "what is malformed fails by its name",
        arguments: [
            ([], .truncated), ([0x08], .truncated), ([0x08, 0x80], .truncated), ([0x0A, 2, 1], .truncated),
            ([0x0D, 1], .truncated),
            ([0x09, 1, 2, 3, 4, 5, 6, 7], .truncated), ([0x02, 0], .badTag), ([0x0E], .badTag), ([0x0F], .badTag),
            ([0x0C], .groupNotClosed),
            ([0x0B, 0x14], .groupNotClosed), ([0x0B], .groupNotClosed),
            ([0x08] + [UInt8](repeating: 0xFF, count: 9) + [0x02], .varintTooLong),
            ([UInt8](repeating: 0x0B, count: 200), .nestedTooDeep),
        ] as [([UInt8], WireFailure)])
    func failures(bytes: [UInt8], failure: WireFailure) {
        #expect(throws: failure) {
            try Self.read(bytes) { (cursor) throws(WireFailure) in try cursor.skip(cursor.tag()) }
        }
    }

    @Test("a group is what stands between its tags")
    func groups() throws {
        let inner = try Self.read([0x0B, 0x10, 1, 0x13, 0x14, 0x0C, 0x18, 1]) { (cursor) throws(WireFailure) in
            _ = try cursor.tag()
            let inner = try cursor.group(1)
            return (Array(inner), try cursor.tag())
        }
        #expect(inner.0 == [0x10, 1, 0x13, 0x14] && inner.1 == 0x18)
    }

    @Test("signed numbers zigzag", arguments: [0, -1, 1, Int64.max, Int64.min])
    func zigzag(value: Int64) { #expect(ZigZag.decode(ZigZag.encode(value)) == value) }
}
