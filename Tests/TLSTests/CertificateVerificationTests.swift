import TLSTesting
import Testing

@testable import TLS

@Suite struct CertificateVerificationTests {
    let world = World()
    let clients = TestAuthority("Clients Root")
    let strangers = TestAuthority("Strangers Root")

    private func server(_ presence: ClientCertificatePolicy.Presence, depthMax: Int = 4) throws -> ServerContext {
        try world.server {
            var policy = ClientCertificatePolicy(authorities: try CertificateAuthorities(pem: clients.pem), presence: presence)
            policy.depthMax = depthMax
            $0.clientCertificates = policy
        }
    }

    private func pair(_ server: ServerContext, _ issued: TestAuthority.Issued?, _ version: ProtocolVersion) throws -> Pair {
        let client = try world.client {
            $0.identity = try issued.map { try Identity(chain: $0.certificate, key: $0.key) }
        }
        let pair = Pair(server, client)
        pair.client.limit(to: version)
        return pair.exchange()
    }

    @Test("the server learns who the client is", arguments: [ProtocolVersion.tls12, .tls13])
    func identified(version: ProtocolVersion) throws {
        let names = "URI:spiffe://acme/billing,DNS:billing.test,email:billing@acme.test"
        let pair = try pair(server(.required), clients.issue("billing", names: names), version)
        let peer = try #require(pair.server.peerCertificate)
        #expect(peer.subject == "CN=billing,O=Martlet Tests")
        #expect(
            peer.names == [
                .uri("spiffe://acme/billing"), .dns("billing.test"), .email("billing@acme.test"), .commonName("billing"),
            ])
        #expect(peer.fingerprint.count == 32)
    }

    @Test("a required certificate that is missing ends the handshake", arguments: [ProtocolVersion.tls12, .tls13])
    func missing(version: ProtocolVersion) throws {
        let pair = try pair(server(.required), nil, version)
        #expect(pair.server.failure == SessionFailure(kind: .certificate, reason: "no certificate was shown"))
        #expect(pair.server.isEstablished == false)
        let alert: Alert = version == .tls13 ? .certificateRequired : Alert(rawValue: 40)
        #expect(pair.client.failure?.kind == .peerAlert(alert))
    }

    @Test("an optional certificate may be missing", arguments: [ProtocolVersion.tls12, .tls13])
    func optional(version: ProtocolVersion) throws {
        let pair = try pair(server(.optional), nil, version)
        #expect(pair.isEstablished)
        #expect(pair.server.peerCertificate == nil)
        #expect(try self.pair(server(.optional), clients.issue("c"), version).server.peerCertificate != nil)
    }

    @Test(
        "a stranger's certificate is refused, optional or not",
        arguments: [ClientCertificatePolicy.Presence.optional, .required], [ProtocolVersion.tls12, .tls13])
    func stranger(presence: ClientCertificatePolicy.Presence, version: ProtocolVersion) throws {
        let pair = try pair(server(presence), strangers.issue("mallory"), version)
        #expect(pair.server.failure?.kind == .certificate)
        #expect(pair.client.failure?.kind == .peerAlert(.unknownCA))
    }

    @Test("an expired certificate is refused, of a client and of a server")
    func expired() throws {
        let pair = try pair(server(.required), clients.issue("late", from: -7200, until: -60), .tls13)
        #expect(pair.server.failure == SessionFailure(kind: .certificate, reason: "certificate has expired"))
        let issued = world.authority.issue("a.test", names: "DNS:a.test", from: -7200, until: -60)
        let old = Pair(try world.server([Identity(chain: issued.certificate, key: issued.key)]), try world.client()).exchange()
        #expect(old.client.failure == SessionFailure(kind: .certificate, reason: "certificate has expired"))
        #expect(old.server.failure?.kind == .peerAlert(Alert(rawValue: 45)))
    }

    @Test("a chain longer than depthMax is refused")
    func depth() throws {
        let middle = TestAuthority("Middle", below: clients)
        var issued = middle.issue("deep")
        issued.certificate += middle.pem
        #expect(try pair(server(.required, depthMax: 1), issued, .tls13).server.failure == nil)
        let refused = try pair(server(.required, depthMax: 0), issued, .tls13)
        #expect(refused.server.failure?.kind == .certificate)
    }

    @Test("an intermediate authority may be the anchor")
    func partialChain() throws {
        let middle = TestAuthority("Middle", below: clients)
        let server = try world.server {
            $0.clientCertificates = ClientCertificatePolicy(
                authorities: try CertificateAuthorities(pem: middle.pem), presence: .required)
        }
        #expect(try pair(server, middle.issue("deep"), .tls13).isEstablished)
        #expect(try pair(server, clients.issue("other"), .tls13).server.failure?.kind == .certificate)
    }

    @Test("a client checks authority and name of the server", arguments: [ProtocolVersion.tls12, .tls13])
    func serverName(version: ProtocolVersion) throws {
        let wrongName = Pair(try world.server(), try world.client(), name: "other.test")
        wrongName.client.limit(to: version)
        wrongName.exchange()
        #expect(wrongName.client.failure == SessionFailure(kind: .certificate, reason: "hostname mismatch"))
        #expect(wrongName.server.failure?.kind == .peerAlert(.badCertificate))
        let wrongAuthority = Pair(
            try world.server(), try world.client { $0.authorities = try CertificateAuthorities(pem: strangers.pem) })
        wrongAuthority.client.limit(to: version)
        wrongAuthority.exchange()
        #expect(wrongAuthority.client.failure?.kind == .certificate)
        #expect(wrongAuthority.server.failure?.kind == .peerAlert(.unknownCA))
    }

    @Test("an address is matched with the addresses of the certificate, and not sent as SNI")
    func address() throws {
        let server = try world.server([world.identity("x", names: "IP:10.1.2.3,IP:2001:db8::1,DNS:10.9.9.9")])
        for (name, fits) in [("10.1.2.3", true), ("2001:db8:0::1", true), ("10.9.9.9", false), ("10.1.2.4", false)] {
            let pair = Pair(server, try world.client(), name: name).exchange()
            #expect(pair.client.isEstablished == fits, "\(name)")
            #expect(pair.server.serverName == nil)
        }
    }

    @Test("the system's authorities do not believe a certificate of ours")
    func system() throws {
        let pair = Pair(try world.server(), try world.client { $0.authorities = .system }).exchange()
        #expect(pair.client.failure?.kind == .certificate)
    }
}
