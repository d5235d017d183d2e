import Bytes
import HTTPModel
import Random
import Testing

@testable import HTTP2

/// What is not HTTP/2 gets the protocol's own error, and never harms us.
@Suite struct MalformedTests {
    @Test("what does not begin with the preface is refused")
    func noPreface() throws {
        let side = Side(.server)
        #expect(throws: Session.Misuse.self) { try side.input(Array("GET / HTTP/1.1\r\n\r\n".utf8)) }
    }

    @Test(
        "a malformed message resets its stream and harms no other",
        arguments: [
            [("x-no-method", "v")],
            Side.get + [("Upper", "v")],
            Side.get + [("connection", "close")],
            Side.get + [("transfer-encoding", "chunked")],
            Side.get + [("te", "gzip")],
            Side.get + [(":path", "/again")],
            Side.get + [("x", "line\nbreak")],
            [("x", "v")] + Side.get,
            Side.get + [("content-length", "x")],
        ])
    func malformedHead(fields: [(String, String)]) throws {
        let side = Side(.server)
        try side.input(Raw.hello + Raw.headers(stream: 1, Side.post, ended: false))
        try side.input(Raw.headers(stream: 3, fields))
        #expect(Raw.resetCode(try side.output(), stream: 3) == 1)
        #expect(side.heard[3].head == nil)
        #expect(side.session.streamCount == 1)
        try side.input(Raw.data(stream: 1, [9], ended: true))
        #expect(side.heard[1].body == [9])
    }

    @Test("a body that is not as long as content-length says resets its stream")
    func contentLength() throws {
        let side = Side(.server)
        try side.input(Raw.hello + Raw.headers(stream: 1, Side.post + [("content-length", "2")], ended: false))
        try side.input(Raw.data(stream: 1, [1, 2, 3]))
        #expect(Raw.resetCode(try side.output(), stream: 1) == 1)
        #expect(side.heard[1].closed == .malformed(1))
    }

    @Test(
        "a breach of the connection's rules is answered with GOAWAY",
        arguments: [
            (Raw.headers(stream: 2, Side.get), 1),
            (Raw.data(stream: 1, [1]), 1),
            (Raw.frame(8, [0, 0, 0, 0]), 1),
            (Raw.frame(4, stream: 1), 1),
            (Raw.frame(4, [1, 2, 3]), 6),
            (Raw.frame(6, [1]), 6),
            (Raw.frame(1, flags: 5, stream: 1, [0x80]), 9),
            (Raw.frame(9, flags: 4, stream: 1, []), 1),
        ] as [([UInt8], UInt32)])
    func connectionError(frame: [UInt8], code: UInt32) throws {
        let side = Side(.server)
        try side.input(Raw.hello)
        _ = try side.output()
        do { try side.input(frame) } catch {}
        let answer = try side.output()
        #expect(Raw.goAwayCode(answer) == code)
        #expect(side.heard.streams.values.allSatisfy { $0.head == nil })
    }

    @Test("random bytes behind the preface never crash, leak or hang", arguments: 0..<40)
    func randomBytes(seed: Int) {
        var random = RandomGenerator(seed: UInt64(seed))
        let side = Side(.server)
        var bytes = Raw.hello
        for _ in 0..<50 {
            // Often a frame with a sensible head, now and then plain noise.
            let payload = (0..<Int.random(in: 0...40, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            if Int.random(in: 0..<10, using: &random) == 0 {
                bytes += payload
            } else {
                bytes += Raw.frame(
                    UInt8.random(in: 0...10, using: &random), flags: UInt8.random(in: 0...255, using: &random),
                    stream: UInt32.random(in: 0...5, using: &random), payload)
            }
        }
        feed(bytes, to: side, &random)
    }

    @Test("a good exchange with a few bytes changed never crashes, leaks or hangs", arguments: 0..<60)
    func mutated(seed: Int) {
        var random = RandomGenerator(seed: 1000 + UInt64(seed))
        let isServer = seed % 2 == 0
        let side = Side(isServer ? .server : .client)
        var bytes: [UInt8]
        if isServer {
            bytes = Raw.hello
            for id: UInt32 in stride(from: 1, through: 19, by: 2) {
                bytes += Raw.headers(stream: id, Side.post, ended: false) + Raw.data(stream: id, [1, 2, 3])
                bytes += Raw.frame(8, stream: id, [0, 0, 1, 0]) + Raw.frame(6, Array(repeating: 1, count: 8))
                bytes += id % 4 == 1 ? Raw.reset(stream: id, 8) : Raw.headers(stream: id, [("x-t", "v")])
            }
            side.heard.onHead = { [unowned side] stream in
                side.respond(stream, ended: false)
                side.send(stream, Array(repeating: 5, count: 30_000))
            }
            side.heard.onEnd = { [unowned side] in side.finish($0, trailers: [("grpc-status", "0")]) }
        } else {
            for _ in 0..<10 { side.request(Side.post, ended: false).map { side.send($0, Array(repeating: 1, count: 100_000)) } }
            _ = try? side.output()
            bytes = Raw.settings
            for id: UInt32 in stride(from: 1, through: 19, by: 2) {
                bytes += Raw.headers(stream: id, [(":status", "103")], ended: false)
                bytes += Raw.headers(stream: id, [(":status", "200")], ended: false) + Raw.data(stream: id, [1, 2, 3])
                bytes += id % 4 == 1 ? Raw.reset(stream: id, 0) : Raw.headers(stream: id, [("grpc-status", "0")])
            }
            bytes += Raw.frame(7, [0, 0, 0, 9, 0, 0, 0, 0])
        }
        let first = isServer ? Raw.hello.count : 0
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            bytes[Int.random(in: first..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        feed(bytes, to: side, &random)
    }

    /// In portions of any size, with output taken in between, and an end at any point.
    private func feed(_ bytes: [UInt8], to side: Side, _ random: inout RandomGenerator) {
        var rest = bytes[...]
        var portions = 0
        do {
            while !rest.isEmpty {
                let portion = Int.random(in: 1...200, using: &random)
                try side.input(Array(rest.prefix(portion)), now: UInt64(portions) * 10_000_000)
                rest = rest.dropFirst(portion)
                portions += 1
                _ = try side.output(limit: 4096)
            }
        } catch {
            // The peer's violation: what explains it is still there to be sent.
            _ = try? side.output()
        }
        side.lose()
        #expect(side.session.streamCount == 0)
        #expect(side.pool.liveCount == 0)
        #expect(side.chunks.bytesInUse == 0)
        #expect(side.heard.live.isEmpty)
    }
}
