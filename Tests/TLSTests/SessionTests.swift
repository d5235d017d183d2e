import Bytes
import Testing

@testable import TLS

@Suite struct SessionTests {
    let world = World()

    private func pair(_ version: ProtocolVersion, step: Int = .max, name: String = "a.test") throws -> Pair {
        let pair = Pair(try world.server(), try world.client(), name: name, step: step)
        pair.client.limit(to: version)
        return pair
    }

    @Test("both sides agree on version, protocol, name and cipher", arguments: [ProtocolVersion.tls12, .tls13])
    func facts(version: ProtocolVersion) throws {
        let pair = try pair(version).exchange()
        #expect(pair.isEstablished)
        for end in [pair.client, pair.server] {
            #expect(end.version == version)
            #expect(end.applicationProtocol == .http2)
            #expect(end.serverName == "a.test")
            #expect(end.cipher.contains("GCM"))
            #expect(!end.isResumed)
        }
        #expect(pair.client.peerCertificate?.names == [.dns("a.test"), .commonName("a.test")])
        #expect(pair.server.peerCertificate == nil)
    }

    @Test(
        "handshake, data and close survive any split of the bytes",
        arguments: [ProtocolVersion.tls12, .tls13], [1, 2, 3, 5, 7, 64, 1000])
    func splits(version: ProtocolVersion, step: Int) throws {
        let pair = try pair(version, step: step).exchange()
        #expect(pair.isEstablished)
        try pair.client.write(Array("a question".utf8))
        try pair.server.write(Array("an answer".utf8))
        pair.exchange()
        #expect(pair.server.received == Array("a question".utf8))
        #expect(pair.client.received == Array("an answer".utf8))
        pair.client.close()
        pair.exchange()
        #expect(pair.server.isClosed)
        try pair.server.connectionEnded()
    }

    @Test("data cut in two at each point comes out whole", arguments: [ProtocolVersion.tls12, .tls13])
    func everySplitPoint(version: ProtocolVersion) throws {
        let pair = try pair(version).exchange()
        var expected: [UInt8] = []
        try pair.client.write(Array("twice ".utf8))
        let size = pair.client.output.count
        expected += Array("twice ".utf8)
        pair.exchange()
        for cut in 0...(2 * size) {
            try pair.client.write(Array("twice ".utf8))
            try pair.client.write(Array("twice ".utf8))
            expected += Array("twice twice ".utf8)
            pair.server.take(pair.client.takeOutput(cut))
            pair.server.take(pair.client.takeOutput())
        }
        #expect(pair.server.received == expected)
    }

    @Test("megabytes pass both ways, in records of up to 16 KiB", arguments: [ProtocolVersion.tls12, .tls13])
    func large(version: ProtocolVersion) throws {
        let pair = try pair(version).exchange()
        let data = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        try pair.client.write(data)
        #expect(pair.client.output.count < data.count + 184 * 29 + 1)
        try pair.server.write(data.reversed())
        pair.step = 65_536
        pair.exchange()
        #expect(pair.server.received == data)
        #expect(pair.client.received == data.reversed())
    }

    @Test("a reader with little room is told to read again and loses nothing", arguments: [1, 3, 16])
    func smallReads(chunk: Int) throws {
        let pair = try pair(.tls13).exchange()
        pair.server.chunkBytes = chunk
        let data = (0..<40_000).map { UInt8(truncatingIfNeeded: $0) }
        try pair.client.write(data)
        pair.exchange()
        #expect(pair.server.received == data)
    }

    @Test("after close_notify of one side the other may still write", arguments: [ProtocolVersion.tls12, .tls13])
    func halfClose(version: ProtocolVersion) throws {
        let pair = try pair(version).exchange()
        pair.client.close()
        pair.exchange()
        #expect(pair.server.isClosed)
        try pair.server.write(Array("late words".utf8))
        pair.server.close()
        pair.exchange()
        #expect(pair.client.received == Array("late words".utf8))
        #expect(pair.client.isClosed)
        let before = pair.client.output.count
        pair.client.close()
        #expect(pair.client.output.count == before)
    }

