import Bytes
import HTTPModel
import Random
import Testing

@testable import HTTP2

/// What needs no window goes out without one (RFC 9113, sections 5.2.1 and 6.9.1).
@Suite struct EndAtWindowZeroTests {
    static let window = 65_535
    static let windowUpdate = Raw.frame(8, [0, 0, 0xff, 0xff])
    static func windowUpdate(stream: UInt32) -> [UInt8] { Raw.frame(8, stream: stream, [0, 0, 0xff, 0xff]) }

    @Test("trailers follow a body that has filled its stream's window exactly", arguments: [true, false])
    func trailersAfterFullWindow(callerEnded: Bool) throws {
        let side = try Side.server(ended: callerEnded)
        let stream = try #require(side.heard.live[1])
        side.respond(stream, ended: false)
        side.send(stream, Array(repeating: 1, count: Self.window))
        // The connection's window is larger; only the stream's is used up.
        try side.input(Self.windowUpdate)
        #expect(try side.messageFrames().reduce(0) { $0 + ($1.type == 0 ? $1.payload.count : 0) } == Self.window)
        side.finish(stream, trailers: [("grpc-status", "0")])
        let last = try side.messageFrames()
        #expect(last.map(\.type) == [1])
        #expect(last.first?.flags == 5)
        #expect(side.heard[1].closed == (callerEnded ? .complete : nil))
        // What opens later has nothing left to carry.
        try side.input(Self.windowUpdate(stream: 1))
        #expect(try side.messageFrames().isEmpty)
        if !callerEnded {
            try side.input(Raw.data(stream: 1, [], ended: true))
            #expect(side.heard[1].closed == .complete)
        }
        #expect(side.session.streamCount == 0)
    }

    @Test("trailers go out while another stream's body has used the connection's window up, with a body or without")
    func trailersAfterFullConnection() throws {
        let side = try Side.server([1, 3, 5])
        let (first, second, third) = (side.heard.live[1]!, side.heard.live[3]!, side.heard.live[5]!)
        side.respond(first, ended: false)
        side.send(first, Array(repeating: 1, count: Self.window - 10))
        side.respond(second, ended: false)
        _ = try side.output()
        side.send(second, Array(repeating: 1, count: 10))
        _ = try side.output()
        side.finish(second, trailers: [("grpc-status", "0")])
        // Head and trailers in one tick.
        side.respond(third, ended: false)
        side.finish(third, trailers: [("grpc-status", "5")])
        let last = try side.messageFrames()
        #expect(last.filter { $0.flags & 1 == 1 }.map(\.stream).sorted() == [3, 5])
        #expect(last.allSatisfy { $0.type == 1 })
        #expect(side.heard[3].closed == .complete)
        #expect(side.heard[5].closed == .complete)
        #expect(side.heard[1].closed == nil)
    }

    @Test("trailers stay behind the body that waits, however long")
    func trailersBehindBody() throws {
        let side = try Side.server()
        let stream = try #require(side.heard.live[1])
        side.respond(stream, ended: false)
        side.send(stream, Array(repeating: 1, count: Self.window + 1))
        side.finish(stream, trailers: [("grpc-status", "0")])
        #expect(try side.messageFrames().allSatisfy { $0.flags & 1 == 0 })
        try side.input(Self.windowUpdate + Self.windowUpdate(stream: 1))
        let last = try side.messageFrames()
        #expect(last.map(\.type) == [0, 1])
        #expect(last.last?.flags == 5)
        #expect(side.heard[1].closed == .complete)
    }

    @Test("a body that has filled the window ends with an empty DATA frame, once", arguments: [true, false], [true, false])
    func endAfterFullWindow(callerEnded: Bool, opensAgain: Bool) throws {
        let side = try Side.server(ended: callerEnded)
        let stream = try #require(side.heard.live[1])
        side.respond(stream, ended: false)
        side.send(stream, Array(repeating: 1, count: Self.window))
        _ = try side.output()
        side.session.finish(stream)
        var last = try side.messageFrames()
        #expect(last.first?.type == 0)
        #expect(last.first?.flags == 1)
        #expect(last.first?.payload == [])
        if opensAgain {
            try side.input(Self.windowUpdate)
            last += try side.messageFrames()
            if !callerEnded {
                try side.input(Self.windowUpdate(stream: 1))
                last += try side.messageFrames()
            }
        }
        if !callerEnded {
            try side.input(Raw.data(stream: 1, [1], ended: true))
            last += try side.messageFrames()
        }
        #expect(last.filter { $0.type == 0 }.count == 1)
        #expect(side.heard[1].closed == .complete)
        #expect(side.session.streamCount == 0)
    }

    @Test("an answer with an empty body ends while the connection's window is zero")
    func emptyAnswer() throws {
        let side = try Side.server([1, 3])
        side.respond(side.heard.live[1]!, ended: false)
        side.send(side.heard.live[1]!, Array(repeating: 1, count: 100_000))
        _ = try side.output()
        let stream = side.heard.live[3]!
        side.respond(stream, ended: false)
        side.session.finish(stream)
        #expect(try side.messageFrames().prefix(2).map(\.type) == [1, 0])
        #expect(side.heard[3].closed == .complete)
    }

    /// A client whose server allows so much on each stream.
    private func client(initialWindow: UInt32) throws -> Side {
        let side = Side(.client)
        try side.input(Raw.frame(4, [0, 4] + Raw.bigEndian(initialWindow)))
        _ = try side.output()
        return side
    }

