import Bytes
import HTTPModel
import Testing

@testable import HTTP2

@Suite struct FlowControlTests {
    /// A server that takes nothing until told, and a client that has filled one of its streams.
    func filled(window: Int32 = 70_000, connection: Int32 = 100_000) throws -> (Pair, StreamPointer) {
        let pair = Pair(
            server: ConnectionLimits.with {
                $0.streamWindowBytes = window; $0.connectionWindowBytes = connection
            })
        pair.server.heard.consumes = false
        try pair.run()
        let stream = try #require(pair.client.request(Side.post, ended: false))
        pair.client.send(stream, Array(repeating: 1, count: 1_000_000))
        try pair.run()
        return (pair, stream)
    }

    @Test("a stream sends its window and no more until its receiver accepts")
    func streamWindow() throws {
        let (pair, _) = try filled()
        #expect(pair.server.heard[1].body.count == 70_000)
        let asked = try #require(pair.server.heard.live[1])
        #expect(asked.pointee.unconsumed == 70_000)
        // Below half a window nothing is said: updates are worth their frame.
        pair.server.session.consumed(asked, 40_000)
        try pair.run()
        #expect(pair.server.heard[1].body.count == 110_000)
        #expect(asked.pointee.unconsumed == 70_000)
    }

    @Test("a stream whose receiver is slow holds up no other on the connection")
    func slowReader() throws {
        let (pair, _) = try filled()
        for index in 1...10 {
            let other = try #require(pair.client.request(Side.post, ended: false))
            pair.client.send(other, Array(repeating: 2, count: 60_000))
            pair.client.session.finish(other)
            try pair.run()
            let id = Int32(index * 2 + 1)
            #expect(pair.server.heard[id].body.count == 60_000)
            #expect(pair.server.heard[id].ended)
        }
        #expect(pair.server.heard[1].body.count == 70_000)
    }

    @Test("what a stream's end left unaccepted was given back to the connection: it never runs dry")
    func connectionNeverRunsDry() throws {
        let pair = Pair(
            server: ConnectionLimits.with {
                $0.streamWindowBytes = 70_000; $0.connectionWindowBytes = 100_000
            })
        pair.server.heard.consumes = false
        try pair.run()
        for index in 0..<50 {
            let stream = try #require(pair.client.request(Side.post, ended: false))
            pair.client.send(stream, Array(repeating: 1, count: 69_000))
            try pair.run()
            #expect(pair.server.heard[Int32(index * 2 + 1)].body.count == 69_000)
            pair.client.session.reset(stream, .cancel)
            try pair.run()
        }
    }

    @Test("data for a stream that we have reset is thrown away, and the connection's window still given back")
    func dataAfterReset() throws {
        let pair = Pair(
            server: ConnectionLimits.with {
                $0.streamWindowBytes = 70_000; $0.connectionWindowBytes = 100_000
            })
        try pair.run()
        for _ in 0..<20 {
            let stream = try #require(pair.client.request(Side.post, ended: false))
            let id = stream.id
            pair.client.send(stream, [1])
            try pair.server.input(try pair.client.output())
            pair.client.send(stream, Array(repeating: 1, count: 69_000))
            let late = try pair.client.output()
            pair.server.session.reset(try #require(pair.server.heard.live[id]), .cancel)
            try pair.server.input(late)
            #expect(pair.server.heard[id].body == [1])
            try pair.run()
        }
        let last = try #require(pair.client.request(Side.post, ended: false))
        pair.client.send(last, Array(repeating: 1, count: 69_000))
        let id = last.pointee.id
        try pair.run()
        #expect(pair.server.heard[id].body.count == 69_000)
    }

    @Test("a sender who ignores the window is told FLOW_CONTROL_ERROR")
    func violated() throws {
        let side = Side(.server, ConnectionLimits.with { $0.streamWindowBytes = 100 })
        side.heard.consumes = false
        // Our settings are in force once they are acknowledged.
        try side.input(Raw.hello + Raw.frame(4, flags: 1) + Raw.headers(stream: 1, Side.post, ended: false))
        try side.input(Raw.data(stream: 1, Array(repeating: 0, count: 100)))
        _ = try side.output()
        do { try side.input(Raw.data(stream: 1, [0])) } catch {}
        let answer = try side.output()
        #expect(Raw.goAwayCode(answer) == 3 || Raw.resetCode(answer, stream: 1) == 3)
        // nghttp2 hands the frame on that broke the rule, and nothing behind it.
        #expect(side.heard[1].body.count <= 101)
    }

    @Test("a reset drops what waits at once, and cuts no frame that has begun")
    func resetDrops() throws {
        let (pair, stream) = try filled()
        #expect(pair.client.session.queuedBytes == 930_000)
        // Room for less than one frame: the next is made and held.
        pair.server.session.consumed(try #require(pair.server.heard.live[1]), 70_000)
        try pair.client.input(pair.server.output())
        let begun = try pair.client.output(limit: 1)
        pair.client.session.reset(stream, .cancel)
        #expect(pair.client.session.queuedBytes <= 16_384)
        try pair.server.input(begun)
        try pair.run()
        #expect(pair.client.session.queuedBytes == 0)
        #expect(pair.server.heard[1].body.allSatisfy { $0 == 1 })
        #expect(pair.server.heard[1].closed == .reset(8))
    }
}
