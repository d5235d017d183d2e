import Bytes
import Testing
import Time

@testable import Redis

@Suite struct RedisSessionTests {
    private let recorder = Recorder()

    private func ready(_ settings: RedisSettings = .defaults) -> RedisSession {
        let session = RedisSession(settings, seed: 1)
        #expect(session.tick(now: start) == .dial)
        session.opened()
        return session
    }

    private func output(_ session: RedisSession, limit: Int = .max) -> String {
        var output = ByteBuffer()
        session.produce(into: &output, limit: limit)
        return String(decoding: output.readable, as: UTF8.self)
    }

    private func receive(_ session: RedisSession, _ text: String) throws {
        try withBytes(text) { try session.received($0, now: start) }
    }

    private func send(_ session: RedisSession, _ tag: UInt, at now: Instant = start) -> RedisFailure? {
        session.send(command("GET", "\(tag)"), recorder, tag: tag, now: now)
    }

    @Test("replies go to their commands in order")
    func inOrder() throws {
        let session = ready()
        for tag in 1...3 { #expect(send(session, UInt(tag)) == nil) }
        #expect(output(session).split(separator: "*2").count == 3)
        try receive(session, ":1\r\n:2\r\n:")
        #expect(recorder.events == [.reply(1, "1"), .reply(2, "2")])
        try receive(session, "3\r\n")
        #expect(recorder.events.last == .reply(3, "3"))
        #expect(session.commandsInFlight == 0)
    }

    @Test("a reply that comes too late is swallowed, and the next goes to its own command")
    func late() throws {
        let session = ready()
        _ = send(session, 1)
        _ = send(session, 2, at: start + .milliseconds(10))
        #expect(session.nextInstant == start + .milliseconds(20))
        #expect(session.tick(now: start + .milliseconds(19)) == .nothing)
        #expect(recorder.events.isEmpty)
        #expect(session.tick(now: start + .milliseconds(20)) == .nothing)
        #expect(recorder.events == [.failure(1, .timedOut)])
        try receive(session, ":1\r\n:2\r\n")
        #expect(recorder.events.last == .reply(2, "2") && recorder.events.count == 2)
        #expect(session.lateReplies == 1)
    }

    @Test("another password that the server refuses is told once, and given again each second")
    func refusedPassword() throws {
        var settings = RedisSettings()
        settings.password = "old"
        let session = ready(settings)
        try receive(session, "+OK\r\n")
        var told: [String] = []
        session.onRefusedPassword = { told.append($0) }
        for password in ["new", "newer"] {
            session.renew(password: password, now: start)
            for second in 1...3 {
                #expect(output(session).contains("AUTH"))
                try receive(session, "-WRONGPASS invalid \(password)\r\n")
                #expect(session.tick(now: start + .seconds(second)) == .nothing)
            }
            try receive(session, "+OK\r\n")
            _ = output(session)
        }
        #expect(told == ["WRONGPASS invalid …", "WRONGPASS invalid …"])
    }

    @Test("nothing of a caller's leaves before AUTH and SELECT are answered")
    func greets() throws {
        var settings = RedisSettings()
        settings.user = "gateway"
        settings.password = "secret"
        settings.database = 3
        let session = ready(settings)
        #expect(send(session, 1) == nil)
        #expect(
            output(session)
                == "*3\r\n$4\r\nAUTH\r\n$7\r\ngateway\r\n$6\r\nsecret\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n")
        try receive(session, "+OK\r\n")
        #expect(output(session) == "" && session.state != .ready)
        try receive(session, "+OK\r\n")
        #expect(session.state == .ready && output(session) == text(command("GET", "1")))
        try receive(session, "$1\r\nx\r\n")
        #expect(recorder.events == [.reply(1, "\"x\"")])
    }

    @Test("a server that does not let us in is left, with its words kept")
    func refused() throws {
        var settings = RedisSettings()
        settings.password = "wrong"
        let session = ready(settings)
        _ = send(session, 1)
        let failure = RedisFailure.refused("WRONGPASS invalid username-password pair")
        #expect(throws: failure) { try receive(session, "-WRONGPASS invalid username-password pair\r\n") }
        session.closed(failure, now: start)
        #expect(session.lastFailure == failure)
        #expect(recorder.events == [.failure(1, .connectionLost)])
    }

