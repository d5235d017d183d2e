import HTTPModel
import Testing

@testable import HTTP2

/// Frames that cost us work, and whose contents nghttp2 does not deliver.
@Suite struct UndeliveredFloodTests {
    private static let bomb = Array(repeating: FieldFloodTests.indexed, count: 16_000)

    /// A server whose peer has filled the dynamic table and reset its stream 1.
    private func server() throws -> Side {
        let side = Side(.server)
        try side.input(Raw.hello + Raw.frame(1, flags: 4, stream: 1, FieldFloodTests.head + FieldFloodTests.define))
        try side.input(Raw.reset(stream: 1, 8))
        return side
    }

    /// Sends until the connection ends; how often that was.
    private func sent(_ side: Side, _ frames: (UInt32) -> [UInt8]) throws -> Int {
        for count in 0..<1000 {
            do { try side.input(frames(UInt32(count) * 2 + 3)) } catch {
                #expect(error as? Session.Misuse == .fieldFlood)
                #expect(Raw.goAwayCode(try side.output()) == 11)
                return count
            }
            _ = try side.output()
        }
        return 1000
    }

    @Test("large sections for a stream that is closed end the connection")
    func closedStream() throws {
        let count = try sent(server()) { _ in Raw.frame(1, flags: 5, stream: 1, Self.bomb) }
        #expect(count > 100 && count < 200)
    }

    @Test(
        "and so do those that begin with a malformed field",
        arguments: [
            [0, 1, UInt8(ascii: "X"), 1, UInt8(ascii: "v")], Raw.block([("connection", "close")]), Raw.block([("x", "a\nb")]),
        ])
    func malformed(field: [UInt8]) throws {
        let count = try sent(server()) { Raw.frame(1, flags: 5, stream: $0, field + Self.bomb) }
        #expect(count > 100 && count < 200)
        let continued = try sent(server()) {
            Raw.frame(1, flags: 1, stream: $0, [0x83]) + Raw.frame(9, flags: 4, stream: $0, field + Self.bomb)
        }
        #expect(continued > 100 && continued < 200)
    }

    @Test("a good head in between takes nothing back")
    func goodBetween() throws {
        let count = try sent(server()) {
            Raw.frame(1, flags: 5, stream: 1, Self.bomb) + Raw.headers(stream: $0, Side.get) + Raw.reset(stream: $0, 8)
        }
        #expect(count > 100 && count < 200)
    }

    @Test("small sections for streams that are closed, and large ones that are heard, cost nothing")
    func busy() throws {
        let side = try server()
        for _ in 0..<10_000 {
            try side.input(Raw.frame(1, flags: 5, stream: 1, Array(repeating: FieldFloodTests.indexed, count: 1024)))
        }
        let large =
            Raw.block(Side.get) + Array(repeating: FieldFloodTests.indexed, count: 3)
            + (0..<40).flatMap { Raw.block([("x-\($0)", String(repeating: "v", count: 100))]) }
        for id: UInt32 in stride(from: 3, to: 2003, by: 2) {
            try side.input(Raw.frame(1, flags: 5, stream: id, large))
            side.respond(try #require(side.heard.live[Int32(id)]), ended: true)
            _ = try side.output()
        }
        #expect(side.session.fault == nil)
    }

    @Test("resets that malformed trailers provoke are allowed as resets are; one more ends the connection")
    func provokedResets() throws {
        let side = Side(
            .server,
            ConnectionLimits.with {
                $0.resetBurst = 20; $0.resetsPerSecond = 5
            })
        try side.input(Raw.hello)
        var id: UInt32 = 1
        func provoke(at second: UInt64) throws -> [UInt8] {
            let bytes = Raw.headers(stream: id, Side.post, ended: false) + Raw.headers(stream: id, [("Upper", "v")])
            id += 2
            try side.input(bytes, now: second * 1_000_000_000)
            return try side.output(now: second * 1_000_000_000)
        }
        for _ in 0..<20 { #expect(Raw.goAwayCode(try provoke(at: 7)) == nil) }
        for _ in 0..<5 { #expect(Raw.goAwayCode(try provoke(at: 8)) == nil) }
        #expect(Raw.goAwayCode(try provoke(at: 8)) == 11)
        #expect(side.session.fault == .resetFlood)
        #expect(side.session.isFinished)
    }
}
