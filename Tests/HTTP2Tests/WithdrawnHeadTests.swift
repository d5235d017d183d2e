import Bytes
import HTTPModel
import HTTPTesting
import Testing

@testable import HTTP2

/// Heads that may be withdrawn until they are written.
@Suite("Heads of answers that may be withdrawn")
struct WithdrawnHeadTests {
    /// Types and flags, stream by stream.
    private func sent(_ side: Side) throws -> [String] { try side.messageFrames().map { "\($0.stream) \($0.type)/\($0.flags)" } }

    private func hold(_ side: Side, _ stream: StreamPointer) {
        side.session.holdResponse(stream, UnsafeBufferPointer(stream.fields.keepFields([(":status", "200"), ("x-first", "1")])))
    }

    @Test("one that is not withdrawn leaves in front of its body", arguments: [0, 1, 2])
    func kept(ending: Int) throws {
        let side = try Side.server([1, 3])
        let stream = try #require(side.heard.live[3])
        side.respond(try #require(side.heard.live[1]), ended: true)
        hold(side, stream)
        #expect(stream.flags.isSuperset(of: [.headSent, .headWaits]) && side.session.wantsToSend)
        if ending > 0 { side.send(stream, [1, 2, 3]) }
        if ending == 1 { side.session.finish(stream) }
        if ending == 2 { side.finish(stream, trailers: [("grpc-status", "0")]) }
        let body = [[], ["3 0/1"], ["3 0/0", "3 1/5"]][ending]
        #expect(try sent(side) == ["1 1/5", "3 1/4"] + body)
        #expect(side.session.heads.isEmpty)
        if ending == 0 { #expect(stream.flags.intersection([.headSent, .headWaits]) == .headSent) }
    }

    @Test("trailers without a body do not overtake it")
    func trailers() throws {
        let side = try Side.server()
        let stream = try #require(side.heard.live[1])
        hold(side, stream)
        side.finish(stream, trailers: [("grpc-status", "0")])
        #expect(try sent(side) == ["1 1/4", "1 1/5"])
    }

    @Test("a withdrawn one leaves nothing, of its body neither, and another takes its place", arguments: [0, 1, 2])
    func withdrawn(ending: Int) throws {
        let side = try Side.server()
        let stream = try #require(side.heard.live[1])
        hold(side, stream)
        if ending == 1 { side.send(stream, [1, 2, 3]) }
        if ending == 2 { side.session.finish(stream) }
        side.session.withdrawHead(of: stream)
        #expect(stream.flags.isDisjoint(with: [.headSent, .headWaits]) && side.session.queuedBytes == 0)
        side.respond(stream, [(":status", "502")], ended: false)
        side.send(stream, [7])
        side.session.finish(stream)
        let frames = try side.messageFrames()
        #expect(frames.map(\.type) == [1, 0] && frames.last?.payload == [7])
        #expect(side.heard[1].closed == .complete && side.session.streamCount == 0)
    }

    @Test("of two that wait the first or the second is withdrawn: the other leaves with its own body", arguments: [1, 3])
    func oneOfTwo(withdrawn: Int32) throws {
        let side = try Side.server([1, 3])
        for id: Int32 in [1, 3] {
            let stream = try #require(side.heard.live[id])
            hold(side, stream)
            side.send(stream, [UInt8(id)])
            side.session.finish(stream)
        }
        side.session.withdrawHead(of: try #require(side.heard.live[withdrawn]))
        #expect(side.session.heads.count == 1 && side.session.queuedBytes == 1)
        let other = 4 - withdrawn
        let frames = try side.messageFrames()
        #expect(frames.map { "\($0.stream) \($0.type)/\($0.flags)" } == ["\(other) 1/4", "\(other) 0/1"])
        #expect(frames.last?.payload == [UInt8(other)] && side.heard[other].closed == .complete)
        // The withdrawn one is answered anew.
        side.respond(try #require(side.heard.live[withdrawn]), [(":status", "502")], ended: true)
        #expect(try sent(side) == ["\(withdrawn) 1/5"])
    }

    @Test("one for which there was no room can be withdrawn no more, and leaves before a reset", arguments: [false, true])
    func noRoom(withBody: Bool) throws {
        let side = try Side.server(ended: false)
        let stream = try #require(side.heard.live[1])
        hold(side, stream)
        if withBody { side.send(stream, [1, 2, 3]) }
        #expect(try side.output(limit: 0) == [])
        #expect(stream.flags.intersection([.headSent, .headWaits]) == .headSent && side.session.wantsToSend)
        side.session.withdrawHead(of: stream)
        side.session.reset(stream, .internalError)
        #expect(side.session.queuedBytes == 0)
        #expect(try sent(side) == ["1 1/4", "1 3/0"])
        #expect(side.heard[1].closed == .reset(2) && side.session.resets.isEmpty)
    }

    @Test("what has left cannot be withdrawn")
    func left() throws {
        let side = try Side.server()
        let stream = try #require(side.heard.live[1])
        hold(side, stream)
        #expect(try sent(side) == ["1 1/4"])
        side.session.withdrawHead(of: stream)
        #expect(stream.flags.contains(.headSent))
    }

    @Test("a reset leaves behind it, and the caller's own comes before: then it has not been sent", arguments: [true, false])
    func reset(byCaller: Bool) throws {
        let side = try Side.server(ended: false)
        let stream = try #require(side.heard.live[1])
        hold(side, stream)
        if byCaller {
            try side.input(Raw.reset(stream: 1, 8))
            #expect(side.session.heads.isEmpty)
            #expect(try sent(side) == [])
        } else {
            side.session.reset(stream, .internalError)
            #expect(try sent(side) == ["1 1/4", "1 3/0"])
        }
    }

    @Test("a connection that is lost takes it with it")
    func lost() throws {
        let side = try Side.server()
        hold(side, try #require(side.heard.live[1]))
        side.lose()
        #expect(side.heard[1].closed == .connectionLost && side.session.heads.isEmpty)
    }
}
