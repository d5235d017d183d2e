import Bytes
import HTTPModel
import Testing

@testable import HTTP2

/// Resets beside what has been submitted and not sent (RFC 9113, sections 6.4 and 8.1).
@Suite("Resets and what is queued before them")
struct SessionResetTests {
    /// Each as `TYPE/FLAGS`, a reset with its code.
    private func sent(_ side: Side) throws -> [String] {
        try side.messageFrames().map { $0.type == 3 ? "RST \($0.payload[3])" : "\($0.type == 0 ? "DATA" : "HEADERS")/\($0.flags)" }
    }

    @Test("a complete answer goes out, and a reset behind it only where the caller has more to send", arguments: [true, false])
    func completeAnswer(callerEnded: Bool) throws {
        let side = try Side.server(ended: callerEnded)
        let stream = try #require(side.heard.live[1])
        side.respond(stream, [(":status", "200"), ("grpc-status", "4")], ended: true)
        side.session.reset(stream, .noError)
        #expect(try sent(side) == (callerEnded ? ["HEADERS/5"] : ["HEADERS/5", "RST 0"]))
        #expect(side.heard[1].closed == .complete)
        #expect(side.session.streamCount == 0 && side.session.resets.isEmpty)
    }

    @Test("trailers behind the head are part of it")
    func trailers() throws {
        let side = try Side.server()
        let stream = try #require(side.heard.live[1])
        side.respond(stream, ended: false)
        side.finish(stream, trailers: [("grpc-status", "13")])
        side.session.reset(stream, .cancel)
        #expect(try sent(side) == ["HEADERS/4", "HEADERS/5"])
    }

    @Test(
        "a head leaves before the reset, and nothing of the body, nor an end that would make it look complete",
        arguments: [0, 1, 2])
    func incompleteAnswer(ending: Int) throws {
        let side = try Side.server()
        let stream = try #require(side.heard.live[1])
        side.respond(stream, ended: false)
        side.send(stream, [1, 2, 3])
        if ending == 1 { side.session.finish(stream) }
        if ending == 2 { side.finish(stream, trailers: [("grpc-status", "0")]) }
        side.session.reset(stream, .internalError)
        #expect(side.session.queuedBytes == 0)
        #expect(try sent(side) == ["HEADERS/4", "RST 2"])
        #expect(side.heard[1].closed == .reset(2))
    }

    @Test("once the head has left, the reset is alone")
    func afterTheHead() throws {
        let side = try Side.server()
        let stream = try #require(side.heard.live[1])
        side.respond(stream, ended: false)
        #expect(try sent(side) == ["HEADERS/4"])
        side.session.reset(stream, .cancel)
        side.session.reset(stream, .internalError)
        #expect(side.session.resets.isEmpty)
        #expect(try sent(side) == ["RST 8"])
    }

    @Test("trailers leave before a reset, though the head has left long before", arguments: [true, false])
    func trailersAlone(callerEnded: Bool) throws {
        let side = try Side.server(ended: callerEnded)
        let stream = try #require(side.heard.live[1])
        side.respond(stream, ended: false)
        #expect(try sent(side) == ["HEADERS/4"])
        side.finish(stream, trailers: [("grpc-status", "4")])
        side.session.reset(stream, .noError)
        #expect(try sent(side) == (callerEnded ? ["HEADERS/5"] : ["HEADERS/5", "RST 0"]))
        #expect(side.heard[1].closed == .complete)
    }

    @Test("a stream whose reset waits hears nothing but its end, and its window is given back")
    func waiting() throws {
        let side = try Side.server(ended: false)
        let stream = try #require(side.heard.live[1])
        side.respond(stream, ended: false)
        side.session.reset(stream, .cancel)
        try side.input(Raw.data(stream: 1, [1, 2, 3], ended: false))
        side.send(stream, [4])
        #expect(side.heard[1].body.isEmpty && side.session.queuedBytes == 0)
        #expect(try sent(side) == ["HEADERS/4", "RST 8"])
        #expect(side.heard[1].closed == .reset(8))
    }

