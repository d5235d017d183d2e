import Bytes
import Reactor
import RedisServer
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

    @Test("while a server is silent, each command costs its own timeout and no more")
    func silentForLong() throws {
        let table = try Table()
        #expect(table.ask("PING") == "+PONG")
        table.server.pause()
        for tag in 1...10 {
            table.recorder.events = []
            #expect(table.send("PING", tag: UInt(tag)) == nil)
            table.advance(.milliseconds(20))
            #expect(table.recorder.events == [.failure(UInt(tag), .timedOut)])
            table.advance(.milliseconds(300))
        }
        table.server.resume()
    }

    @Test("while a server does not answer AUTH, each command costs its own timeout and no more")
    func greetingForLong() throws {
        var settings = Table.settings
        settings.password = "secret"
        let table = try Table(settings, options: ["--requirepass", "secret"])
        table.server.pause()
        table.turn { true }
        for tag in 1...10 {
            table.recorder.events = []
            #expect(table.send("PING", tag: UInt(tag)) == nil)
            table.advance(.milliseconds(20))
            #expect(table.recorder.events == [.failure(UInt(tag), .timedOut)])
            table.advance(.milliseconds(300))
        }
        table.server.resume()
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
        #expect(table.client.lastFailure == .unreachable("No such file or directory"))
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
