import Bytes
import Testing

@testable import Bridging

@Suite("Body converters")
struct ConverterTests {
    /// A copy in memory of its own, which every test may leave behind.
    private func bytes(of piece: [UInt8]) -> UnsafeRawBufferPointer {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: piece.count, alignment: 1)
        copy.copyBytes(from: piece)
        return UnsafeRawBufferPointer(copy)
    }

    private func request(_ converter: any BodyConverter, _ pieces: [[UInt8]]) throws -> [UInt8] {
        var frames = ByteBuffer()
        for piece in pieces { try converter.request(bytes(of: piece), into: &frames) }
        try converter.requestEnded(into: &frames)
        return Array(frames.readable)
    }

    private func answer(_ converter: any BodyConverter, _ pieces: [[UInt8]]) throws -> [UInt8] {
        var body = ByteBuffer()
        for piece in pieces { try converter.answer(bytes(of: piece), into: &body) }
        try converter.answerEnded(into: &body)
        return Array(body.readable)
    }

    @Test("a bare message gets its frame, with its length told before or not", arguments: [nil, 3])
    func framed(announced: Int?) throws {
        let converter = MessageConverter(requestIsCompressed: false, announcedBytes: announced)
        #expect(try request(converter, [[1], [2, 3]]) == [0, 0, 0, 0, 3, 1, 2, 3])
    }

    @Test("an empty message is never compressed", arguments: [nil, 0])
    func empty(announced: Int?) throws {
        #expect(try request(MessageConverter(requestIsCompressed: true, announcedBytes: announced), []) == [0, 0, 0, 0, 0])
        #expect(try request(MessageConverter(requestIsCompressed: true, announcedBytes: nil), [[7]]) == [1, 0, 0, 0, 1, 7])
    }

    @Test("an answer loses its frame, wherever it was cut", arguments: 1...8)
    func unframed(step: Int) throws {
        let whole: [UInt8] = [1, 0, 0, 0, 3, 1, 2, 3]
        let pieces = stride(from: 0, to: whole.count, by: step).map { Array(whole[$0..<min(whole.count, $0 + step)]) }
        let converter = MessageConverter(requestIsCompressed: false, announcedBytes: nil)
        #expect(try answer(converter, pieces) == [1, 2, 3])
        #expect(converter.answerIsCompressed)
    }

    @Test(
        "an answer that is not exactly one message is none",
        arguments: [
            [], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 9], [9, 0, 0, 0, 0],
        ] as [[UInt8]])
    func notOne(bytes: [UInt8]) {
        #expect(throws: ConversionFailure.self) {
            try answer(MessageConverter(requestIsCompressed: false, announcedBytes: nil), [bytes])
        }
    }

    @Test(
        "frames that are cut off or have unknown flags pass in neither direction",
        arguments: [
            [0, 0, 0, 0, 4, 1, 2], [0, 0, 0], [2, 0, 0, 0, 0], [0x80, 0, 0, 0, 0], [0, 0xFF, 0xFF, 0xFF, 0xFF, 1],
        ] as [[UInt8]])
    func brokenFrames(last: [UInt8]) throws {
        let whole: [UInt8] = [0, 0, 0, 0, 1, 7]
        let converters: [() -> any BodyConverter] = [
            { PassingConverter() }, { TextConverter(requestIsText: false, answerIsText: false) },
        ]
        for converter in converters {
            #expect(try request(converter(), [whole, whole]) == whole + whole)
            #expect(try answer(converter(), [whole + whole]) == whole + whole)
            #expect(throws: ConversionFailure.self) { try request(converter(), [whole + last]) }
            #expect(throws: ConversionFailure.self) { try answer(converter(), [whole + last]) }
            let answering = converter()
            var body = ByteBuffer()
            try? answering.answer(bytes(of: whole + last), into: &body)
            // What is not whole is not handed on, and the call's end can still be told.
            #expect(answering.answerIsAtBoundary && Array(body.readable) == whole)
            #expect(answering.answerIsWithinMessage == (last[0] <= 1))
        }
    }

    @Test("a message goes on when it is whole, or larger than what is held, wherever it is cut", arguments: [65_531, 65_532])
    func held(payloadBytes: Int) throws {
        let payload = (0..<payloadBytes).map { UInt8(truncatingIfNeeded: $0) }
        let message = [0, 0, UInt8(payloadBytes >> 16), UInt8(payloadBytes >> 8 & 255), UInt8(payloadBytes & 255)] + payload
        for cut in [1, 4, 5, 6, 1000, message.count - 1] {
            let converter = PassingConverter()
            var body = ByteBuffer()
            try converter.answer(bytes(of: Array(message[..<cut])), into: &body)
            let isHeld = cut <= 65_536
            #expect(body.count == (isHeld ? 0 : cut) && converter.answerIsAtBoundary == isHeld)
            try converter.answer(bytes(of: Array(message[cut...] + [0, 0])), into: &body)
            #expect(Array(body.readable) == message && converter.answerIsAtBoundary && converter.answerIsWithinMessage)
        }
        let converter = PassingConverter()
        var body = ByteBuffer()
        for index in 0..<message.count { try converter.answer(bytes(of: [message[index]]), into: &body) }
        #expect(Array(body.readable) == message)
        try converter.answerEnded(into: &body)
    }

    @Test("what is held of a message is bounded in both directions")
    func tooLarge() {
        let converter = MessageConverter(requestIsCompressed: false, announcedBytes: nil)
        let piece = [UInt8](repeating: 0, count: MessageConverter.messageBytesMax)
        #expect(throws: Never.self) { try request(converter, [piece]) }
        #expect(throws: ConversionFailure.self) {
            try request(MessageConverter(requestIsCompressed: false, announcedBytes: nil), [piece, [0]])
        }
        #expect(throws: ConversionFailure.self) { try answer(converter, [[0, 0xff, 0, 0, 0]]) }
    }

    @Test("text is read and written where it is asked for")
    func text() throws {
        let both = TextConverter(requestIsText: true, answerIsText: true)
        #expect(try request(both, [Array("AAAAA".utf8), Array("AEH".utf8)]) == [0, 0, 0, 0, 1, 7])
        #expect(try answer(both, [[0, 0], [0, 0, 1, 7]]) == Array("AAA=AAABBw==".utf8))
        #expect(throws: ConversionFailure.self) {
            try request(TextConverter(requestIsText: true, answerIsText: false), [Array("AAE".utf8)])
        }
    }

    @Test("a window is given back as the converted bytes are taken, never for more than waits")
    func flow() {
        var same = Bridge.Flow()
        same.convert(100, to: 100)
        #expect(same.take(0) == 0)
        #expect(same.take(60) == 60 && same.take(40) == 40)
        var shrinking = Bridge.Flow()
        shrinking.convert(400, to: 300)
        #expect(shrinking.take(0) == 100 && shrinking.take(300) == 300)
        var holding = Bridge.Flow()
        holding.convert(50, to: 0)
        #expect(holding.take(0) == 50)
        holding.convert(0, to: 55)
        #expect(holding.take(55) == 0)
        var again = Bridge.Flow()
        again.convert(10, to: 10)
        #expect(again.take(10) == 10)
        again.beginAgain()
        #expect(again.take(10) == 0)
    }

    @Test(
        "a list has the member that is wanted, unless it weighs nothing",
        arguments: [
            ("gzip", true), ("br, gzip", true), ("GZIP;q=1", true), ("gzip;q=0", false), ("gzip; q=0.0", false),
            ("gzip;q=0.5", true),
            ("xgzip", false), ("", false), ("*", false), (" ,\t, gzip\t", true), ("gzip ;q=0 , br", false), ("gzip ; q=0.1,", true),
        ])
    func lists(list: String, has: Bool) {
        #expect(Array(list.utf8).withUnsafeBytes { BridgedRequest.names($0, "gzip") } == has)
    }
}
