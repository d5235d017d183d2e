import Testing

@testable import Bytes

@Suite struct ByteBufferTests {
    @Test("bytes come out in the order they went in, across growth")
    func order() {
        var buffer = ByteBuffer(capacity: 16)
        for byte in UInt8(0)..<200 { buffer.append(byte: byte) }
        #expect(Array(buffer.readable) == Array(0..<200))
        buffer.consume(150)
        buffer.append(Array(repeating: 7, count: 300))
        #expect(buffer.count == 350)
        #expect(buffer.readable[49] == 199)
        #expect(buffer.readable[50] == 7)
    }

    @Test("decimal digits are written and read back", arguments: [0, 9, 10, 99, 12_345, UInt64.max / 2])
    func decimal(value: UInt64) {
        var buffer = ByteBuffer()
        buffer.append(decimal: value)
        #expect(String(decoding: buffer.readable, as: UTF8.self) == String(value))
        #expect(Decimal.read(buffer.readable)?.exactly(in: 0 ... .max) == value)
    }

    @Test("what is not digits only is no decimal", arguments: ["", "-1", "1a", " 1", "+1"])
    func notDecimal(text: String) {
        #expect(Array(text.utf8).withUnsafeBytes { Decimal.read($0) } == nil)
    }

    @Test("a buffer that keeps up never grows")
    func keepsUp() {
        var buffer = ByteBuffer(capacity: 64)
        let before = buffer.capacity
        for turn in 0..<1000 {
            buffer.append(Array(repeating: UInt8(truncatingIfNeeded: turn), count: 60))
            buffer.consume(59)
            #expect(buffer.readable[0] == UInt8(truncatingIfNeeded: turn))
            buffer.consume(1)
        }
        #expect(buffer.capacity == before)
    }

    @Test("room is made by moving what is left where that is enough, and the bytes survive")
    func moves() {
        var buffer = ByteBuffer(capacity: 100)
        buffer.append(Array(0..<100))
        buffer.consume(80)
        buffer.append(Array(repeating: 9, count: 60))
        #expect(buffer.capacity == 100)
        #expect(Array(buffer.readable) == Array(80..<100) + Array(repeating: 9, count: 60))
    }

    @Test("writable space is at least what was asked for, and only what is committed can be read")
    func writable() {
        var buffer = ByteBuffer(capacity: 16)
        buffer.append([1, 2, 3])
        let space = buffer.writable(atLeast: 1000)
        #expect(space.count >= 1000)
        space[0] = 4
        space[1] = 5
        buffer.commit(2)
        buffer.commit(0)
        #expect(Array(buffer.readable) == [1, 2, 3, 4, 5])
    }

    @Test("nothing appended, nothing consumed, and everything removed")
    func nothing() {
        var buffer = ByteBuffer(capacity: 0)
        buffer.append([])
        buffer.append("")
        buffer.consume(0)
        #expect(buffer.count == 0)
        buffer.append("text" as String)
        buffer.append("literal" as StaticString)
        #expect(String(decoding: buffer.readable, as: UTF8.self) == "textliteral")
        buffer.removeAll()
        #expect(buffer.count == 0)
        #expect(Array(buffer.readable).isEmpty)
    }

    @Test("memory is taken back only from an empty buffer")
    func shrinks() {
        var buffer = ByteBuffer(capacity: 16)
        buffer.append(Array(repeating: 1, count: 5000))
        let grown = buffer.capacity
        buffer.shrink(to: 64)
        #expect(buffer.capacity == grown)
        buffer.consume(5000)
        buffer.shrink(to: 64)
        #expect(buffer.capacity == 64)
        buffer.append(Array(repeating: 2, count: 100))
        #expect(buffer.count == 100)
    }

    @Test("the largest number fits")
    func largest() {
        var buffer = ByteBuffer(capacity: 16)
        buffer.append(decimal: .max)
        #expect(String(decoding: buffer.readable, as: UTF8.self) == "18446744073709551615")
        #expect(
            Array("9999999999999999999".utf8).withUnsafeBytes { Decimal.read($0) }?.exactly(in: 0 ... .max)
                == 9_999_999_999_999_999_999)
    }
}