    @Test("when the connection breaks, everything in flight fails once and new commands are refused")
    func breaks() throws {
        let session = ready()
        for tag in 1...3 { _ = send(session, UInt(tag)) }
        _ = session.tick(now: start + .milliseconds(30))
        #expect(recorder.events.count == 3)
        recorder.events = []
        _ = send(session, 4, at: start + .milliseconds(30))
        recorder.onEvent = { _ in #expect(self.send(session, 5) == .notConnected) }
        session.closed(.connectionLost, now: start + .milliseconds(31))
        #expect(recorder.events == [.failure(4, .connectionLost)])
        #expect(output(session) == "")
    }

    @Test("half a reply of the old connection is forgotten with it")
    func forgets() throws {
        let session = ready()
        _ = send(session, 1)
        try receive(session, "*2\r\n$10\r\nabc")
        session.closed(.connectionLost, now: start)
        #expect(session.tick(now: start + .seconds(3)) == .dial)
        session.opened()
        _ = send(session, 2, at: start + .seconds(3))
        try receive(session, ":2\r\n")
        #expect(recorder.events.last == .reply(2, "2"))
    }

    @Test("pauses between attempts double to two seconds, and a connection of use starts them anew")
    func backsOff() throws {
        let session = RedisSession(.defaults, seed: 7)
        var now = start
        var longest: UInt64 = 50_000_000
        for _ in 0..<12 {
            #expect(session.tick(now: now) == .dial)
            session.closed(.notConnected, now: now)
            guard let next = session.nextInstant else { return }
            let pause = next.nanoseconds(since: now)
            #expect(pause <= longest && pause > longest / 2)
            #expect(session.tick(now: now + .nanoseconds(Int64(pause) - 1)) == .nothing)
            now = next
            longest = min(longest * 2, 2_000_000_000)
        }
        #expect(session.tick(now: now) == .dial)
        session.opened()
        session.closed(.connectionLost, now: now)
        let next = try #require(session.nextInstant)
        #expect(next.nanoseconds(since: now) > 50_000_000, "it opened, and that was all")
        #expect(session.tick(now: next) == .dial)
        session.opened()
        _ = send(session, 1, at: next)
        try receive(session, ":1\r\n")
        session.closed(.connectionLost, now: next)
        #expect((session.nextInstant?.nanoseconds(since: next) ?? .max) <= 50_000_000)
    }

    @Test(
        "what says that another server decides closes the connection, and the command hears it first",
        arguments: [
            "READONLY You can't write against a read only replica. script: 7e, on @user_script:94.",
            "ERR Error running script (call to f_7e): @user_script:94: @user_script: 94: -READONLY You can't write against a read only replica.",
            "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
            "NOAUTH Authentication required.", "DENIED Redis is running in protected mode", "ERR max number of clients reached",
        ])
    func unfit(words: String) throws {
        let session = ready()
        for tag in 1...2 { _ = send(session, UInt(tag)) }
        #expect(throws: RedisFailure.unfit(words)) { try receive(session, "-\(words)\r\n-\(words)\r\n") }
        session.closed(.unfit(words), now: start)
        #expect(recorder.events == [.reply(1, "-\(words)"), .failure(2, .connectionLost)])
        #expect(session.lastFailure == .unfit(words))
    }

    @Test("a server that opens and then is not the one is dialled with longer and longer pauses")
    func unfitBacksOff() throws {
        let session = RedisSession(.defaults, seed: 7)
        var now = start
        var longest: UInt64 = 50_000_000
        for _ in 0..<8 {
            #expect(session.tick(now: now) == .dial)
            session.opened()
            _ = send(session, 1, at: now)
            #expect(throws: RedisFailure.self) { try receive(session, "-READONLY no\r\n") }
            session.closed(.unfit("READONLY no"), now: now)
            let next = try #require(session.nextInstant)
            #expect(next.nanoseconds(since: now) > longest / 2)
            now = next
            longest = min(longest * 2, 2_000_000_000)
        }
    }

    @Test(
        "what passes keeps the connection, and ends it where it lasts for two seconds",
        arguments: [
            "LOADING Redis is loading the dataset in memory", "BUSY Redis is busy running a script.", "UNKILLABLE Sorry",
            "NOREPLICAS Not enough good replicas to write.", "CLUSTERDOWN The cluster is down", "TRYAGAIN Multiple keys",
            "MOVED 1234 127.0.0.1:7001", "ASK 1234 127.0.0.1:7001",
        ])
    func passing(words: String) throws {
        func answer(_ session: RedisSession, _ text: String, after milliseconds: Int64) throws {
            let now = start + .milliseconds(milliseconds)
            _ = send(session, 1, at: now)
            try withBytes("\(text)\r\n") { try session.received($0, now: now) }
        }
        let session = ready()
        try answer(session, "-\(words)", after: 0)
        try answer(session, "-\(words)", after: 1999)
        #expect(throws: RedisFailure.unfit(words)) { try answer(session, "-\(words)", after: 2000) }
        let other = ready()
        try answer(other, "-\(words)", after: 0)
        try answer(other, ":1", after: 1000)
        try answer(other, "-\(words)", after: 2000)
        try answer(other, "-\(words)", after: 3999)
        #expect(other.state == .ready)
    }

    @Test(
        "what another connection would not change keeps it, however long",
        arguments: [
            "NOPERM this user has no permissions to run the 'evalsha' command",
            "CROSSSLOT Keys in request don't hash to the same slot",
            "OOM command not allowed when used memory > 'maxmemory'.", "MISCONF Redis is configured to save RDB snapshots",
            "WRONGTYPE Operation against a key", "ERR unknown command 'EVALSHA'", "READONLYISH", "",
        ])
    func kept(words: String) throws {
        let session = ready()
        for second in 0..<10 {
            let now = start + .seconds(Int64(second))
            _ = send(session, 1, at: now)
            try withBytes("-\(words)\r\n") { try session.received($0, now: now) }
        }
        #expect(session.state == .ready && recorder.events.count == 10)
    }

    @Test("a server that says unasked that it has no room is quoted, and never with the password")
    func noRoom() throws {
        #expect(throws: RedisFailure.refused("ERR max number of clients reached")) {
            try receive(ready(), "-ERR max number of clients reached\r\n")
        }
        var settings = RedisSettings()
        settings.password = "secret"
        let session = ready(settings)
        #expect(throws: RedisFailure.refused("ERR unknown command 'AUTH', with args beginning with: '…'")) {
            try receive(session, "-ERR unknown command 'AUTH', with args beginning with: 'secret'\r\n")
        }
    }

    @Test("a connection that does not open within five seconds is given up; commands waiting for it expire before")
    func opensLate() {
        let session = RedisSession(.defaults, seed: 7)
        #expect(send(session, 1) == .notConnected)
        #expect(session.tick(now: start) == .dial)
        #expect(send(session, 2) == nil)
        #expect(session.tick(now: start + .milliseconds(20)) == .nothing)
        #expect(recorder.events == [.failure(2, .timedOut)])
        #expect(session.tick(now: start + .seconds(5)) == .close(.timedOut))
    }

    @Test("a server that stays silent for five seconds after a timeout is taken for dead")
    func silent() {
        let session = ready()
        _ = send(session, 1)
        #expect(session.tick(now: start + .milliseconds(5019)) == .nothing)
        #expect(session.nextInstant == start + .milliseconds(5020))
        #expect(session.tick(now: start + .milliseconds(5020)) == .close(.timedOut))
    }

    @Test("as many commands as may be in flight are taken, and not one more, until a reply comes")
    func bounded() throws {
        var settings = RedisSettings()
        settings.commandsInFlightMax = 4
        let session = ready(settings)
        for tag in 1...4 { #expect(send(session, UInt(tag)) == nil) }
        #expect(send(session, 5) == .queueFull)
        // One that has expired still has its place.
        _ = session.tick(now: start + .milliseconds(20))
        #expect(send(session, 5) == .queueFull)
        try receive(session, ":1\r\n")
        #expect(send(session, 5) == nil)
        try receive(session, ":2\r\n:3\r\n:4\r\n:5\r\n")
        #expect(recorder.events.last == .reply(5, "5"))
    }

    @Test("a reply that nobody asked for ends the connection")
    func unexpected() {
        let session = ready()
        #expect(throws: RedisFailure.malformedReply("a reply to no command")) { try receive(session, "+OK\r\n") }
    }

    @Test("a handler may send from within a reply")
    func reenters() throws {
        let session = ready()
        recorder.onEvent = { tag in if tag == 1 { #expect(self.send(session, 2) == nil) } }
        _ = send(session, 1)
        try receive(session, ":1\r\n:2\r\n")
        #expect(recorder.events == [.reply(1, "1"), .reply(2, "2")])
    }

    @Test("output is handed out in pieces of the size asked for")
    func pieces() {
        let session = ready()
        _ = send(session, 1)
        let whole = text(command("GET", "1"))
        var pieces = ""
        while session.hasOutput { pieces += output(session, limit: 5) }
        #expect(pieces == whole)
    }
}
