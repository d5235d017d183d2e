import GRPCTesting
import HTTPModel
import Sockets
import TLS
import Testing

@testable import Transport

@Suite("A listener that speaks HTTP/1.1 and HTTP/2")
struct ServerTests {
    @Test("in cleartext the first bytes decide")
    func cleartext() throws {
        let server = try PathServer()
        let old = try server.call()
        old.say("GET /one HTTP/1.1\r\nhost: a\r\n\r\n")
        #expect(server.run(old, until: "/one"))
        let new = try TestCaller(to: server.address, worker: server.worker)
        #expect(server.worker.run { new.isOpen })
        let call = new.begin("/two", ended: true)
        #expect(server.worker.run { call.isOver })
        #expect(call.bodyBytes == 4)
        #expect(server.handler.protocols == ["HTTP/1.1", "HTTP/2"])
    }

    @Test("bytes that begin as HTTP/2 does belong to the request that they turn out to be")
    func almostPreface() throws {
        let server = try PathServer()
        let caller = try server.call()
        for piece in ["P", "RI * HT", "TP/1.1\r\nhost: a\r\n\r\n"] {
            caller.say(piece)
            server.worker.settle()
        }
        #expect(server.run(caller, until: "HTTP/1.1 400"), "an asterisk is for OPTIONS")
        let other = try server.call()
        for piece in ["P", "O", "ST /x HTTP/1.1\r\nhost: a\r\n\r\n"] {
            other.say(piece)
            server.worker.settle()
        }
        #expect(server.run(other, until: "/x"))
    }

    @Test("HTTP/2's preface may come in pieces")
    func slowPreface() throws {
        let server = try PathServer()
        let caller = try server.call()
        for byte in "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" {
            caller.say(String(byte))
            server.worker.settle()
        }
        // A SETTINGS frame without entries; its acknowledgement comes behind the server's own.
        caller.say("\0\0\0\u{4}\0\0\0\0\0")
        #expect(server.run(caller, until: "\0\0\0\u{4}\u{1}\0\0\0\0"))
    }

    @Test(
        "under TLS the agreed protocol decides, and none is HTTP/1.1",
        arguments: [
            ([ApplicationProtocol.http2, .http1], ApplicationProtocol.http1), ([.http1], .http1),
        ])
    func secure(offered: [ApplicationProtocol], spoken: ApplicationProtocol) throws {
        let server = try PathServer(tls: try TestTLS.server([.http1, .http2]))
        for context in [try TestTLS.client(offered), try TestTLS.client([])] {
            let caller = try server.call(tls: context)
            caller.say("GET /secure HTTP/1.1\r\nhost: a\r\n\r\n")
            #expect(server.run(caller, until: "/secure"))
        }
        let new = try server.call(tls: try TestTLS.client([.http2]))
        // SETTINGS come with the handshake.
        #expect(server.worker.run { new.received.utf8.count > 9 })
    }

    @Test("where only HTTP/2 is spoken, HTTP/1.1 is told so")
    func onlyHTTP2() throws {
        let server = try PathServer(protocols: [.http2])
        let caller = try server.call()
        caller.say("POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\nx")
        #expect(server.run(caller, until: "only HTTP/2 is spoken here"))
        #expect(caller.received.hasPrefix("HTTP/1.1 505 "))
        #expect(server.worker.run { caller.end != nil })
        #expect(server.worker.run { server.server.connectionCount == 0 })
        #expect(server.handler.protocols.isEmpty)
    }

