import Bytes
import HTTPModel
import HTTPTesting
import Testing

@testable import HTTP2

/// Sections that decode to far more than they are on the wire (RFC 9113, section 10.5.1; RFC 7541, section 7.3).
@Suite struct FieldFloodTests {
    /// One field that fills the dynamic table: index 62, one byte on the wire, 4,096 bytes of a list.
    static let define: [UInt8] = [0x40, 1, UInt8(ascii: "x"), 0x7f, 0xe0, 0x1e] + Array(repeating: UInt8(ascii: "v"), count: 4063)
    static let indexed: UInt8 = 0x80 | 62
    /// Its authority is not indexed: the table is full.
    static let head: [UInt8] = [0x83, 0x86, 0x84, 0x01, 1, UInt8(ascii: "a")]
    static let entryBytes = 4096
    static let headBytes =
        (":method".utf8.count + 4 + 32) + (":scheme".utf8.count + 4 + 32) + (":path".utf8.count + 1 + 32)
        + (":authority".utf8.count + 1 + 32)

    static func request(_ stream: UInt32, count: Int) -> [UInt8] {
        Raw.frame(1, flags: 5, stream: stream, head + Array(repeating: indexed, count: count))
    }

    /// A server whose peer has filled the dynamic table.
    private func server(_ limits: ConnectionLimits = .defaults) throws -> Side {
        let side = Side(.server, limits)
        try side.input(Raw.hello + Raw.frame(1, flags: 5, stream: 1, Self.head + Self.define))
        #expect(side.heard[1].head?.count == 5)
        return side
    }

    @Test("a frame that indexes one field thousands of times is cut within it, with ENHANCE_YOUR_CALM")
    func frame() throws {
        let side = try server()
        #expect(throws: Session.Misuse.sectionTooLarge) { try side.input(Self.request(3, count: 16_000)) }
        #expect(Raw.goAwayCode(try side.output()) == 11)
        // 14 fields are kept below 60 KiB. Of what is decoded for nothing, 196 KiB come before the cut, of 62 MiB.
        #expect(side.session.flood.excessFields == 49)
        #expect(side.session.flood.excessBytes == 49 * Self.entryBytes)
        #expect(side.heard[3].head == nil)
    }

    @Test("a section of 256 KiB costs its call, one field more the connection", arguments: [0, 1])
    func section(over: Int) throws {
        let side = try server()
        // As many whole entries as fit, and a literal for the rest.
        let room = (256 << 10) - Self.headBytes - 63 * Self.entryBytes
        let rest = room - 32 - 1 + over
        let literal: [UInt8] = [0, 1, UInt8(ascii: "y"), 0x7f] + Self.continued(rest - 127) + Array(repeating: 0x61, count: rest)
        let block = Self.head + Array(repeating: Self.indexed, count: 63) + literal
        let bytes = Raw.frame(1, flags: 5, stream: 3, block)
        if over == 0 {
            try side.input(bytes)
            #expect(side.heard[3].headTooLarge)
            #expect(side.session.streamCount == 2)
        } else {
            #expect(throws: Session.Misuse.sectionTooLarge) { try side.input(bytes) }
        }
    }

    /// The rest of an integer behind a full prefix (RFC 7541, section 5.1).
    static func continued(_ value: Int) -> [UInt8] {
        var (value, bytes) = (value, [UInt8]())
        while value >= 128 {
            bytes.append(UInt8(value & 127) | 128)
            value >>= 7
        }
        return bytes + [UInt8(value)]
    }

