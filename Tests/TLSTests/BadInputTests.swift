import Bytes
import Testing

@testable import TLS

@Suite struct BadInputTests {
    let world = World()

    @Test(
        "bytes that are not TLS end the session as the peer's violation",
        arguments: [
            Array("GET / HTTP/1.1\r\nhost: a.test\r\n\r\n".utf8),
            Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8),
            [UInt8](repeating: 0, count: 100),
            [UInt8](repeating: 0xff, count: 100),
            [0x16, 0x03, 0x01, 0xff, 0xff] + [UInt8](repeating: 1, count: 20_000),
            [0x16, 0x03, 0x01, 0x00, 0x04, 0x01, 0xff, 0xff, 0xff],
            [0x15, 0x03, 0x01, 0x00, 0x02, 0x02],
        ])
    func garbage(bytes: [UInt8]) throws {
        let pair = Pair(try world.server(), try world.client())
        pair.server.take(bytes)
        // What is only the beginning of a record waits for the rest.
        if let failure = pair.server.failure {
            #expect(failure.kind == .violation)
            #expect(!failure.reason.isEmpty)
        } else {
            #expect(throws: SessionFailure.self) { try pair.server.connectionEnded() }
        }
    }

    @Test("any byte of a handshake changed never passes as something else", arguments: [ProtocolVersion.tls12, .tls13])
    func mutatedHandshake(version: ProtocolVersion) throws {
        let server = try world.server()
        let client = try world.client()
        let probe = Pair(server, client)
        probe.client.limit(to: version)
        probe.client.take([])
        let helloCount = probe.client.output.count
        for index in 0..<helloCount {
            let pair = Pair(server, client)
            pair.client.limit(to: version)
            pair.client.take([])
            var hello = pair.client.takeOutput()
            guard index < hello.count else { continue }
            hello[index] ^= 0x41
            pair.server.take(hello)
            pair.exchange()
            // The transcript covers all but the record's version, which nobody reads.
            if pair.isEstablished { #expect(index == 1 || index == 2) }
        }
    }

    @Test("a changed byte of data is found, and what came before it is delivered", arguments: [ProtocolVersion.tls12, .tls13])
    func mutatedData(version: ProtocolVersion) throws {
        let server = try world.server()
        let client = try world.client()
        let pair = Pair(server, client)
        pair.client.limit(to: version)
        pair.exchange()
        try pair.client.write(Array("good".utf8))
        try pair.client.write(Array("spoilt".utf8))
        var bytes = pair.client.takeOutput()
        bytes[bytes.count - 1] ^= 1
        pair.server.take(bytes)
        #expect(pair.server.received == Array("good".utf8))
        #expect(pair.server.failure?.kind == .violation)
        // The alert is on its way to the client, who learns why.
        pair.exchange()
        #expect(pair.client.failure?.kind == .peerAlert(Alert(rawValue: 20)))
        #expect(throws: SessionFailure.self) { try pair.server.write([1]) }
    }

    @Test("a replayed record is refused")
    func replay() throws {
        let pair = Pair(try world.server(), try world.client()).exchange()
        try pair.client.write(Array("once".utf8))
        let bytes = pair.client.takeOutput()
        pair.server.take(bytes + bytes)
        #expect(pair.server.received == Array("once".utf8))
        #expect(pair.server.failure?.kind == .violation)
    }

    @Test("a client below the minimum version is told so")
    func minimum() throws {
        let pair = Pair(try world.server { $0.minimumVersion = .tls13 }, try world.client())
        pair.client.limit(to: .tls12)
        pair.exchange()
        #expect(pair.server.failure?.kind == .violation)
        #expect(pair.client.failure?.kind == .peerAlert(.protocolVersion))
    }

    @Test("one session's failure leaves another of the same thread alone")
    func isolation() throws {
        let server = try world.server()
        let good = Pair(server, try world.client()).exchange()
        let bad = Pair(server, try world.client())
        bad.server.take([UInt8](repeating: 0xff, count: 100))
        #expect(bad.server.failure != nil)
        try good.client.write([1, 2, 3])
        good.exchange()
        #expect(good.server.received == [1, 2, 3])
        #expect(good.server.failure == nil)
    }
}
