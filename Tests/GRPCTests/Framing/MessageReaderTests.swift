import Bytes
import Testing

@testable import GRPC

@Suite struct MessageReaderTests {
    private func framed(_ messages: [[UInt8]], compressed: Bool = false) -> [UInt8] {
        var buffer = ByteBuffer()
        for message in messages {
            message.withUnsafeBytes { MessageFrame.append($0, isCompressed: compressed, to: &buffer) }
        }
        return buffer.array
    }

    private func feed(_ bytes: some Collection<UInt8>, _ reader: inout MessageReader) {
        Array(bytes).withUnsafeBytes { reader.receive($0) }
    }

    private func drain(_ reader: inout MessageReader) throws -> [[UInt8]] {
        var messages: [[UInt8]] = []
        while let message = try reader.next() { messages.append(Array(message.payload)) }
        return messages
    }

    @Test("messages come out whole wherever the stream is cut")
    func everySplit() throws {
        let messages: [[UInt8]] = [[1, 2, 3], [], Array(repeating: 9, count: 600), [4]]
        let bytes = framed(messages)
        for split in 0...bytes.count {
            var reader = MessageReader()
            feed(bytes[..<split], &reader)
            var seen = try drain(&reader)
            feed(bytes[split...], &reader)
            seen += try drain(&reader)
            try reader.finish()
            #expect(seen == messages)
        }
    }

    @Test("bytes may be received while a message is out")
    func receiveBetween() throws {
        let bytes = framed([[1], [2]])
        var reader = MessageReader()
        feed(bytes[..<7], &reader)
        let first = try reader.next().map { Array($0.payload) }
        feed(bytes[7...], &reader)
        #expect(first == [1])
        #expect(try drain(&reader) == [[2]])
    }

    @Test("a message at the limit passes, and one above is refused before its bytes come")
    func limit() throws {
        var reader = MessageReader(payloadBytesMax: 8)
        feed(framed([Array(repeating: 1, count: 8)]), &reader)
        #expect(try drain(&reader).count == 1)
        feed(framed([Array(repeating: 1, count: 9)])[..<5], &reader)
        #expect(throws: MessageReader.Failure.messageTooLarge(payloadBytes: Untrusted(9))) { try drain(&reader) }
    }

    @Test("the compressed flag is told, every other one is refused", arguments: [UInt8(2), 3, 0x80, 0x81, 0xFF])
    func flags(flag: UInt8) throws {
        var reader = MessageReader()
        feed(framed([[7]], compressed: true), &reader)
        #expect(try reader.next()?.isCompressed == true)
        feed([flag, 0, 0, 0, 0], &reader)
        #expect(throws: MessageReader.Failure.unknownFlag(flag)) { try drain(&reader) }
    }

    @Test("an end within a message is an error, between messages it is none")
    func finish() throws {
        let bytes = framed([[1, 2]])
        for count in 1..<bytes.count {
            var reader = MessageReader()
            feed(bytes[..<count], &reader)
            #expect(try drain(&reader).isEmpty)
            #expect(throws: MessageReader.Failure.endedWithinMessage) { try reader.finish() }
        }
        var reader = MessageReader()
        try reader.finish()
        feed(bytes, &reader)
        _ = try reader.next()
        try reader.finish()
    }

    @Test("a reader that was reset knows nothing of the stream before")
    func reset() throws {
        var reader = MessageReader()
        feed(Array(framed([Array(repeating: 1, count: 9000)]).dropLast()), &reader)
        reader.reset()
        feed(framed([[5]]), &reader)
        #expect(try drain(&reader) == [[5]])
    }
}

@Suite struct MessageFrameTests {
    @Test("a message written in place has the header of one that is copied")
    func inPlace() {
        var copied = ByteBuffer()
        let message = Array(repeating: UInt8(3), count: 70_000)
        message.withUnsafeBytes { MessageFrame.append($0, isCompressed: true, to: &copied) }

        var written = ByteBuffer(capacity: 16)
        written.append("before")
        written.consume(3)
        let place = MessageFrame.begin(in: &written)
        written.append(message)
        MessageFrame.end(at: place, isCompressed: true, in: &written)
        #expect(written.array == Array("ore".utf8) + copied.array)
    }

    @Test("the header is a flag and four bytes, big-endian")
    func header() {
        var buffer = ByteBuffer()
        Array(repeating: UInt8(0), count: 0x01_02_03).withUnsafeBytes { MessageFrame.append($0, to: &buffer) }
        #expect(Array(buffer.array.prefix(5)) == [0, 0, 1, 2, 3])
    }
}