    @Test("sections just above the limit are refused one by one, until 256 KiB were decoded for nothing; time gives them back")
    func manySections() throws {
        let side = try server()
        var id: UInt32 = 3
        func send(at second: UInt64) throws {
            // One field of 15 is beyond the limit.
            try side.input(Self.request(id, count: 15), now: second * 1_000_000_000)
            side.respond(try #require(side.heard.live[Int32(id)]), [(":status", "431")], ended: true)
            _ = try side.output()
            id += 2
        }
        for _ in 0..<64 { try send(at: 7) }
        #expect(side.session.flood.excessBytes == 256 << 10)
        for _ in 0..<16 { try send(at: 8) }
        #expect(throws: Session.Misuse.fieldFlood) { try side.input(Self.request(id, count: 15), now: 8_999_999_999) }
        #expect(Raw.goAwayCode(try side.output()) == 11)
    }

    @Test("CONTINUATION frames are part of their section")
    func continuation() throws {
        let side = try server()
        try side.input(Raw.frame(1, flags: 1, stream: 3, Self.head + Array(repeating: Self.indexed, count: 60)))
        #expect(throws: Session.Misuse.sectionTooLarge) {
            try side.input(Raw.frame(9, stream: 3, Array(repeating: Self.indexed, count: 10)))
        }
    }

    @Test("the trailers of a request are counted as its head is")
    func trailers() throws {
        let side = try server()
        try side.input(Raw.frame(1, flags: 4, stream: 3, Self.head))
        #expect(throws: Session.Misuse.sectionTooLarge) {
            try side.input(Raw.frame(1, flags: 5, stream: 3, Array(repeating: Self.indexed, count: 16_000)))
        }
        #expect(side.session.flood.excessFields == 49)
    }

    @Test("an upstream's heads, heads of 1xx and trailers are counted", arguments: ["head", "1xx", "trailers"])
    func answers(section: String) throws {
        let side = Side(.client)
        try side.input(Raw.settings)
        side.request()
        _ = try side.output()
        let (ok, early): ([UInt8], [UInt8]) = ([0x88], [0x08, 3] + Array("103".utf8))
        let bomb = Array(repeating: Self.indexed, count: 12_000)
        switch section {
        case "head":
            #expect(throws: Session.Misuse.sectionTooLarge) {
                try side.input(Raw.frame(1, flags: 4, stream: 1, ok + Self.define + bomb))
            }
        case "1xx":
            try side.input(Raw.frame(1, flags: 4, stream: 1, early + Self.define))
            for _ in 0..<64 {
                try side.input(Raw.frame(1, flags: 4, stream: 1, early + Array(repeating: Self.indexed, count: 15)))
            }
            // The stream is not to blame for what was not passed on.
            #expect(side.heard[1].informational.count == 1)
            #expect(throws: Session.Misuse.fieldFlood) {
                try side.input(Raw.frame(1, flags: 4, stream: 1, early + Array(repeating: Self.indexed, count: 15)))
            }
        default:
            try side.input(Raw.frame(1, flags: 4, stream: 1, ok + Self.define))
            #expect(throws: Session.Misuse.sectionTooLarge) { try side.input(Raw.frame(1, flags: 5, stream: 1, bomb)) }
        }
        #expect(Raw.goAwayCode(try side.output()) == 11)
    }

    @Test("a final head behind one of 1xx that was too large is read as if nothing had been")
    func headAfterLargeInterim() throws {
        let side = Side(.client)
        try side.input(Raw.settings)
        side.request()
        _ = try side.output()
        let early: [UInt8] = [0x08, 3] + Array("103".utf8)
        try side.input(Raw.frame(1, flags: 4, stream: 1, early + Self.define + Array(repeating: Self.indexed, count: 20)))
        try side.input(Raw.frame(1, flags: 5, stream: 1, [0x88]))
        #expect(side.heard[1].informational.isEmpty)
        #expect(side.heard[1].head == [":status: 200"])
        #expect(!side.heard[1].headTooLarge)
    }
}

/// What is left of a section that is larger than allowed, and what a connection that had to end says of itself.
@Suite struct LargeSectionTests {
    private func answered(_ trailers: [(String, String)], _ change: (inout ConnectionLimits) -> Void = { _ in }) throws -> Side {
        let pair = Pair(client: ConnectionLimits.with(change))
        _ = try #require(pair.client.request(Side.post))
        try pair.run()
        let asked = try #require(pair.server.heard.live[1])
        pair.server.respond(asked, ended: false)
        pair.server.finish(asked, trailers: trailers)
        try pair.run()
        return pair.client
    }

