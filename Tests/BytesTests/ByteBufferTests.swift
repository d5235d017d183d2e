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
        #expect(Decimal.read(buffer.readable) == value)
    }

    @Test("what is not one to nineteen digits is no decimal", arguments: ["", "-1", "1a", " 1", "12345678901234567890"])
    func notDecimal(text: String) {
        #expect(Array(text.utf8).withUnsafeBytes { Decimal.read($0) } == nil)
    }
}
