import Bytes
import HTTPModel
import Testing

@testable import HTTP2

/// Each limit, met and exceeded by one.
@Suite struct LimitTests {
    @Test("as many fields as allowed arrive; one more is not kept and the head is marked", arguments: [0, 1])
    func fieldCount(over: Int) throws {
        let pair = Pair(server: ConnectionLimits.with { $0.fieldCount = 10 })
        let extra = (0..<(10 - 4 + over)).map { ("x-\($0)", "v") }
        pair.client.request(Side.get + extra)
        try pair.run()
        #expect(pair.server.heard[1].head?.count == 10)
        #expect(pair.server.heard[1].headTooLarge == (over == 1))
    }

    @Test("as many bytes of fields as allowed arrive; one more is not kept and the head is marked", arguments: [0, 1])
    func fieldListBytes(over: Int) throws {
        let pair = Pair(server: ConnectionLimits.with { $0.fieldListBytes = 1000 })
        let bare = Side.get.reduce(0) { $0 + $1.0.utf8.count + $1.1.utf8.count + 32 }
        let value = String(repeating: "v", count: 1000 - bare - 32 - 1 + over)
        pair.client.request(Side.get + [("x", value)])
        try pair.run()
        #expect(pair.server.heard[1].head?.count == (over == 1 ? 4 : 5))
        #expect(pair.server.heard[1].headTooLarge == (over == 1))
        // The compression state is kept: the next request is read well.
        pair.client.request(Side.get + [("y", "z")])
        try pair.run()
        #expect(pair.server.heard[3].head?.last == "y: z")
        #expect(!pair.server.heard[3].headTooLarge)
    }

    @Test("a trailer section has the limit to itself, and one more is not kept and marks the stream", arguments: [0, 1])
    func trailersCount(over: Int) throws {
        let pair = Pair(server: ConnectionLimits.with { $0.fieldCount = 7 })
        let stream = try #require(pair.client.request(Side.post, ended: false))
        pair.client.finish(stream, trailers: (0..<(7 + over)).map { ("x-\($0)", "v") })
        try pair.run()
        #expect(pair.server.heard[1].trailers?.count == 7)
        #expect(pair.server.heard.live[1]?.pointee.flags.contains(.headTooLarge) == (over == 1))
    }

    @Test("as many heads of 1xx arrive as a stream may have; the next resets it", arguments: [0, 1])
    func interimAnswers(over: Int) throws {
        let pair = Pair()
        let stream = try #require(pair.client.request(Side.get))
        let id = stream.id
        try pair.run()
        let asked = try #require(pair.server.heard.live[id])
        for _ in 0..<(100 + over) {
            [Field(":status", "103", token: .status)].withUnsafeBufferPointer { pair.server.session.submitInformational(asked, $0) }
        }
        try pair.run()
        #expect(pair.server.heard[id].closed == (over == 1 ? .reset(11) : nil))
    }

    @Test("a head of a mebibyte goes through where the limit allows it, each field of 60 KiB")
    func largeHead() throws {
        let pair = Pair(server: ConnectionLimits.with { $0.fieldListBytes = 1 << 20 })
        let value = String(repeating: "v", count: 60 << 10)
        pair.client.request(Side.get + (0..<16).map { ("x-\($0)", value) })
        try pair.run()
        #expect(pair.server.heard[1].head?.count == Side.get.count + 16)
        #expect(!pair.server.heard[1].headTooLarge)
    }

