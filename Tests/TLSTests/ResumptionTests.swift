import TLSTesting
import Testing
import Time

@testable import TLS

@Suite struct ResumptionTests {
    let world = World()
    let keys = TicketKeys(now: Instant(nanoseconds: 0), interval: .seconds(60))

    /// Connects once, reads the tickets and says goodbye.
    @discardableResult
    private func connect(_ server: ServerContext, _ client: ClientContext, _ version: ProtocolVersion, name: String = "a.test")
        -> Pair
    {
        let pair = Pair(server, client, name: name)
        pair.client.limit(to: version)
        return pair.exchange()
    }

    @Test("a second connection resumes, and so does a third", arguments: [ProtocolVersion.tls12, .tls13])
    func again(version: ProtocolVersion) throws {
        let (server, client) = (try world.server(keys: keys), try world.client())
        #expect(!connect(server, client, version).server.isResumed)
        for _ in 0..<3 {
            let pair = connect(server, client, version)
            #expect(pair.isEstablished)
            #expect(pair.server.isResumed && pair.client.isResumed)
            #expect(pair.server.applicationProtocol == .http2)
            #expect(pair.server.serverName == "a.test")
            #expect(pair.client.peerCertificate != nil)
        }
    }

    @Test("a context rebuilt from the same settings and keys resumes", arguments: [ProtocolVersion.tls12, .tls13])
    func reload(version: ProtocolVersion) throws {
        let (client, identity) = (try world.client(), try world.identity())
        connect(try world.server([identity], keys: keys), client, version)
        #expect(connect(try world.server([identity], keys: keys), client, version).server.isResumed)
    }

    @Test("the client's certificate is known in the resumed session too", arguments: [ProtocolVersion.tls12, .tls13])
    func certificate(version: ProtocolVersion) throws {
        let server = try world.server(keys: keys) {
            $0.clientCertificates = ClientCertificatePolicy(authorities: try world.authorities(), presence: .required)
        }
        let client = try world.client { $0.identity = try world.identity("billing", names: "URI:spiffe://acme/billing") }
        let first = connect(server, client, version).server.peerCertificate
        let second = connect(server, client, version)
        #expect(second.server.isResumed)
        #expect(second.server.peerCertificate == first)
        #expect(first?.names.first == .uri("spiffe://acme/billing"))
    }

    @Test("a ticket does not outlive the client's certificate", arguments: [ProtocolVersion.tls12, .tls13])
    func expiredSince(version: ProtocolVersion) throws {
        let server = try world.server(keys: keys) {
            $0.clientCertificates = ClientCertificatePolicy(authorities: try world.authorities(), presence: .required)
        }
        let issued = world.authority.issue("c", from: -3000, until: -60)
        let client = try world.client { $0.identity = try Identity(chain: issued.certificate, key: issued.key) }
        for _ in 0..<2 {
            let pair = Pair(server, client)
            pair.client.limit(to: version)
            pair.server.shiftVerificationTime(-600)
            pair.exchange()
            #expect(pair.isEstablished)
            #expect(!pair.server.isResumed)
        }
    }

    enum Change: CaseIterable {
        case listener, certificate, moreCertificates, minimum, asksOptional, requires, otherAuthority, depth
    }

    @Test(
        "a ticket made under another policy is not taken, and a full handshake follows",
        arguments: Change.allCases, [ProtocolVersion.tls12, .tls13])
    func acrossPolicies(change: Change, version: ProtocolVersion) throws {
        let identity = try world.identity()
        let authorities = try world.authorities()
        let other = try CertificateAuthorities(pem: world.authority.pem + TestAuthority("Other").pem)
        let before = try world.server([identity], keys: keys) {
            if [.otherAuthority, .requires, .depth].contains(change) {
                $0.clientCertificates = ClientCertificatePolicy(authorities: authorities, presence: .optional)
            }
        }
        let after = try world.server([identity], keys: keys) {
            switch change {
            case .listener: $0.listenerName = "private"
            case .certificate: $0.identities = [try world.identity()]
            case .moreCertificates: $0.identities.append(try world.identity("b", names: "DNS:b.test"))
            case .minimum: $0.minimumVersion = version == .tls13 ? .tls13 : .tls12
            case .asksOptional, .depth:
                $0.clientCertificates = ClientCertificatePolicy(authorities: authorities, presence: .optional)
            case .requires: $0.clientCertificates = ClientCertificatePolicy(authorities: authorities, presence: .required)
            case .otherAuthority: $0.clientCertificates = ClientCertificatePolicy(authorities: other, presence: .optional)
            }
            if change == .depth { $0.clientCertificates?.depthMax = 1 }
        }
        // At TLS 1.2 the minimum cannot be raised and a handshake still be made.
        if change == .minimum, version == .tls12 { return }
        let client = try world.client { $0.identity = try world.identity("c", names: "") }
        connect(before, client, version)
        let pair = connect(after, client, version)
        #expect(pair.isEstablished)
        #expect(!pair.server.isResumed && !pair.client.isResumed)
        #expect(connect(after, client, version).server.isResumed)
    }