    @Test("an end without close_notify is a truncation, in the handshake and after it")
    func truncation() throws {
        let early = try pair(.tls13)
        early.client.take([])
        early.server.take(early.client.takeOutput(50))
        #expect(throws: SessionFailure(kind: .truncated, reason: "unexpected end")) {
            try early.server.connectionEnded()
        }
        let late = try pair(.tls13).exchange()
        #expect(throws: SessionFailure(kind: .truncated, reason: "unexpected end")) {
            try late.server.connectionEnded()
        }
        #expect(throws: SessionFailure.self) { try late.server.write([1]) }
    }

    @Test("renegotiation by a TLS 1.2 client is refused with a warning, and the server goes on")
    func renegotiation() throws {
        let pair = try pair(.tls12).exchange()
        pair.client.renegotiate()
        pair.server.take(pair.client.takeOutput())
        #expect(pair.server.failure == nil)
        try pair.server.write([42])
        // OpenSSL's client ends the session at the warning; others may go on.
        pair.client.take(pair.server.takeOutput())
        #expect(pair.client.alertReceived == .noRenegotiation)
    }

    @Test("a client that only updates keys is cut off, and the answers it forces stay few")
    func keyUpdateFlood() throws {
        let pair = try pair(.tls13).exchange()
        for _ in 0..<20_000 {
            pair.client.updateKey()
        }
        pair.server.take(pair.client.takeOutput())
        #expect(pair.server.failure?.kind == .noise)
        #expect(pair.server.output.count < 32_768)
    }

    @Test("key updates with data between them are served")
    func keyUpdates() throws {
        let pair = try pair(.tls13).exchange()
        for _ in 0..<200 {
            pair.client.updateKey()
            try pair.client.write([7])
            pair.exchange()
        }
        try pair.server.write([8])
        pair.exchange()
        #expect(pair.server.received == Array(repeating: 7, count: 200))
        #expect(pair.client.received == [8])
    }

    @Test("a key that sealed its share of records is changed", arguments: [ProtocolVersion.tls12, .tls13])
    func wornKey(version: ProtocolVersion) throws {
        let pair = try pair(version).exchange()
        pair.client.setRecordsPerKeyMax(2)
        var sizes: [Int] = []
        for _ in 0..<5 {
            try pair.client.write([9])
            sizes.append(pair.client.output.count)
            pair.exchange()
        }
        #expect(pair.server.received == [9, 9, 9, 9, 9])
        // The third and the fifth carry a key update in front.
        #expect((sizes[2] > sizes[1]) == (version == .tls13))
        #expect(sizes == [sizes[0], sizes[0], sizes[2], sizes[0], sizes[2]])
    }

    @Test("data that came with the handshake's last bytes is read without more ciphertext")
    func dataBehindHandshake() throws {
        let pair = try pair(.tls13)
        pair.client.take([])
        pair.server.take(pair.client.takeOutput())
        pair.client.take(pair.server.takeOutput())
        try pair.client.write(Array("at once".utf8))
        pair.server.take(pair.client.takeOutput())
        #expect(pair.server.received == Array("at once".utf8))
    }

    @Test("a write after close is our own fault")
    func writeAfterClose() throws {
        let pair = try pair(.tls13).exchange()
        pair.client.close()
        #expect(throws: SessionFailure(kind: .ourFault, reason: "write after close")) { try pair.client.write([1]) }
    }

    @Test("ten thousand sessions are made and dropped, at every stage")
    func churn() throws {
        let server = try world.server()
        let client = try world.client()
        for index in 0..<10_000 {
            let pair = Pair(server, client)
            switch index % 100 {
            case 0: pair.exchange()
            case 1: pair.client.take([])
            case 2:
                pair.client.take([])
                pair.server.take(pair.client.takeOutput(100))
            case 3: pair.server.take(Array("GET / HTTP/1.1\r\n\r\n".utf8))
            default: continue
            }
        }
    }
}
