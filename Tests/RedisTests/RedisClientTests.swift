import Bytes
import Reactor
import RedisServer
import Sockets
import TLS
import Testing
import Time

@testable import Redis

@Suite(.enabled(if: RedisServer.program != nil)) struct RedisClientTests {
    @Test("a thousand commands of one tick are answered in order")
    func pipelines() throws {
        let table = try Table()
        for tag in 0..<1000 { #expect(table.send("ECHO", "\(tag)", tag: UInt(tag)) == nil) }
        table.turn { table.recorder.events.count == 1000 }
        #expect(table.recorder.events == (0..<1000).map { .reply(UInt($0), "\"\($0)\"") })
        #expect(table.client.commandsInFlight == 0)
    }

    @Test("user, password and database are given before the first command")
    func greets() throws {
        var settings = Table.settings
        settings.user = "gateway"
        settings.password = "se cret"
        settings.database = 5
        let table = try Table(
            settings, options: ["--user", "gateway", "on", ">se cret", "~*", "+@all", "--requirepass", "other"])
        #expect(table.ask("SET", "k", "v") == "+OK")
        #expect(table.ask("CLIENT", "INFO").contains("db=5") && table.ask("ACL", "WHOAMI") == "\"gateway\"")
    }

    @Test("a password alone is the default user's")
    func password() throws {
        var settings = Table.settings
        settings.password = "secret"
        let table = try Table(settings, options: ["--requirepass", "secret"])
        #expect(table.ask("PING") == "+PONG")
    }

    @Test("a wrong password fails what waits, says why, and is not tried again without a pause")
    func wrongPassword() throws {
        var settings = Table.settings
        settings.password = "wrong"
        let table = try Table(settings, options: ["--requirepass", "secret"])
        #expect(table.send("PING") == nil)
        table.turn { !table.recorder.events.isEmpty }
        #expect(table.recorder.events == [.failure(0, .connectionLost)])
        guard case .refused(let words) = table.client.lastFailure else {
            Issue.record("\(String(describing: table.client.lastFailure))")
            return
        }
        #expect(words.hasPrefix("WRONGPASS") && !words.contains("wrong "))
        #expect(table.send("PING") == .notConnected)
    }

    @Test("a connection that the server ends is made anew, and what was in flight has failed")
    func reconnects() throws {
        let table = try Table()
        #expect(table.ask("PING") == "+PONG")
        let first = table.ask("CLIENT", "ID")
        _ = table.send("CLIENT", "KILL", "ID", first, "SKIPME", "no", tag: 1)
        _ = table.send("BLPOP", "nothing", "0", tag: 2)
        table.turn { !table.client.isReady }
        #expect(table.recorder.events.last == .failure(2, .connectionLost))
        #expect(table.send("PING") == .notConnected)
        table.advance(.milliseconds(50))
        table.turn { table.client.isReady }
        #expect(table.ask("CLIENT", "ID") != first)
    }

    @Test("a server that stops answering costs each command its timeout, and its late replies go to nobody")
    func silence() throws {
        let table = try Table()
        #expect(table.ask("PING") == "+PONG")
        table.recorder.events = []
        table.server.pause()
        _ = table.send("ECHO", "late", tag: 1)
        table.advance(.milliseconds(20))
        #expect(table.recorder.events == [.failure(1, .timedOut)])
        table.server.resume()
        _ = table.send("ECHO", "next", tag: 2)
        table.turn { table.recorder.events.count == 2 }
        #expect(table.recorder.events.last == .reply(2, "\"next\""))
        #expect(table.client.lateReplies == 1)
    }

    @Test("a server that stays silent is left after five seconds")
    func dead() throws {
        let table = try Table()
        #expect(table.ask("PING") == "+PONG")
        table.server.pause()
        _ = table.send("PING", tag: 1)
        table.advance(.milliseconds(20))
        table.advance(.seconds(5))
        #expect(!table.client.isReady && table.client.lastFailure == .timedOut)
        table.server.resume()
    }

    @Test("when the server is gone, attempts go on with pauses and callers are told at once")
    func gone() throws {
        let table = try Table()
        #expect(table.ask("PING") == "+PONG")
        table.server.stop()
        table.turn { !table.client.isReady }
        for _ in 0..<20 {
            #expect(table.send("PING") == .notConnected)
            table.advance(.seconds(2))
        }
        #expect(table.client.lastFailure == .notConnected)
    }

    @Test("a closed client stays closed")
    func closes() throws {
        let table = try Table()
        #expect(table.ask("PING") == "+PONG")
        _ = table.send("PING", tag: 7)
        table.client.close()
        #expect(table.recorder.events.last == .failure(7, .connectionLost))
        table.advance(.seconds(60))
        #expect(table.send("PING") == .notConnected)
    }
}

@Suite struct RedisTLSTests {
    /// Answers everything with PONG.
    private final class Ponger: ByteChannelDelegate {
        var channel: ByteChannel?
        private var owed = 0

        func channelOpened() {}
        func channelReceived(_ bytes: UnsafeRawBufferPointer) {
            owed += bytes.count { $0 == 0x2a }
            channel?.markDirty()
        }
        func channelProduce(into output: inout ByteBuffer, limit: Int) {
            for _ in 0..<owed { output.append("+PONG\r\n") }
            owed = 0
        }
        func channelClosed(_ end: ChannelEnd) { channel = nil }
    }

    private func ask(expecting name: String) throws -> [Recorder.Event] {
        let loop = try EventLoop()
        let scratch = ScratchBuffers()
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
            settings, dialer: AddressDialer(listener.address, tls: tls, on: loop, scratch: scratch), on: loop,
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
}

/// A server, a client and the loop between them, whose timers run only when the test says so.
private final class Table {
    static var settings: RedisSettings { RedisSettings() }

    let recorder = Recorder()
    // Ends before the loop that it stands on.
    let client: RedisClient
    let server: RedisServer
    private let loop: EventLoop
    private let scratch = ScratchBuffers()
    private let clock = ManualClock()

    init(_ settings: RedisSettings = Table.settings, options: [String] = []) throws {
        server = try #require(RedisServer(options))
        loop = try EventLoop(clock: .manual(clock))
        client = RedisClient(
            settings, dialer: AddressDialer(.unix(server.path), on: loop, scratch: scratch), on: loop, seed: 1)
    }

    deinit { client.close() }

    func send(_ words: String..., tag: UInt = 0) -> RedisFailure? {
        let command = RESPCommand()
        for word in words { command.add(word) }
        defer { loop.tick(wait: false) }
        return client.send(command, recorder, tag: tag)
    }

    /// Sends and waits for the reply.
    func ask(_ words: String...) -> String {
        let command = RESPCommand()
        for word in words { command.add(word) }
        recorder.events = []
        if let failure = client.send(command, recorder, tag: 0) { return "\(failure)" }
        loop.tick(wait: false)
        turn { !recorder.events.isEmpty }
        switch recorder.events.first {
        case .reply(_, let text): return text
        case .failure(_, let failure): return "\(failure)"
        case nil: return ""
        }
    }

    /// Time stands still meanwhile: only the server can bring it about.
    func turn(until isDone: () -> Bool) {
        loop.tick(wait: false)
        while !isDone() { loop.tick(wait: true) }
    }

    func advance(_ duration: Duration) {
        clock.advance(by: duration)
        loop.tick(wait: false)
    }
}
