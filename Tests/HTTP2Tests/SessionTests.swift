import Bytes
import HTTPModel
import Testing

@testable import HTTP2

/// Two sessions joined in memory: what one says the other hears.
@Suite struct SessionTests {
    static let trailers = [("grpc-status", "0"), ("grpc-message", "fine")]

    @Test("a unary call: head, body and trailers both ways, however the bytes are cut", arguments: [1, 7, 9, .max])
    func unary(portion: Int) throws {
        let pair = Pair()
        pair.server.heard.onEnd = { [unowned server = pair.server] stream in
            server.respond(stream, [(":status", "200"), ("content-type", "application/grpc")], ended: false)
            server.send(stream, [4, 5, 6, 7])
            server.finish(stream, trailers: Self.trailers)
        }
        let stream = try #require(pair.client.request(Side.post, ended: false))
        pair.client.send(stream, [1, 2, 3])
        pair.client.session.finish(stream)
        try pair.run(portion: portion)
        let asked = pair.server.heard[1]
        #expect(asked.head == Side.post.map { "\($0.0): \($0.1)" })
        #expect(asked.body == [1, 2, 3])
        #expect(asked.ended)
        #expect(asked.trailers == nil)
        #expect(asked.closed == .complete)
        #expect(asked.drained == 4)
        let answered = pair.client.heard[1]
        #expect(answered.head == [":status: 200", "content-type: application/grpc"])
        #expect(answered.body == [4, 5, 6, 7])
        #expect(answered.trailers == ["grpc-status: 0", "grpc-message: fine"])
        #expect(answered.closed == .complete)
        #expect(answered.drained == 3)
        #expect(pair.client.session.streamCount == 0)
        #expect(pair.client.heard.streamsEnded == 1)
        #expect(pair.client.pool.liveCount == 0)
        #expect(pair.server.pool.liveCount == 0)
    }