    @Test("a ticket survives two rotations of the keys and not the third", arguments: [ProtocolVersion.tls12, .tls13])
    func rotation(version: ProtocolVersion) throws {
        let server = try world.server(keys: keys)
        for rotations in 1...3 {
            let client = try world.client()
            connect(server, client, version)
            for _ in 0..<rotations { keys.rotate(now: Instant(nanoseconds: .max)) }
            #expect(connect(server, client, version).server.isResumed == (rotations < 3))
            // Opened with an old key, it was replaced by a ticket of the newest.
            keys.rotate(now: Instant(nanoseconds: .max))
            keys.rotate(now: Instant(nanoseconds: .max))
            #expect(connect(server, client, version).server.isResumed)
        }
    }

    @Test("keys rotate once an interval")
    func interval() {
        let start = Instant(nanoseconds: 5_000_000_000)
        let keys = TicketKeys(now: start, interval: .seconds(60))
        #expect(!keys.rotate(now: start + .seconds(59)))
        #expect(keys.rotate(now: start + .seconds(60)))
        #expect(!keys.rotate(now: start + .seconds(119)))
        #expect(keys.rotate(now: start + .seconds(500)))
        #expect(!keys.rotate(now: start + .seconds(501)))
    }

    @Test("other keys open nothing", arguments: [ProtocolVersion.tls12, .tls13])
    func otherKeys(version: ProtocolVersion) throws {
        let (client, identity) = (try world.client(), try world.identity())
        connect(try world.server([identity], keys: keys), client, version)
        let other = TicketKeys(now: Instant(nanoseconds: 0))
        let pair = connect(try world.server([identity], keys: other), client, version)
        #expect(pair.isEstablished)
        #expect(!pair.server.isResumed)
    }

    @Test("a client resumes only with the name it connected to")
    func names() throws {
        let server = try world.server([world.identity("x", names: "DNS:a.test,DNS:b.test")], keys: keys)
        let client = try world.client()
        connect(server, client, .tls13)
        #expect(!connect(server, client, .tls13, name: "b.test").client.isResumed)
        #expect(connect(server, client, .tls13, name: "a.test").client.isResumed)
    }

    @Test("a TLS 1.3 ticket is used once")
    func once() throws {
        let (server, client) = (try world.server(keys: keys), try world.client())
        connect(server, client, .tls13)
        let first = Pair(server, client)
        let second = Pair(server, client)
        #expect(first.exchange().client.isResumed)
        #expect(!second.exchange().client.isResumed)
    }

    @Test("no tickets where none are wanted, more where more are", arguments: [0, 1, 3])
    func ticketCount(count: Int) throws {
        let server = try world.server(keys: keys) { $0.ticketCount = count }
        let client = try world.client()
        connect(server, client, .tls13)
        let waiting = (0...count).map { _ in Pair(server, client) }
        #expect(waiting.filter { $0.exchange().client.isResumed }.count == count)
    }

    @Test("a client remembers a few sessions of a name, and a bounded number of names")
    func bounds() throws {
        let server = try world.server(keys: keys) { $0.ticketCount = ResumableSessions.sessionsPerNameMax + 3 }
        let client = try world.client()
        connect(server, client, .tls13)
        let waiting = (0..<10).map { _ in Pair(server, client) }
        #expect(waiting.filter { $0.exchange().client.isResumed }.count == ResumableSessions.sessionsPerNameMax)
    }
}