    @Test(
        "a request ends at window zero, with trailers or without, before its head has left or after", arguments: [0, 10],
        [true, false])
    func request(window: Int, hasTrailers: Bool) throws {
        let side = try client(initialWindow: UInt32(window))
        let stream = try #require(side.request(Side.post, ended: false))
        if window > 0 {
            side.send(stream, Array(repeating: 1, count: window))
            _ = try side.output()
        }
        if hasTrailers { side.finish(stream, trailers: [("x-checksum", "1")]) } else { side.session.finish(stream) }
        let last = try #require(try side.messageFrames().last)
        #expect(last.type == (hasTrailers ? 1 : 0))
        #expect(last.flags & 1 == 1)
        try side.input(Raw.frame(1, flags: 4, stream: 1, [0x88]) + Raw.data(stream: 1, [1, 2]))
        #expect(side.heard[1].body == [1, 2])
        try side.input(Raw.frame(1, flags: 5, stream: 1, Raw.block([("grpc-status", "0")])))
        _ = try side.output()
        #expect(side.heard[1].trailers == ["grpc-status: 0"])
        #expect(side.heard[1].closed == .complete)
        #expect(side.session.streamCount == 0)
    }

    @Test("a request beyond the streams that the peer allows ends in its turn")
    func requestInItsTurn() throws {
        let side = Side(.client)
        try side.input(Raw.frame(4, [0, 3, 0, 0, 0, 1, 0, 4, 0, 0, 0, 0]))
        side.request()
        let stream = try #require(side.request(Side.post, ended: false))
        side.finish(stream, trailers: [("x", "1")])
        let other = try #require(side.request(Side.post, ended: false))
        side.session.finish(other)
        #expect(try side.messageFrames().map(\.stream) == [1])
        for id: UInt32 in [1, 3] {
            try side.input(Raw.frame(1, flags: 5, stream: id, [0x88]))
            let next = try side.messageFrames()
            #expect(next.allSatisfy { $0.stream == id + 2 })
            #expect(next.contains { $0.flags & 1 == 1 })
        }
    }

    @Test("a stream that is reset, or dies with its connection, is not ended any more")
    func resetBefore() throws {
        let side = try client(initialWindow: 0)
        let stream = try #require(side.request(Side.post, ended: false))
        side.session.finish(stream)
        side.session.reset(stream, .cancel)
        #expect(try side.messageFrames().allSatisfy { $0.type != 0 })
        let other = try #require(side.request(Side.post, ended: false))
        side.finish(other, trailers: [("x", "1")])
        side.lose()
        #expect(side.session.endings.isEmpty)
    }

    @Test("whatever the windows and the order of things, every body arrives whole and every stream ends once", arguments: 0..<40)
    func random(seed: UInt64) throws {
        var random = RandomGenerator(seed: seed)
        let small = [0, 1, 7, 100, 65_535].map { Int32($0) }
        let pair = Pair(
            client: .with { $0.streamWindowBytes = small.randomElement(using: &random)! },
            server: .with { $0.streamWindowBytes = small.randomElement(using: &random)! })
        try pair.run()
        var sent: [Int32: (up: Int, down: Int)] = [:]
        var open: [StreamPointer] = []
        for side in [pair.client, pair.server] { side.heard.consumes = Bool.random(using: &random) }
        pair.server.heard.onHead = { pair.server.respond($0, ended: false) }
        func some() -> Int { [0, 0, 1, 10, 1000].randomElement(using: &random)! }
        func end(_ side: Side, _ stream: StreamPointer) {
            if Bool.random(using: &random) { side.finish(stream, trailers: [("t", "1")]) } else { side.session.finish(stream) }
        }
        for _ in 0..<30 {
            if let stream = pair.client.request(Side.post, ended: false) { open.append(stream) }
            try pair.run(portion: Int.random(in: 1...2000, using: &random))
            open.shuffle(using: &random)
            let stream = open.removeLast()
            let id = stream.id
            let asked = try #require(pair.server.heard.live[id])
            let counts = (up: some(), down: some())
            sent[id] = counts
            pair.client.send(stream, Array(repeating: 1, count: counts.up))
            pair.server.send(asked, Array(repeating: 2, count: counts.down))
            if Bool.random(using: &random) { try pair.run() }
            if Bool.random(using: &random) {
                end(pair.client, stream)
                if Bool.random(using: &random) { try pair.run() }
                end(pair.server, asked)
            } else {
                end(pair.server, asked)
                if Bool.random(using: &random) { try pair.run() }
                end(pair.client, stream)
            }
        }
        // Both take everything now.
        for side in [pair.client, pair.server] {
            side.heard.consumes = true
        }
        for _ in 0..<3000 {
            try pair.run()
            for side in [pair.client, pair.server] {
                for stream in side.heard.live.values where stream.unconsumed > 0 {
                    side.session.consumed(stream, stream.unconsumed)
                }
            }
        }
        for (id, counts) in sent {
            // Nothing opens a window of zero bytes again.
            if pair.server.session.limits.streamWindowBytes > 0 || counts.up == 0 {
                #expect(pair.server.heard[id].body.count == counts.up)
                #expect(pair.server.heard[id].ended)
            }
            if pair.client.session.limits.streamWindowBytes > 0 || counts.down == 0 {
                #expect(pair.client.heard[id].body.count == counts.down)
                #expect(pair.client.heard[id].ended)
            }
        }
        for side in [pair.client, pair.server] {
            #expect(side.session.endings.isEmpty)
            #expect(Raw.goAwayCode(try side.output()) == nil)
        }
    }
}
