import CNghttp2
import Testing

@testable import HTTPModel

@Suite struct FieldBlockTests {
    /// Ends with the test.
    final class Block {
        var fields = FieldBlock()
        deinit { fields.destroy() }
    }

    @Test("a run of fields is a run of nghttp2's")
    func layout() {
        #expect(MemoryLayout<Field>.stride == MemoryLayout<nghttp2_nv>.stride)
        #expect(MemoryLayout<Field>.alignment == MemoryLayout<nghttp2_nv>.alignment)
        #expect(MemoryLayout<Field>.offset(of: \.name) == MemoryLayout<nghttp2_nv>.offset(of: \.name))
        #expect(MemoryLayout<Field>.offset(of: \.value) == MemoryLayout<nghttp2_nv>.offset(of: \.value))
        #expect(MemoryLayout<Field>.offset(of: \.nameCount) == MemoryLayout<nghttp2_nv>.offset(of: \.namelen))
        #expect(MemoryLayout<Field>.offset(of: \.valueCount) == MemoryLayout<nghttp2_nv>.offset(of: \.valuelen))
        #expect(MemoryLayout<Field>.offset(of: \.flags) == MemoryLayout<nghttp2_nv>.offset(of: \.flags))
        #expect(MemoryLayout<Field.Flags>.size == 1)
        #expect(UInt32(Field.Flags.neverIndexed.rawValue) == NGHTTP2_NV_FLAG_NO_INDEX.rawValue)
        #expect(
            UInt32(Field.Flags.borrowed.rawValue)
                == NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue | NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue)
        #expect(Field.Flags.borrowedNeverIndexed == [.borrowed, .neverIndexed])
    }

    @Test("fields keep their order and bytes, also far beyond the first block", arguments: [0, 1, 27, 28, 29, 56, 57, 1000])
    func growth(count: Int) {
        let block = Block()
        for index in 0..<count { block.fields.append("x-\(index)", String(repeating: "v", count: index)) }
        #expect(block.fields.count == count)
        for index in 0..<count {
            #expect(block.fields[index].nameText == "x-\(index)")
            #expect(block.fields[index].valueCount == index)
        }
        let expected = (0..<count).reduce(0) { $0 + "x-\($1)".utf8.count + $1 + 32 }
        #expect(block.fields.listBytes == expected)
    }

    @Test("fields that are removed within a range take their size with them, and the others keep their order")
    func removalInRange() {
        let block = Block()
        for name in ["a", "b", "a", "c", "a"] { block.fields.append(name, name) }
        block.fields.removeAll(in: 1..<4) { $0.nameText == "a" }
        #expect(block.fields.all.map(\.nameText) == ["a", "b", "c", "a"])
        #expect(block.fields.listBytes == 4 * 34)
        block.fields.removeAll(in: 0..<4) { $0.nameText == "c" }
        block.fields.removeAll(in: 2..<2) { _ in true }
        #expect(block.fields.all.map(\.nameText) == ["a", "b", "a"])
        block.fields.removeAll(from: 1) { _ in true }
        #expect(block.fields.all.map(\.nameText) == ["a"])
        #expect(block.fields.listBytes == 34)
    }

    @Test("bytes do not move when later ones are appended")
    func bytesStay() {
        let block = Block()
        block.fields.append("first", "value")
        let first = block.fields[0]
        for index in 0..<200 { block.fields.append("x-\(index)", String(repeating: "v", count: 100)) }
        #expect(first.nameText == "first")
        #expect(first.valueText == "value")
        #expect(block.fields[0].name == first.name)
    }

    @Test(
        "the arena takes what exactly fits, and what does not, however large", arguments: [1899, 1900, 1901, 4096, 4097, 100_000])
    func largeValues(size: Int) {
        let block = Block()
        let value = String(repeating: "v", count: size)
        block.fields.append("", value)
        block.fields.append("a", "b")
        #expect(block.fields[0].valueText == value)
        #expect(block.fields[1].valueText == "b")
    }

    @Test("after a reset it is as new, whatever it held")
    func reset() {
        let block = Block()
        for turn in 0..<50 {
            for index in 0..<(turn * 3) { block.fields.append("x-\(index)", String(repeating: "v", count: turn * 10)) }
            block.fields.reset()
            #expect(block.fields.count == 0)
            #expect(block.fields.listBytes == 0)
            #expect(block.fields.first(.other) == nil)
        }
    }

    @Test("forgetting the fields keeps the bytes, and what they count towards limits")
    func forget() {
        let block = Block()
        block.fields.append("first", "value")
        let first = block.fields[0]
        let bytes = block.fields.listBytes
        block.fields.forgetFields()
        #expect(block.fields.count == 0)
        #expect(block.fields.listBytes == bytes)
        block.fields.append("second", "other")
        #expect(first.valueText == "value")
        #expect(block.fields[0].nameText == "second")
    }

    @Test("room for fields in the arena is aligned, whatever lies before it")
    func reservedFields() {
        let block = Block()
        for odd in 0..<20 {
            _ = block.fields.reserve(odd)
            let room = block.fields.reserveFields(3)
            #expect(room.count == 3)
            #expect(Int(bitPattern: room.baseAddress) % MemoryLayout<Field>.alignment == 0)
            for index in 0..<3 { room.initializeElement(at: index, to: Field("a", "b", token: .other)) }
        }
        #expect(block.fields.reserveFields(0).count == 0)
    }

    @Test("a field is found by its token from a place on, and by its name")
    func lookup() {
        let block = Block()
        block.fields.append("te", "trailers")
        block.fields.append("x-a", "1")
        block.fields.append("te", "again")
        #expect(block.fields.first(.te)?.valueText == "trailers")
        #expect(block.fields.first(.te, from: 1)?.valueText == "again")
        #expect(block.fields.first(.te, from: 3) == nil)
        #expect(block.fields.text("x-a") == "1")
        #expect(block.fields.text("x-a", from: 2) == nil)
        #expect(block.fields.text("x-a", from: 9) == nil)
    }

    @Test("an empty value has an address of its own")
    func emptyValue() {
        let field = Field("x", value: UnsafeRawBufferPointer(start: nil, count: 0), token: .other)
        #expect(field.valueText == "")
        let block = Block()
        block.fields.append("x", "")
        #expect(block.fields[0].valueText == "")
        #expect(block.fields.keep(UnsafeRawBufferPointer(start: nil, count: 0)).count == 0)
    }
}

extension FieldBlockTests {
    @Test(
        "a status has three digits, and is none otherwise",
        arguments: [
            ("200", 200), ("099", 99), ("999", 999), ("20", 0), ("2000", 0), ("20a", 0), ("/00", 0), (":00", 0), ("2 0", 0),
            ("", 0),
        ])
    func status(text: String, status: Int) {
        let block = Block()
        #expect(block.fields.status == 0)
        block.fields.append(":status", text)
        #expect(block.fields.status == status)
    }
}