    @Test("an extended CONNECT is heard, to be refused in words")
    func extendedConnect() throws {
        let pair = Pair()
        pair.server.heard.onHead = { [unowned server = pair.server] in server.respond($0, [(":status", "501")], ended: true) }
        // The server's SETTINGS come first.
        try pair.run()
        let head = [
            (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/chat"), (":authority", "a"),
        ]
        _ = try #require(pair.client.request(head, ended: false))
        try pair.run()
        #expect(pair.server.heard[1].head == head.map { "\($0.0): \($0.1)" })
        #expect(pair.client.heard[1].head == [":status: 501"])
    }

    @Test(
        "bodies of any length arrive whole and in order, each way at its own pace",
        arguments: [0, 1, 16_383, 16_384, 16_385, 300_000, 1_000_000])
    func bodies(count: Int) throws {
        let pair = Pair()
        let body = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        pair.server.heard.onHead = { [unowned server = pair.server] in server.respond($0, ended: false) }
        // Echoed as it comes.
        pair.server.heard.onData = { [unowned server = pair.server] stream in
            let heard = server.heard[stream.id].body
            server.send(stream, Array(heard[(stream.bodyBytesSent + stream.outbound.count)...]))
        }
        pair.server.heard.onEnd = { [unowned server = pair.server] in server.session.finish($0) }
        let stream = try #require(pair.client.request(Side.post, ended: false))
        for start in stride(from: 0, to: count, by: 10_000) {
            pair.client.send(stream, Array(body[start..<min(start + 10_000, count)]))
        }
        pair.client.session.finish(stream)
        try pair.run()
        #expect(pair.server.heard[1].body == body)
        #expect(pair.client.heard[1].body == body)
        #expect(pair.client.heard[1].closed == .complete)
        #expect(pair.client.chunks.bytesInUse == 0)
        #expect(pair.server.chunks.bytesInUse == 0)
    }

    @Test("a stream that had nothing to say goes on when it has")
    func resumes() throws {
        let pair = Pair()
        pair.server.heard.onHead = { [unowned server = pair.server] in server.respond($0, ended: false) }
        let stream = try #require(pair.client.request(Side.post, ended: false))
        try pair.run()
        #expect(stream.flags.contains(.deferred))
        for number: UInt8 in 0..<3 {
            pair.client.send(stream, [number])
            try pair.run()
            #expect(pair.server.heard[1].body == Array(0...number))
        }
        pair.client.finish(stream, trailers: [("x-sum", "3")])
        try pair.run()
        #expect(pair.server.heard[1].trailers == ["x-sum: 3"])
        let answer = try #require(pair.server.heard.live[1])
        pair.server.session.finish(answer)
        try pair.run()
        #expect(pair.client.heard[1].closed == .complete)
    }

    @Test("an answer of trailers only ends at its head; trailers without a body send no empty frame")
    func trailersOnly() throws {
        let pair = Pair()
        pair.server.heard.onEnd = { [unowned server = pair.server] stream in
            if stream.id == 1 {
                server.respond(stream, [(":status", "200"), ("grpc-status", "5")], ended: true)
            } else {
                server.respond(stream, ended: false)
                server.finish(stream, trailers: Self.trailers)
            }
        }
        pair.client.request()
        pair.client.request()
        let up = try pair.client.output()
        try pair.server.input(up)
        let down = try pair.server.output()
        #expect(!Raw.parse(down).contains { $0.type == 0 })
        try pair.client.input(down)
        #expect(pair.client.heard[1].head == [":status: 200", "grpc-status: 5"])
        #expect(pair.client.heard[1].ended)
        #expect(pair.client.heard[1].trailers == nil)
        #expect(pair.client.heard[3].trailers == ["grpc-status: 0", "grpc-message: fine"])
        #expect(pair.client.heard[3].closed == .complete)
    }

    @Test("1xx heads come before the answer's own and leave nothing in it")
    func informational() throws {
        let pair = Pair()
        pair.server.heard.onHead = { [unowned server = pair.server] stream in
            server.inform(stream, [(":status", "100")])
            server.inform(stream, [(":status", "103"), ("link", "</a>")])
            server.respond(stream, [(":status", "204")], ended: true)
            // Too late, and dropped.
            server.inform(stream, [(":status", "103")])
        }
        pair.client.request()
        try pair.run()
        #expect(pair.client.heard[1].informational == [[":status: 100"], [":status: 103", "link: </a>"]])
        #expect(pair.client.heard[1].head == [":status: 204"])
    }

    @Test("request trailers that wait are not harmed by a 1xx head that arrives")
    func informationalWhileTrailersWait() throws {
        let pair = Pair(server: ConnectionLimits.with { $0.streamWindowBytes = 10 })
        pair.server.heard.consumes = false
        pair.server.heard.onHead = { [unowned server = pair.server] stream in
            for number in 0..<3 {
                server.inform(stream, [(":status", "103"), ("link", String(repeating: "\(number)", count: 900))])
            }
        }
        // The server's small window is known before the request, so that body and trailers wait.
        try pair.run()
        let stream = try #require(pair.client.request(Side.post, ended: false))
        pair.client.send(stream, Array(repeating: 7, count: 25))
        let value = String(repeating: "v", count: 800)
        pair.client.finish(stream, trailers: [("x-one", value), ("x-two", value), ("x-three", value)])
        try pair.run()
        #expect(pair.client.heard[1].informational.count == 3)
        #expect(pair.server.heard[1].trailers == nil)
        let asked = try #require(pair.server.heard.live[1])
        pair.server.heard.consumes = true
        pair.server.session.consumed(asked, asked.pointee.unconsumed)
        try pair.run()
        #expect(pair.server.heard[1].body.count == 25)
        #expect(pair.server.heard[1].trailers == ["x-one: \(value)", "x-two: \(value)", "x-three: \(value)"])
    }

    @Test("a reset is heard with its code, stops both sides, and what still arrives is not passed on")
    func reset() throws {
        let pair = Pair()
        pair.server.heard.onHead = { [unowned server = pair.server] stream in
            server.respond(stream, ended: false)
            server.send(stream, Array(repeating: 1, count: 5000))
        }
        let stream = try #require(pair.client.request(Side.post, ended: false))
        pair.client.send(stream, [1])
        try pair.server.input(try pair.client.output())
        let down = try pair.server.output()
        pair.client.session.reset(stream, .cancel)
        pair.client.session.reset(stream, .internalError)
        pair.client.send(stream, [2])
        try pair.client.input(down)
        #expect(pair.client.heard[1].head == nil)
        #expect(pair.client.heard[1].body.isEmpty)
        try pair.run()
        #expect(pair.client.heard[1].closed == .reset(8))
        #expect(pair.server.heard[1].closed == .reset(8))
        #expect(pair.server.heard[1].body == [1])
        #expect(pair.client.pool.liveCount == 0)
        #expect(pair.server.pool.liveCount == 0)
    }

    @Test("a request reset before it was sent is never seen by the peer")
    func resetBeforeSent() throws {
        let pair = Pair()
        try pair.run()
        let stream = try #require(pair.client.request())
        pair.client.session.reset(stream, .cancel)
        try pair.run()
        #expect(pair.client.heard[1].closed != nil)
        #expect(pair.server.heard.streams.isEmpty)
        #expect(pair.client.pool.liveCount == 0)
    }

    @Test("REFUSED_STREAM says that the request was not processed")
    func refused() throws {
        let pair = Pair()
        pair.server.heard.onHead = { [unowned server = pair.server] in server.session.reset($0, .refusedStream) }
        pair.client.request()
        try pair.run()
        #expect(pair.client.heard[1].closed == .unprocessed)
        #expect(pair.server.heard[1].closed == .reset(7))
    }

    @Test("GOAWAY ends streams above its last id as unprocessed, and lets the others finish")
    func goAway() throws {
        let pair = Pair()
        let first = try #require(pair.client.request(Side.post, ended: false))
        try pair.run()
        pair.server.session.goAway(.noError)
        // On its way while the GOAWAY comes.
        pair.client.request()
        let up = try pair.client.output()
        let down = try pair.server.output()
        try pair.client.input(down)
        #expect(pair.client.heard.goAways == 1 && Raw.goAwayLastStream(down) == 1)
        #expect(pair.client.heard[3].closed == .unprocessed)
        try pair.server.input(up)
        #expect(pair.server.heard[3].head == nil)
        pair.client.session.finish(first)
        try pair.run()
        let asked = try #require(pair.server.heard.live[1])
        pair.server.respond(asked, ended: true)
        try pair.run()
        #expect(pair.client.heard[1].closed == .complete)
        // Both have nothing left to say.
        #expect(pair.client.session.isFinished)
    }

    @Test("a request that a GOAWAY overtakes before it is sent was not processed either")
    func goAwayBeforeSending() throws {
        let pair = Pair()
        let first = try #require(pair.client.request(Side.post, ended: false))
        try pair.run()
        pair.server.session.goAway(.noError)
        let down = try pair.server.output()
        pair.client.request()
        try pair.client.input(down)
        _ = try pair.client.output()
        #expect(pair.client.heard[3].closed == .unprocessed)
        #expect(pair.client.heard[1].closed == nil)
        pair.client.session.reset(first, .cancel)
        try pair.run()
        #expect(pair.client.pool.liveCount == 0)
    }

    @Test("an announced shutdown still serves what is on the wire")
    func announced() throws {
        let pair = Pair()
        pair.server.heard.onEnd = { [unowned server = pair.server] in server.respond($0, ended: true) }
        try pair.run()
        pair.server.session.announceShutdown()
        pair.server.session.ping(77)
        pair.client.request()
        let up = try pair.client.output()
        let down = try pair.server.output()
        try pair.client.input(down)
        #expect(pair.client.heard.goAways == 1 && Raw.goAwayLastStream(down) == UInt32(Int32.max))
        try pair.server.input(up)
        try pair.run()
        #expect(pair.client.heard[1].closed == .complete)
        #expect(pair.server.heard.pongs == [77])
    }

    @Test("a connection that is gone tells every stream, and nothing is called after it")
    func dies() throws {
        let pair = Pair()
        pair.server.heard.onHead = { [unowned server = pair.server] in server.respond($0, ended: false) }
        let streams = try (0..<3).map { _ in try #require(pair.client.request(Side.post, ended: false)) }
        try pair.run()
        pair.client.send(streams[0], Array(repeating: 1, count: 100_000))
        pair.server.session.announceShutdown()
        let down = try pair.server.output()
        pair.client.lose()
        pair.client.lose()
        #expect((0..<3).map { pair.client.heard[$0 * 2 + 1].closed } == [.connectionLost, .connectionLost, .connectionLost])
        #expect(pair.client.pool.liveCount == 0)
        #expect(pair.client.chunks.bytesInUse == 0)
        try pair.client.input(down)
        #expect(try pair.client.output().isEmpty)
        #expect(pair.client.heard.goAways == 0)
    }

    @Test("a stream that ends with data still queued gives its chunks back", arguments: [false, true])
    func chunksGivenBack(byPeer: Bool) throws {
        let pair = Pair()
        let stream = try #require(pair.client.request(Side.post, ended: false))
        pair.server.heard.consumes = false
        pair.client.send(stream, Array(repeating: 1, count: 2_000_000))
        try pair.run()
        #expect(pair.client.chunks.bytesInUse > 1_000_000)
        if byPeer {
            pair.server.session.reset(try #require(pair.server.heard.live[1]), .cancel)
        } else {
            pair.client.session.reset(stream, .cancel)
        }
        try pair.run()
        #expect(pair.client.heard[1].closed == .reset(8))
        #expect(pair.client.chunks.bytesInUse == 0)
        #expect(pair.server.chunks.bytesInUse == 0)
        #expect(pair.client.pool.liveCount + pair.server.pool.liveCount == 0)
    }

    @Test("the peer's stream limit is known once its settings have come")
    func streamLimit() throws {
        let pair = Pair(server: ConnectionLimits.with { $0.streams = 3 })
        #expect(pair.client.session.peerStreamLimit == 100)
        try pair.run()
        #expect(pair.client.session.peerStreamLimit == 3)
        #expect(pair.client.heard.settingsChanges >= 1)
    }

    @Test("requests beyond the peer's limit wait in the codec and are sent as others end")
    func beyondStreamLimit() throws {
        let pair = Pair(server: ConnectionLimits.with { $0.streams = 2 })
        try pair.run()
        for _ in 0..<4 { pair.client.request() }
        try pair.run()
        #expect(pair.server.heard.streams.count == 2)
        pair.server.heard.onEnd = { [unowned server = pair.server] in server.respond($0, ended: true) }
        for stream in Array(pair.server.heard.live.values) { pair.server.respond(stream, ended: true) }
        try pair.run()
        #expect(pair.client.heard.streams.values.filter { $0.closed == .complete }.count == 4)
    }

    @Test("output comes in portions of about the size asked for")
    func portions() throws {
        let pair = Pair(server: ConnectionLimits.with { $0.streamWindowBytes = 1 << 24 })
        try pair.run()
        let stream = try #require(pair.client.request(Side.post, ended: false))
        pair.client.send(stream, Array(repeating: 1, count: 1 << 20))
        var total = 0
        while true {
            let bytes = try pair.client.output(limit: 64 << 10)
            if bytes.isEmpty { break }
            #expect(bytes.count <= 64 << 10 + 16_384 + 9)
            total += bytes.count
            try pair.server.input(bytes)
            try pair.client.input(try pair.server.output())
        }
        #expect(total > 1 << 20)
        #expect(pair.server.heard[1].body.count == 1 << 20)
    }

    @Test("ten thousand sessions made and dropped leave nothing behind")
    func madeAndDropped() throws {
        let memory = NGHTTP2Allocator()
        let pool = StreamPool(chunks: ChunkPool())
        let events = EventQueue()
        for index in 0..<10_000 {
            let session = Session(index % 2 == 0 ? .server : .client, limits: .defaults, pool: pool, events: events, memory: memory)
            if index % 100 == 0 {
                var buffer = GatherBuffer(capacity: 256)
                try session.produce(into: &buffer, limit: 1000, now: 0)
            }
        }
        #expect(pool.liveCount == 0)
    }

    @Test("of what a burst of sessions took, a bounded part is kept for the next")
    func burst() {
        let memory = NGHTTP2Allocator()
        let pool = StreamPool(chunks: ChunkPool())
        let events = EventQueue()
        for _ in 0..<2 {
            // Their frame buffers alone are forty mebibytes.
            let sessions = (0..<2000).map { _ in Session(.server, limits: .defaults, pool: pool, events: events, memory: memory) }
            withExtendedLifetime(sessions) {}
        }
        #expect(memory.keptBytes > 1 << 20 && memory.keptBytes < 10 << 20)
        // What is kept of frame buffers, most of which was never in memory, is a mebibyte.
        for _ in 0..<20 { memory.trim() }
        #expect(memory.keptBytes < 2 << 20)
    }
}

extension ConnectionLimits {
    static func with(_ change: (inout ConnectionLimits) -> Void) -> ConnectionLimits {
        var limits = ConnectionLimits.defaults
        change(&limits)
        return limits
    }
}