    @Test("the caller's own reset, or the end of the connection, comes before one that waits", arguments: [true, false])
    func overtaken(byReset: Bool) throws {
        let side = try Side.server([1, 3], ended: false)
        let stream = try #require(side.heard.live[1])
        side.respond(stream, ended: false)
        side.session.reset(stream, .internalError)
        if byReset { try side.input(Raw.frame(3, stream: 1, [0, 0, 0, 8])) } else { side.lose() }
        #expect(side.heard[1].closed == (byReset ? .reset(8) : .connectionLost))
        #expect(side.session.resets.isEmpty)
    }

    @Test("each of several streams has its own", arguments: [true, false])
    func several(inOneOutput: Bool) throws {
        let side = try Side.server([1, 3, 5])
        for id in [1, 3, 5] as [Int32] {
            side.respond(side.heard.live[id]!, ended: false)
            side.session.reset(side.heard.live[id]!, .cancel)
            if !inOneOutput { #expect(try sent(side) == ["HEADERS/4", "RST 8"]) }
        }
        if inOneOutput { #expect(try sent(side) == Array(repeating: "HEADERS/4", count: 3) + Array(repeating: "RST 8", count: 3)) }
        #expect(side.session.streamCount == 0)
    }

    /// A server whose stream 1 has so much to send, and windows for all of it, that it fills every `output`.
    private func downloading(_ streams: [UInt32]) throws -> Side {
        let side = try Side.server(streams, ended: false)
        try side.input(Raw.frame(8, [0, 0x10, 0, 0]) + Raw.frame(8, stream: 1, [0, 0x10, 0, 0]))
        let download = try #require(side.heard.live[1])
        side.respond(download, ended: false)
        side.send(download, [UInt8](repeating: 1, count: 1 << 20))
        _ = try side.output(limit: 1 << 10)
        return side
    }

    private func frames(_ bytes: [UInt8], of stream: UInt32) -> [String] {
        Raw.parse(bytes).filter { $0.stream == stream }.map { $0.type == 3 ? "RST \($0.payload[3])" : "\($0.type)/\($0.flags)" }
    }

    @Test("a reset behind a head waits for no other stream's body", arguments: [1 << 10, 40 << 10])
    func besideDownload(limit: Int) throws {
        let side = try downloading([1, 3])
        let stream = try #require(side.heard.live[3])
        side.respond(stream, ended: false)
        side.session.reset(stream, .cancel)
        // The frame that was held, the head, and at most one more frame of the download.
        var sent: [UInt8] = []
        for _ in 0..<3 where side.session.streamCount == 2 { sent += try side.output(limit: limit) }
        #expect(frames(sent, of: 3) == ["1/4", "RST 8"])
        #expect(sent.count < 60 << 10)
        #expect(side.heard[3].closed == .reset(8) && side.heard[1].closed == nil)
    }

    @Test("the end of a stream without a window waits for no other stream's body", arguments: [true, false])
    func endBesideDownload(hasTrailers: Bool) throws {
        let side = try downloading([1, 3])
        let stream = try #require(side.heard.live[3])
        try side.input(Raw.data(stream: 3, [], ended: true))
        side.respond(stream, ended: false)
        side.send(stream, [UInt8](repeating: 1, count: 65_535))
        for _ in 0..<12 { _ = try side.output(limit: 20 << 10) }
        #expect(stream.outbound.isEmpty && side.session.queuedBytes > 0)
        if hasTrailers { side.finish(stream, trailers: [("grpc-status", "0")]) } else { side.session.finish(stream) }
        var sent: [UInt8] = []
        for _ in 0..<2 { sent += try side.output(limit: 20 << 10) }
        #expect(frames(sent, of: 3) == (hasTrailers ? ["1/5"] : ["0/1", "RST 0"]))
        #expect(side.heard[3].closed == .complete)
        #expect(side.heard[1].closed == nil)
    }
}
