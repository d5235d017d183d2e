import Bytes
import Net
import Reactor
import Sockets
import TLS
import Testing
import Time

@testable import Redis

/// Answers everything with PONG.
private final class Ponger: ByteChannelDelegate {
    var channel: ByteChannel?
    private var owed = 0

    func channelOpened() {}
    func channelReceived(_ input: BufferSlice) {
        owed += input.bytes.count { $0 == 0x2a }
        channel?.markDirty()
    }
    func channelProduce(into output: inout GatherBuffer, limit: Int) {
        for _ in 0..<owed { output.bytes.append("+PONG\r\n") }
        owed = 0
    }
    func channelClosed(_ end: ChannelEnd) { channel = nil }
}

@Suite struct RedisDialerTests {
    private func ask(expecting name: String) throws -> [Recorder.Event] {
        let loop = try EventLoop()
        let scratch = ScratchBuffers(chunks: ChunkPool())
        let certificate = Array(TLSFixture.certificate.utf8)
        let identity = try Identity(chain: certificate, key: Array(TLSFixture.key.utf8))
        var serverSettings = ServerSettings(listenerName: "test", identities: [identity])
        serverSettings.applicationProtocols = []
        let context = try ServerContext(serverSettings, ticketKeys: TicketKeys(now: loop.now))
        let ponger = Ponger()
        let listener = try ListeningSocket(on: loop, at: .ipv4(0x7f00_0001, port: 0)) { socket in
            ponger.channel = try? ByteChannel(socket, tls: context, on: loop, scratch: scratch)
            ponger.channel?.attach(ponger)
        }
        var clientSettings = ClientSettings(authorities: try CertificateAuthorities(pem: certificate))
        clientSettings.applicationProtocols = []
        let tls = (context: try ClientContext(clientSettings), name: try #require(ServerName(name)))
        let recorder = Recorder()
        var settings = RedisSettings()
        // This loop's clock is the real one, and a handshake may take its time.
        settings.timeout = .seconds(4)
        let client = RedisClient(
            settings, dialer: Dialer(KnownAddresses(listener.address), tls: (tls.context, tls.name), on: loop, scratch: scratch),
            on: loop,
            seed: 1)
        for tag in 0..<3 { _ = client.send(command("PING"), recorder, tag: UInt(tag)) }
        loop.tick(wait: false)
        while recorder.events.count < 3 { loop.tick(wait: true) }
        client.close()
        ponger.channel?.abort()
        listener.close()
        return recorder.events
    }

    @Test("speaks TLS to a server whose certificate bears its name")
    func secure() throws {
        #expect(try ask(expecting: "redis.test") == [.reply(0, "+PONG"), .reply(1, "+PONG"), .reply(2, "+PONG")])
    }

    @Test("says nothing to a server with another name")
    func otherName() throws {
        #expect(
            try ask(expecting: "other.test") == (0..<3).map { .failure(UInt($0), .connectionLost) })
    }

    @Test("without a name to verify no connection is made")
    func nameless() throws {
        let loop = try EventLoop()
        let context = try ClientContext(
            ClientSettings(authorities: try CertificateAuthorities(pem: Array(TLSFixture.certificate.utf8))))
        let dialer = Dialer(
            KnownAddresses(.ipv4(0x7f00_0001, port: 6379)), tls: (context, nil), on: loop,
            scratch: ScratchBuffers(chunks: ChunkPool()))
        var answers: [Bool] = []
        dialer.dial { answers.append($0 != nil) }
        #expect(answers == [false])
    }

    /// Knows one name.
    private final class Names: HostResolver {
        var asked: [String] = []
        var addresses: [SocketAddress] = []

        func resolve(_ name: String, completion: @escaping ([SocketAddress]) -> Void) {
            asked.append(name)
            completion(name == "redis.test" ? addresses : [])
        }
    }

    @Test("a name's addresses are tried in turn, and looked up for each attempt")
    func names() throws {
        let clock = ManualClock()
        let loop = try EventLoop(clock: .manual(clock))
        let scratch = ScratchBuffers(chunks: ChunkPool())
        let ponger = Ponger()
        let listener = try ListeningSocket(on: loop, at: .ipv4(0x7f00_0001, port: 0)) { socket in
            ponger.channel = try? ByteChannel(socket, on: loop, scratch: scratch)
            ponger.channel?.attach(ponger)
        }
        let names = Names()
        // Nobody listens on 127.0.0.2.
        names.addresses = [.ipv4(0x7f00_0002, port: 0), .ipv4(0x7f00_0001, port: 0)]
        let port = try #require(listener.address.port)
        let dialer = Dialer(LookedUpAddresses("redis.test", port: port, resolver: names), on: loop, scratch: scratch)
        let client = RedisClient(RedisSettings(), dialer: dialer, on: loop, seed: 1)
        while client.lastFailure == nil { loop.tick(wait: true) }
        #expect(client.lastFailure == .unreachable("Connection refused") && names.asked.count == 1)
        clock.advance(by: .milliseconds(50))
        while !client.isReady { loop.tick(wait: true) }
        #expect(names.asked == ["redis.test", "redis.test"])
        client.close()
        ponger.channel?.abort()
        listener.close()
    }

    @Test("a name that nobody knows is asked for again after a pause")
    func unknown() throws {
        let clock = ManualClock()
        let loop = try EventLoop(clock: .manual(clock))
        let scratch = ScratchBuffers(chunks: ChunkPool())
        let names = Names()
        let dialer = Dialer(LookedUpAddresses("other.test", port: 6379, resolver: names), on: loop, scratch: scratch)
        let client = RedisClient(RedisSettings(), dialer: dialer, on: loop, seed: 1)
        #expect(client.lastFailure == .notConnected)
        loop.tick(wait: false)
        #expect(names.asked.count == 1)
        clock.advance(by: .milliseconds(50))
        loop.tick(wait: false)
        #expect(names.asked.count == 2)
        client.close()
    }
}
