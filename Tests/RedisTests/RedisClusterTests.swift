import Bytes
import Glibc
import Net
import Reactor
import Sockets
import Testing
import Time

@testable import Redis

/// A server on the client's own loop, which answers what the test says.
private final class ScriptedServer: ByteChannelDelegate {
    /// What came, oldest first.
    private(set) var asked: [String] = []
    /// `nil` leaves a command without an answer.
    var answer: (String) -> String? = { _ in "+OK\r\n" }
    private let reader = RESPReader()
    private var owed = ""
    private var channel: ByteChannel?
    private var listener: ListeningSocket?

    init(on loop: EventLoop, _ scratch: ScratchBuffers) throws {
        listener = try ListeningSocket(on: loop, at: .ipv4(0x7f00_0001, port: 0)) { [unowned self] socket in
            channel = try? ByteChannel(socket, tls: nil, on: loop, scratch: scratch)
            channel?.attach(self)
        }
    }

    var port: UInt16 { listener?.address.port ?? 0 }

    func close() {
        channel?.abort()
        listener?.close()
    }

    func channelOpened() {}
    func channelReceived(_ input: BufferSlice) {
        do {
            try reader.feed(input.bytes)
            while let command = try reader.next() {
                var words: [String] = []
                var word = command.first
                while let one = word {
                    words.append(one.text)
                    word = one.next
                }
                asked.append(words.joined(separator: " "))
                owed += answer(asked.last ?? "") ?? ""
            }
        } catch { Issue.record("\(error)") }
        channel?.markDirty()
    }
    func channelProduce(into output: inout GatherBuffer, limit: Int) {
        output.bytes.append(owed)
        owed = ""
    }
    func channelClosed(_ end: ChannelEnd) { channel = nil }
}

/// Servers, what connects to them, and the loop between them, whose timers run only when the test says so.
private final class ClusterTable: RedisDialers {
    private(set) var cluster: RedisCluster!
    private(set) var servers: [ScriptedServer] = []
    let recorder = Recorder()
    private let loop: EventLoop
    private let scratch = ScratchBuffers(chunks: ChunkPool())
    private let clock = ManualClock()

    /// Two servers, of which the first is known.
    init(_ shape: RedisTarget.Shape, commandsInFlightMax: Int = 16, slots: @escaping (ClusterTable) -> String?) throws {
        loop = try EventLoop(clock: .manual(clock))
        for _ in 0..<2 { servers.append(try ScriptedServer(on: loop, scratch)) }
        for server in servers { server.answer = { [unowned self] in $0 == "CLUSTER SLOTS" ? slots(self) : "+OK\r\n" } }
        var settings = RedisSettings()
        settings.commandsInFlightMax = commandsInFlightMax
        settings.timeout = .seconds(60)
        cluster = RedisCluster(
            RedisTarget(seeds: [.host("127.0.0.1", port: servers[0].port)], shape: shape, settings: settings), dialers: self,
            on: loop, seed: 1)
    }

    deinit {
        cluster.close()
        for server in servers { server.close() }
    }

    func dialer(for endpoint: RedisEndpoint) -> Dialer {
        guard case .host(_, let port) = endpoint else { preconditionFailure() }
        return Dialer(KnownAddresses(.ipv4(0x7f00_0001, port: port)), on: loop, scratch: scratch)
    }

    /// Half of the slots each.
    var topology: String {
        "*2\r\n"
            + servers.enumerated().map { place, server in
                "*3\r\n:\(place * 8192)\r\n:\(place * 8192 + 8191)\r\n*2\r\n$9\r\n127.0.0.1\r\n:\(server.port)\r\n"
            }.joined()
    }

    func answer(_ place: Int, _ slots: String?, _ command: String? = "+OK\r\n") {
        servers[place].answer = { $0 == "CLUSTER SLOTS" ? slots : command }
    }

    func send(slot: Int, tag: UInt = 1) -> RedisFailure? {
        guard let slot = ClusterSlot(slot) else { return .notConnected }
        return cluster.send(command("GET", "x"), to: slot, after: .zero, recorder, tag: tag, by: nil)
    }

    /// Sends and waits for what becomes of it.
    func ask(slot: Int) -> Recorder.Event? {
        recorder.events = []
        if let failure = send(slot: slot) { return .failure(1, failure) }
        #expect(turn { !recorder.events.isEmpty })
        return recorder.events.first
    }

    func timesAskedForSlots() -> Int { servers.reduce(0) { $0 + $1.asked.count { $0 == "CLUSTER SLOTS" } } }

    func turn(until isDone: () -> Bool) -> Bool {
        for attempt in 1...100_000 {
            if isDone() { return true }
            loop.tick(wait: false)
            sched_yield()
            // What is due at once comes with the clock's next step.
            if attempt % 500 == 0 { clock.advance(by: .milliseconds(1)) }
        }
        return isDone()
    }

    /// Everything on the way arrives.
    func settle() {
        for _ in 0..<300 {
            loop.tick(wait: false)
            sched_yield()
        }
    }

    func advance(_ duration: Duration) {
        clock.advance(by: duration)
        settle()
    }
}

@Suite struct RedisClusterTests {
    private static let disabled = "-ERR This instance has cluster support disabled\r\n"

