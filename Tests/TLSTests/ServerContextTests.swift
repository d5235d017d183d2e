import Testing

@testable import TLS

@Suite struct ServerContextTests {
    let world = World()

    @Test(
        "the certificate is chosen by SNI; unknown names and none get the first",
        arguments: [
            ("a.test", "first"), ("b.test", "second"), ("B.TEST", "second"), ("x.wild.test", "third"),
            ("exact.wild.test", "second"), ("x.y.wild.test", "first"), ("wild.test", "first"), ("unknown.test", "first"),
            ("127.0.0.1", "first"),
        ])
    func choice(name: String, subject: String) throws {
        let server = try world.server([
            world.identity("first", names: "DNS:a.test,DNS:unknown.test,DNS:x.y.wild.test,DNS:wild.test,IP:127.0.0.1"),
            world.identity("second", names: "DNS:b.test,DNS:exact.wild.test"),
            world.identity("third", names: "DNS:*.wild.test"),
        ])
        for version in [ProtocolVersion.tls12, .tls13] {
            let pair = Pair(server, try world.client(), name: name)
            pair.client.limit(to: version)
            pair.exchange()
            #expect(pair.isEstablished)
            #expect(pair.client.peerCertificate?.names.contains(.commonName(subject)) == true)
            #expect(pair.server.applicationProtocol == .http2)
        }
    }

    @Test("of two certificates with one name the first as configured answers")
    func twice() throws {
        let choice = CertificateChoice([
            try world.identity("1", names: "DNS:a.test,DNS:*.w.test").info,
            try world.identity("2", names: "DNS:A.test,DNS:*.w.test").info,
        ])
        #expect(choice.index(for: "a.test") == 0)
        #expect(choice.index(for: "A.W.test") == 0)
        #expect(choice.index(for: ".w.test") == nil)
        #expect(choice.index(for: "test") == nil)
    }

    @Test("the server's preference decides among what both speak")
    func preference() throws {
        let server = try world.server { $0.applicationProtocols = [.http2, .http1] }
        let pair = Pair(server, try world.client { $0.applicationProtocols = [.http1, .http2] }).exchange()
        #expect(pair.server.applicationProtocol == .http2)
        let old = Pair(server, try world.client { $0.applicationProtocols = [.http1] }).exchange()
        #expect(old.server.applicationProtocol == .http1)
        #expect(old.client.applicationProtocol == .http1)
        let silent = Pair(server, try world.client { $0.applicationProtocols = [] }).exchange()
        #expect(silent.isEstablished)
        #expect(silent.server.applicationProtocol == nil)
    }

    @Test(
        "a client without a protocol in common gets no_application_protocol",
        arguments: [[ApplicationProtocol.http1], []], [ProtocolVersion.tls12, .tls13])
    func mismatch(offered: [ApplicationProtocol], version: ProtocolVersion) throws {
        let pair = Pair(try world.server(), try world.client { $0.applicationProtocols = offered })
        pair.client.limit(to: version)
        pair.exchange()
        #expect(pair.server.failure?.kind == .applicationProtocol)
        #expect(pair.client.failure?.kind == .peerAlert(.noApplicationProtocol))
    }

    @Test("a client that needs h2 turns away a server that selects nothing")
    func clientDemands() throws {
        let pair = Pair(try world.server { $0.applicationProtocols = [] }, try world.client()).exchange()
        #expect(pair.client.failure?.kind == .applicationProtocol)
        let lenient = Pair(
            try world.server { $0.applicationProtocols = [] }, try world.client { $0.applicationProtocols = [.http2, .http1] })
        #expect(lenient.exchange().isEstablished)
    }

    @Test("a context without a certificate cannot be made")
    func none() {
        #expect(throws: ContextMistake.noIdentity) { try world.server([]) }
    }
}