    @Test("a stream beyond the limit is refused as long as the peer may not know it, and the connection goes on")
    func streams() throws {
        let side = Side(.server, ConnectionLimits.with { $0.streams = 2 })
        try side.input(Raw.hello)
        _ = try side.output()
        for id: UInt32 in [1, 3, 5] { try side.input(Raw.headers(stream: id, Side.get)) }
        #expect(side.session.streamCount == 2)
        #expect(Raw.resetCode(try side.output(), stream: 5) == 7)
        side.respond(try #require(side.heard.live[1]), ended: true)
        _ = try side.output()
        try side.input(Raw.headers(stream: 7, Side.get))
        #expect(side.heard[7].head != nil)
    }

    @Test("a peer that has acknowledged the limit and goes beyond it breaks the protocol")
    func streamsKnown() throws {
        let side = Side(.server, ConnectionLimits.with { $0.streams = 2 })
        try side.input(Raw.hello + Raw.frame(4, flags: 1))
        for id: UInt32 in [1, 3, 5] { try side.input(Raw.headers(stream: id, Side.get)) }
        #expect(side.session.streamCount <= 2)
        #expect(side.heard[5].head == nil)
        #expect(Raw.goAwayCode(try side.output()) == 1)
    }

    @Test("SETTINGS frames within a second: as many as allowed, then ENHANCE_YOUR_CALM; a new second begins anew")
    func settingsFlood() throws {
        let limit = ConnectionLimits.defaults.settingsPerSecond
        let side = Side(.server)
        try side.input(Raw.preface, now: 5_000_000_000)
        for _ in 0..<limit { try side.input(Raw.settings, now: 5_999_999_999) }
        for _ in 0..<limit { try side.input(Raw.settings, now: 6_000_000_000) }
        #expect(throws: Session.Misuse.settingsFlood) { try side.input(Raw.settings, now: 6_000_000_001) }
        #expect(Raw.goAwayCode(try side.output()) == 11)
    }

    @Test("empty DATA frames within a second are counted; one that ends its stream is not")
    func emptyData() throws {
        let limit = ConnectionLimits.defaults.emptyFramesPerSecond
        let side = Side(.server)
        try side.input(Raw.hello + Raw.headers(stream: 1, Side.post, ended: false))
        for _ in 0..<limit { try side.input(Raw.data(stream: 1, [])) }
        try side.input(Raw.data(stream: 1, [], ended: true))
        #expect(side.heard[1].ended)
        try side.input(Raw.headers(stream: 3, Side.post, ended: false))
        #expect(throws: Session.Misuse.emptyFrameFlood) { try side.input(Raw.data(stream: 3, [])) }
        #expect(Raw.goAwayCode(try side.output()) == 11)
    }

    @Test(
        "PING, WINDOW_UPDATE and PRIORITY are counted against what we sent, beyond a thousand a second",
        arguments: [
            Raw.frame(6, Array(repeating: 0, count: 8)), Raw.frame(8, [0, 0, 0, 1]), Raw.frame(2, stream: 1, [0, 0, 0, 0, 16]),
        ])
    func controlFlood(frame: [UInt8]) throws {
        let side = Side(.server)
        try side.input(Raw.hello)
        for _ in 0..<1000 {
            try side.input(frame)
            _ = try side.output()
        }
        #expect(throws: Session.Misuse.controlFlood) { try side.input(frame) }
        #expect(Raw.goAwayCode(try side.output()) == 11)
    }

    @Test("a connection that is kept alive by PINGs is kept for good: the thousand come anew with every second")
    func controlFramesRefilled() throws {
        let side = Side(.server)
        try side.input(Raw.hello)
        let ping = Raw.frame(6, Array(repeating: 0, count: 8))
        for second in 1...3 {
            for _ in 0..<1000 {
                try side.input(ping, now: UInt64(second) * 1_000_000_000)
                _ = try side.output()
            }
        }
        #expect(throws: Session.Misuse.controlFlood) { try side.input(ping, now: 3_999_999_999) }
    }

    @Test("each DATA or HEADERS frame that we send allows ten more of them")
    func controlFramesAllowed() throws {
        let side = Side(.server)
        try side.input(Raw.hello)
        let ping = Raw.frame(6, Array(repeating: 0, count: 8))
        for _ in 0..<1000 {
            try side.input(ping)
            _ = try side.output()
        }
        try side.input(Raw.headers(stream: 1, Side.get))
        side.respond(try #require(side.heard.live[1]), ended: true)
        _ = try side.output()
        for _ in 0..<10 { try side.input(ping) }
        #expect(throws: Session.Misuse.controlFlood) { try side.input(ping) }
    }

    /// A section in so many CONTINUATION frames, the last of which ends it.
    private static func pieces(_ type: [UInt8], _ count: Int, each: [UInt8]) -> [UInt8] {
        (1...count).reduce(type) { bytes, index in
            bytes + Raw.frame(9, flags: index == count ? 4 : 0, stream: 1, each)
        }
    }

    @Test("a head in 30 CONTINUATION frames is read, and so are an answer's trailers")
    func smallContinuations() throws {
        let fields = Raw.block([("x-a", "v"), ("x-b", String(repeating: "v", count: 30))])
        let server = Side(.server)
        try server.input(Raw.hello + Self.pieces(Raw.frame(1, flags: 1, stream: 1, Raw.block(Side.get)), 30, each: fields))
        #expect(server.heard[1].head?.count == 64)
        let client = Side(.client)
        try client.input(Raw.settings)
        client.request()
        _ = try client.output()
        try client.input(Raw.headers(stream: 1, [(":status", "200")], ended: false))
        try client.input(Self.pieces(Raw.frame(1, flags: 1, stream: 1, Raw.block([("grpc-status", "0")])), 30, each: fields))
        #expect(client.heard[1].trailers?.count == 61)
    }

    @Test("a section may come in 1,024 CONTINUATION frames; one more ends the connection, which says why", arguments: [0, 1])
    func continuations(over: Int) throws {
        #expect(ConnectionLimits.defaults.continuationsMax == 1024)
        let side = Side(.server, ConnectionLimits.with { $0.fieldCount = 2000 })
        let bytes = Self.pieces(Raw.frame(1, flags: 1, stream: 1, Raw.block(Side.get)), 1024 + over, each: [0, 1, 0x78, 1, 0x76])
        if over == 0 {
            try side.input(Raw.hello + bytes)
            #expect(side.heard[1].head?.count == 4 + 1024)
        } else {
            #expect(throws: Session.Misuse.sectionTooLarge) { try side.input(Raw.hello + bytes) }
            #expect(side.session.fault == .sectionTooLarge)
            #expect(Raw.goAwayCode(try side.output()) == 11)
        }
    }

    @Test("streams begun and reset again and again end the connection")
    func resetFlood() throws {
        let side = Side(
            .server,
            ConnectionLimits.with {
                $0.resetBurst = 20; $0.resetsPerSecond = 1
            })
        try side.input(Raw.hello)
        var answer: [UInt8] = []
        var id: UInt32 = 1
        while id < 200, Raw.goAwayCode(answer) == nil {
            do { try side.input(Raw.headers(stream: id, Side.get) + Raw.reset(stream: id, 8)) } catch {}
            answer += try side.output()
            id += 2
        }
        #expect(id > 40 && id < 60)
        #expect(Raw.goAwayCode(answer) == 11)
        #expect(side.session.fault == .resetFlood)
    }
}