    @Test(
        "what a server is that does not tell its slots is concluded from what says so, and from nothing that may pass",
        arguments: [
            (disabled, true), ("-ERR unknown command 'CLUSTER', with args beginning with: 'SLOTS'\r\n", true),
            ("-NOPERM this user has no permissions to run the 'cluster|slots' command\r\n", true),
            ("-BUSY Redis is busy running a script.\r\n", false), ("-LOADING Redis is loading the dataset in memory\r\n", false),
            ("-OOM command not allowed\r\n", false), ("+OK\r\n", false),
        ])
    func concludes(words: String, isByItself: Bool) throws {
        let table = try ClusterTable(.auto) { _ in words }
        #expect(table.turn { table.timesAskedForSlots() == 1 })
        table.settle()
        #expect(table.cluster.isSharded == !isByItself)
        for place in 0..<2 { table.answer(place, table.topology) }
        table.advance(.milliseconds(100))
        #expect(table.ask(slot: 16383) == .reply(1, "+OK"))
        #expect(table.cluster.isSharded == !isByItself)
        #expect(table.servers[isByItself ? 0 : 1].asked.last == "GET x")
    }

    @Test("a cluster stays one whatever a server answers in place of its slots", arguments: ["-BUSY Redis is busy\r\n", disabled])
    func staysKnown(words: String) throws {
        let table = try ClusterTable(.auto) { $0.topology }
        #expect(table.ask(slot: 0) == .reply(1, "+OK"))
        #expect(table.ask(slot: 16383) == .reply(1, "+OK") && table.servers[1].asked == ["GET x"])
        table.answer(0, words, "-MOVED 0 127.0.0.1:\(table.servers[1].port)\r\n")
        table.answer(1, words)
        #expect(table.ask(slot: 0) == .reply(1, "+OK"))
        table.advance(.milliseconds(50))
        #expect(table.turn { table.timesAskedForSlots() >= 2 })
        table.settle()
        #expect(table.cluster.isSharded && table.cluster.lastFailure == .unfit(String(words.dropFirst().dropLast())))
        table.answer(0, words)
        #expect(table.ask(slot: 1) == .reply(1, "+OK") && table.servers[0].asked.last == "GET x")
    }

    @Test("a slot that a call has waited for in vain is not waited for again for a moment, and no other slot is skipped")
    func downSlot() throws {
        let table = try ClusterTable(.cluster) { $0.topology }
        #expect(table.ask(slot: 0) == .reply(1, "+OK"))
        table.answer(0, table.topology, "-CLUSTERDOWN Hash slot not served\r\n")
        table.recorder.events = []
        #expect(table.send(slot: 0) == nil)
        for _ in 0..<100 where table.recorder.events.isEmpty { table.advance(.milliseconds(10)) }
        #expect(table.recorder.events == [.reply(1, "-CLUSTERDOWN Hash slot not served")])
        let asked = table.servers[0].asked.count { $0 == "GET x" }
        #expect(table.ask(slot: 0) == .failure(1, .notConnected))
        #expect(table.cluster.lastFailure == .unfit("CLUSTERDOWN no server serves slot 0"))
        #expect(table.servers[0].asked.count { $0 == "GET x" } == asked)
        #expect(table.ask(slot: 16383) == .reply(1, "+OK"))
        table.answer(0, table.topology)
        table.advance(.milliseconds(250))
        #expect(table.ask(slot: 0) == .reply(1, "+OK"))
    }

    @Test("what was a server by itself is asked for its slots once it says that keys are of several")
    func crossSlot() throws {
        let table = try ClusterTable(.auto) { _ in Self.disabled }
        #expect(table.ask(slot: 0) == .reply(1, "+OK"))
        #expect(!table.cluster.isSharded)
        let words = "CROSSSLOT Keys in request don't hash to the same slot"
        table.answer(0, table.topology, "-\(words)\r\n")
        #expect(table.ask(slot: 0) == .reply(1, "-\(words)"))
        table.advance(.milliseconds(200))
        #expect(table.turn { table.cluster.isSharded })
    }

    @Test("calls wait for the first answer about slots, and no longer once there was none")
    func silentAtFirst() throws {
        let table = try ClusterTable(.cluster) { _ in nil }
        #expect(table.turn { table.timesAskedForSlots() == 1 })
        #expect(table.send(slot: 0) == nil)
        table.advance(.seconds(1))
        #expect(table.recorder.events == [.failure(1, .notConnected)])
        table.advance(.milliseconds(100))
        #expect(table.turn { table.timesAskedForSlots() == 2 })
        #expect(table.send(slot: 0) == .notConnected)
    }

    @Test("after its end it takes no commands")
    func closed() throws {
        let table = try ClusterTable(.cluster) { $0.topology }
        #expect(table.ask(slot: 0) == .reply(1, "+OK"))
        table.cluster.close()
        table.recorder.events = []
        #expect(table.send(slot: 0) == .notConnected)
        let slot = try #require(ClusterSlot(0))
        #expect(
            table.cluster.send(
                command("GET", "x"), to: slot, after: .milliseconds(1), table.recorder, tag: 1, by: nil) == .notConnected)
        #expect(table.recorder.events.isEmpty)
    }

    @Test("a command that is asked of another server this once goes there with its ASKING, or not at all", arguments: [1, 2])
    func asking(room: Int) throws {
        let table = try ClusterTable(.cluster, commandsInFlightMax: room) { $0.topology }
        #expect(table.ask(slot: 0) == .reply(1, "+OK"))
        table.answer(0, table.topology, "-ASK 0 127.0.0.1:\(table.servers[1].port)\r\n")
        #expect(table.ask(slot: 0) == (room == 1 ? .failure(1, .queueFull) : .reply(1, "+OK")))
        table.settle()
        #expect(table.servers[1].asked == (room == 1 ? [] : ["ASKING", "GET x"]))
    }
}