    @Test("of trailers that are too large the status and a piece of the message are kept, wherever they stand")
    func essentials() throws {
        let text = String(repeating: "m", count: 5000)
        let details = ("grpc-status-details-bin", String(repeating: "d", count: 60 << 10))
        let first = try answered([
            details, ("grpc-status", "9"), ("grpc-message", text), ("x", String(repeating: "e", count: 1000)),
        ]) {
            $0.fieldListBytes = 61 << 10
        }
        #expect(first.heard[1].trailers?.first { $0.hasPrefix("grpc-status:") } == "grpc-status: 9")
        let second = try answered([("grpc-status", "9"), ("grpc-message", String(repeating: "m", count: 9000)), details]) {
            $0.fieldListBytes = 8192
        }
        #expect(second.heard[1].trailers == ["grpc-status: 9", "grpc-message: " + String(repeating: "m", count: 4096 + 16)])
        let many = try answered((0..<100).map { ("x-\($0)", "v") } + [("grpc-status", "5"), ("grpc-message", "gone")])
        #expect(many.heard[1].trailers?.suffix(2) == ["grpc-status: 5", "grpc-message: gone"])
        #expect(many.heard[1].trailers?.count == 102)
    }

    @Test("a string that nghttp2 cannot read on behind ends the connection, which says why")
    func longString() throws {
        let pair = Pair()
        pair.client.request(Side.get + [("x", String(repeating: "~", count: 66_000))])
        try pair.run()
        #expect(pair.server.session.fault == .headerCompression)
        #expect(pair.server.session.fault?.isLimit == true)
        pair.server.lose()
    }

    @Test("the streams of a connection that our limits have ended hear that it was they")
    func limitExceeded() throws {
        let side = Side(.client)
        try side.input(Raw.settings)
        side.request()
        side.request()
        _ = try side.output()
        let block = [0x88] + FieldFloodTests.define + Array(repeating: FieldFloodTests.indexed, count: 1000)
        #expect(throws: Session.Misuse.sectionTooLarge) { try side.input(Raw.frame(1, flags: 4, stream: 1, block)) }
        side.lose()
        #expect(side.heard[1].closed == .limitExceeded)
        #expect(side.heard[3].closed == .limitExceeded)
        // A peer that breaks the protocol is another matter.
        let other = Side(.client)
        try other.input(Raw.settings)
        other.request()
        _ = try other.output()
        try? other.input(Raw.frame(1, flags: 4, stream: 2, [0x88]))
        _ = try? other.output()
        #expect(other.session.fault == .protocolError)
        other.lose()
        #expect(other.heard[1].closed == .connectionLost)
    }

    @Test(
        "a head as large as the peer takes is sent; one byte more is not, and nothing of it reaches the connection",
        arguments: [0, 1])
    func peersLimit(over: Int) throws {
        let pair = Pair(server: ConnectionLimits.with { $0.fieldListBytes = 8192 })
        try pair.run()
        #expect(pair.client.session.peerFieldListBytesMax == 8192)
        let bare = Side.get.reduce(0) { $0 + $1.0.utf8.count + $1.1.utf8.count + 32 }
        let fields = Side.get + [("x", String(repeating: "v", count: 8192 - bare - 33 + over))]
        if over == 1 {
            #expect(throws: RequestRefusal.headTooLarge(bytes: 8193, bytesMax: 8192)) {
                let stream = pair.client.session.makeStream()
                try pair.client.session.submitRequest(
                    stream, UnsafeBufferPointer(stream.fields.keepFields(fields)), ended: true)
            }
            #expect(pair.client.session.streamCount == 0)
        } else {
            pair.client.request(fields)
        }
        try pair.run()
        #expect((pair.server.heard[1].head != nil) == (over == 0))
        #expect(!pair.server.heard[1].headTooLarge)
        pair.client.request()
        try pair.run()
        #expect(pair.server.heard[over == 0 ? 3 : 1].head?.count == 4)
    }
}