    @Test("where only HTTP/1.1 is spoken, HTTP/2 is an unknown version")
    func onlyHTTP1() throws {
        let server = try PathServer(protocols: [.http1])
        let caller = try server.call()
        caller.say("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        #expect(server.run(caller, until: "HTTP/1.1 505 "))
    }

    @Test(
        "what begins no HTTP at all is closed without a word",
        arguments: [
            [ApplicationProtocol.http2], [.http1], [.http2, .http1],
        ])
    func rubbish(protocols: [ApplicationProtocol]) throws {
        let server = try PathServer(protocols: protocols)
        for text in ["\0\0\0", "\u{16}\u{3}\u{1}", " GET", "{}"] {
            let caller = try server.call()
            caller.say(text)
            #expect(server.worker.run { caller.end != nil })
            #expect(caller.received.isEmpty)
        }
    }

    @Test("a connection serves one request after the other, a hundred ahead of their turn")
    func keepAlive() throws {
        let server = try PathServer()
        let caller = try server.call()
        for number in 0..<100 { caller.say("GET /\(number) HTTP/1.1\r\nhost: a\r\n\r\n") }
        caller.say("GET /last HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        #expect(server.worker.run { caller.end == .peer })
        #expect(caller.received.contains("/99") && caller.received.hasSuffix("/last"))
        #expect(server.handler.closes == Array(repeating: .complete, count: 101))
    }

    @Test("a body that nobody accepts stays with its sender")
    func backPressure() throws {
        let server = try PathServer { $0.session.streamWindowBytes = 64 << 10 }
        server.handler.accepts = false
        let caller = try server.call()
        let total = 16 << 20
        caller.say("POST /held HTTP/1.1\r\nhost: a\r\ncontent-length: \(total)\r\n\r\n" + String(repeating: "x", count: total))
        #expect(server.worker.run { server.handler.bodyBytes >= 64 << 10 })
        server.worker.settle()
        let before = server.handler.bodyBytes
        #expect(before < 256 << 10)
        server.handler.accepts = true
        server.handler.accept(try #require(server.handler.held.first))
        #expect(server.worker.run { server.handler.bodyBytes == total })
    }

    @Test("a caller that goes away ends its exchange")
    func disconnect() throws {
        let server = try PathServer()
        let caller = try server.call()
        caller.say("GET /held HTTP/1.1\r\nhost: a\r\n\r\n")
        #expect(server.worker.run { !server.handler.held.isEmpty })
        caller.channel.abort()
        #expect(server.worker.run { server.handler.closes == [.connectionLost] })
    }

    @Test("silence in front of a request, in it and behind it has its limits")
    func timeouts() throws {
        let server = try PathServer {
            $0.handshake = .seconds(10)
            $0.idle = .seconds(60)
            $0.streamIdle = .seconds(30)
        }
        let silent = try server.call()
        let undecided = try server.call()
        undecided.say("PRI *")
        let slow = try server.call()
        slow.say("GET / HTTP/1.1\r\nho")
        let idle = try server.call()
        idle.say("GET /idle HTTP/1.1\r\nhost: a\r\n\r\n")
        let stuck = try server.call()
        stuck.say("POST /held HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nx")
        #expect(server.run(idle, until: "/idle"))
        server.worker.advance(by: .seconds(9), steps: 1)
        #expect(silent.end == nil && undecided.end == nil && slow.end == nil)
        server.worker.advance(by: .seconds(4), steps: 2)
        #expect(silent.end != nil && undecided.end != nil)
        #expect(slow.received.hasPrefix("HTTP/1.1 408 "))
        #expect(idle.end == nil && stuck.end == nil)
        server.worker.advance(by: .seconds(20), steps: 2)
        #expect(stuck.end != nil)
        #expect(server.handler.closes.contains(.reset(8)))
        #expect(idle.end == nil)
        server.worker.advance(by: .seconds(40), steps: 2)
        #expect(idle.end == .peer)
        #expect(server.worker.run { server.server.connectionCount == 0 })
    }

    @Test("leaving closes idle connections, and busy ones behind their answer")
    func drain() throws {
        let server = try PathServer()
        let idle = try server.call()
        idle.say("GET /idle HTTP/1.1\r\nhost: a\r\n\r\n")
        let busy = try server.call()
        busy.say("GET /held HTTP/1.1\r\nhost: a\r\n\r\n")
        let mute = try server.call()
        #expect(server.worker.run { idle.received.contains("/idle") && !server.handler.held.isEmpty })
        server.server.beginDrain()
        #expect(server.worker.run { idle.end == .peer })
        #expect(busy.end == nil)
        server.handler.answer(try #require(server.handler.held.first))
        #expect(server.worker.run { busy.end == .peer })
        #expect(busy.received.contains("connection: close"))
        server.worker.advance(by: .seconds(3), steps: 2)
        #expect(mute.end != nil, "one that never spoke is not waited for")
        #expect(server.worker.run { server.server.connectionCount == 0 })
    }

    @Test("an answer to what was not read to its end still reaches the caller")
    func refusedUnread() throws {
        let server = try PathServer()
        let caller = try server.call()
        caller.say("GET /x HTTP/9.9\r\n\r\n" + String(repeating: "x", count: 4 << 20))
        #expect(server.worker.run { caller.end == .peer })
        #expect(caller.received.hasPrefix("HTTP/1.1 505 "))
    }

    @Test("a caller that does not close behind its refusal is closed")
    func lingering() throws {
        let server = try PathServer()
        let caller = try server.call()
        caller.say("rubbish\r\n")
        #expect(server.run(caller, until: "HTTP/1.1 400 "))
        caller.channel.pauseReading()
        server.worker.advance(by: .seconds(4), steps: 3)
        #expect(server.server.connectionCount == 0)
    }
}
