import Bytes
import HTTPModel
import Testing

@testable import HTTP2

/// Events come after the codec has returned, and say what was true when their bytes came.
@Suite("Events in order")
struct EventOrderTests {
    static let interim = Raw.headers(stream: 1, [(":status", "103"), ("link", "a")], ended: false)
    static let answer =
        Raw.headers(stream: 1, [(":status", "200"), ("content-type", "application/grpc")], ended: false)
        + Raw.data(stream: 1, [1, 2, 3]) + Raw.headers(stream: 1, [("grpc-status", "0"), ("x-last", "1")])

    private func client() throws -> Side {
        let side = Side(.client)
        try side.input(Raw.settings)
        _ = side.request(Side.post, ended: false)
        _ = try side.output()
        return side
    }

    @Test(
        "an answer is the same in one read and cut at every byte, with 1xx before it and a reset behind it",
        arguments: [false, true], [UInt32?.none, 0, 8])
    func answers(withInterim: Bool, reset: UInt32?) throws {
        let bytes = (withInterim ? Self.interim : []) + Self.answer + (reset.map { Raw.reset(stream: 1, $0) } ?? [])
        let whole = try client()
        try whole.input(bytes)
        #expect(whole.heard[1].head == [":status: 200", "content-type: application/grpc"])
        #expect(whole.heard[1].informational == (withInterim ? [[":status: 103", "link: a"]] : []))
        #expect(whole.heard[1].body == [1, 2, 3])
        #expect(whole.heard[1].trailers == ["grpc-status: 0", "x-last: 1"])
        #expect(whole.heard[1].ended)
        #expect(whole.heard[1].closed == reset.map { $0 == 0 ? .complete : .reset($0) })
        #expect(whole.heard.live[1].map { $0.pointee.fields.count } == (reset == nil ? 4 : nil), "each field once")
        for cut in 1..<bytes.count {
            let side = try client()
            try side.input(Array(bytes[..<cut]))
            try side.input(Array(bytes[cut...]))
            #expect(side.heard[1] == whole.heard[1] && side.heard.order == whole.heard.order)
        }
    }

    @Test("a request is the same in one read and cut at every byte, with a reset behind it or without", arguments: [false, true])
    func requests(isReset: Bool) throws {
        let bytes =
            Raw.headers(stream: 1, Side.post, ended: false) + Raw.data(stream: 1, [1, 2, 3])
            + Raw.headers(stream: 1, [("x-last", "1")]) + (isReset ? Raw.reset(stream: 1, 8) : [])
        func server() throws -> Side {
            let side = Side(.server)
            try side.input(Raw.hello)
            return side
        }
        let whole = try server()
        try whole.input(bytes)
        #expect(whole.heard[1].head == Side.post.map { "\($0.0): \($0.1)" })
        #expect(whole.heard[1].body == [1, 2, 3] && whole.heard[1].trailers == ["x-last: 1"])
        #expect(whole.heard[1].closed == (isReset ? .reset(8) : nil))
        #expect(whole.heard.live[1].map { $0.pointee.fields.count } == (isReset ? nil : 6), "each field once")
        for cut in 1..<bytes.count {
            let side = try server()
            try side.input(Array(bytes[..<cut]))
            try side.input(Array(bytes[cut...]))
            #expect(side.heard[1] == whole.heard[1] && side.heard.order == whole.heard.order)
        }
    }

    @Test("a verb on a stream that the peer has closed does nothing, and its reset drops what waits")
    func closedBehind() throws {
        let side = Side(.server)
        try side.input(Raw.hello)
        _ = try side.output()
        side.heard.onHead = { [unowned side] stream in
            side.respond(stream, ended: false)
            side.send(stream, [1])
            side.session.reset(stream, .internalError)
        }
        try side.input(
            Raw.headers(stream: 1, Side.post, ended: false) + Raw.data(stream: 1, [1, 2, 3]) + Raw.reset(stream: 1, 8))
        #expect(side.heard.order == ["1 streamHead", "1 streamClosed"])
        #expect(side.heard[1].closed == .reset(8))
        #expect(Raw.parse(try side.output()).filter { $0.stream == 1 }.isEmpty)
        #expect(side.pool.liveCount == 0 && side.chunks.bytesInUse == 0)
    }

    @Test("a read of more than 256 events is told in its order, none lost", arguments: [255, 256, 257, 600])
    func manyEvents(count: Int) throws {
        let side = try Side.server(ended: false)
        let bytes = (0..<count).flatMap { Raw.data(stream: 1, [UInt8(truncatingIfNeeded: $0)], ended: $0 == count - 1) }
        var reads = 0
        side.onReceive = { reads += 1 }
        try side.input(bytes)
        #expect(side.heard[1].body == (0..<count).map { UInt8(truncatingIfNeeded: $0) })
        #expect(side.heard[1].ended)
        // The codec stops at the 256th, before it has seen that the frame ends its stream.
        #expect(reads == 1 + count / 256)
    }

    @Test("a read of more than 256 KiB of fields stops in between, in the middle of a section too")
    func manyFields() throws {
        let side = Side(.server)
        try side.input(Raw.hello)
        let value = String(repeating: "v", count: 120)
        // 60 KiB less a little: the fifth head is stopped at its first field.
        let fields = Side.post + (0..<90).map { ("x-\(10 + $0)", value) } + [("x-large", "")]
        var reads = 0
        side.onReceive = { reads += 1 }
        try side.input((0..<40).flatMap { Raw.headers(stream: UInt32(2 * $0 + 1), fields) })
        #expect((0..<40).allSatisfy { side.heard[Int32(2 * $0 + 1)].head?.count == fields.count })
        #expect(reads > 1)
    }

    @Test("trailers that are cut in the middle, behind a head in the same read, join their stream")
    func cutTrailers() throws {
        let side = try client()
        let trailers = Raw.block([("x-one", "1"), ("x-two", "2")])
        let head = Raw.headers(stream: 1, [(":status", "200")], ended: false)
        // HEADERS without END_HEADERS, then CONTINUATION.
        try side.input(head + Raw.frame(1, flags: 1, stream: 1, Array(trailers.prefix(9))))
        #expect(side.heard[1].head == [":status: 200"] && !side.heard[1].ended)
        try side.input(Raw.frame(9, flags: 4, stream: 1, Array(trailers.dropFirst(9))))
        #expect(side.heard[1].trailers == ["x-one: 1", "x-two: 2"])
    }
}
