import Bytes
import GRPCTesting
import HTTPModel
import Net
import Sockets
import Testing
import Transport

@testable import Calls
@testable import Gateway

@Suite("Mirrors")
struct MirrorTests {
    private struct Fixture {
        let gateway: TestGateway
        let main: TestBackend
        let shadow: TestBackend

        init(shadowAt address: String? = nil, _ route: String = "mirror: { cluster: shadow }", cluster: String = "") throws {
            gateway = try TestGateway()
            main = try TestBackend(on: gateway.outside)
            shadow = try TestBackend(on: gateway.outside)
            let written = """
                memory: { process: 16MiB, connection: 16MiB }
                clusters: { main: { endpoints: ["\(main.address)"] }, shadow: { endpoints: ["\(address ?? "\(shadow.address)")"] \(cluster) } }
                routes: [{ allow: anyone, cluster: main, \(route) }]
                """
            try gateway.adopt(written: written)
        }

        func mirrored(_ outcome: String) -> Int { gateway.count("martlet_mirrored_total", outcome) }
        var isQuiet: Bool { gateway.gateway.mirrors.count == 0 && gateway.inside.context.chunks.bytesInUse == 0 }
    }

    @Test("a mirror gets every call, with its body, under a name that says what it is")
    func copies() throws {
        let fixture = try Fixture()
        let caller = try fixture.gateway.caller()
        for count in 1...5 {
            #expect(caller.unary("/a.S/Call", Array(repeating: 7, count: count * 1000)).status == "0")
            #expect(fixture.gateway.run { fixture.shadow.paths.count == count && fixture.isQuiet })
        }
        #expect(fixture.main.paths.count == 5 && fixture.mirrored("sent") == 5)
        // What it answers is nobody's.
        fixture.shadow.isFailing = true
        #expect(caller.unary("/a.S/Call", [1]).status == "0")
        #expect(fixture.gateway.run { fixture.shadow.paths.count == 6 && fixture.isQuiet })
    }

    @Test("the copy is the call's own head but for the authority, and its whole body")
    func same() throws {
        let fixture = try Fixture()
        var seen: [[String: String]] = []
        fixture.shadow.headSeen = { seen.append($0) }
        let call = try fixture.gateway.caller().begin(
            "/hold.S/Call", [(":authority", "orders.test:8443"), ("x-user", "7"), ("grpc-timeout", "9S")])
        let message = (0..<100_000).map { UInt8(truncatingIfNeeded: $0) }
        call.send(message: message)
        call.finish()
        #expect(
            fixture.gateway.run { fixture.main.bodyBytes == message.count + 5 && fixture.shadow.bodyBytes == message.count + 5 })
        fixture.main.answer(fixture.main.held[0])
        fixture.shadow.answer(fixture.shadow.held[0])
        #expect(fixture.gateway.run { call.status == "0" && fixture.isQuiet })
        let head = try #require(seen.first)
        #expect(head[":authority"] == "orders.test-shadow:8443")
        #expect(head["x-user"] == "7" && head[":path"] == "/hold.S/Call" && head["grpc-timeout"] != nil && head["te"] == "trailers")
    }

    @Test("a mirror that does not answer costs nobody anything, and its copies end with their time")
    func silent() throws {
        let fixture = try Fixture()
        let caller = try fixture.gateway.caller()
        let call = caller.begin("/hold.S/Call", ended: true)
        #expect(fixture.gateway.run { fixture.main.held.count == 1 && fixture.shadow.held.count == 1 })
        fixture.main.answer(fixture.main.held[0])
        #expect(fixture.gateway.run { call.status == "0" && fixture.gateway.gateway.callCount == 0 })
        #expect(fixture.gateway.gateway.mirrors.count == 1)
        fixture.gateway.outside.advance(by: .seconds(16))
        #expect(fixture.gateway.run { fixture.isQuiet && fixture.shadow.held.isEmpty })
        #expect(fixture.mirrored("failed") == 1)
    }

    @Test("a mirror that is not there costs nobody anything")
    func absent() throws {
        let fixture = try Fixture(shadowAt: "127.0.0.1:1")
        let caller = try fixture.gateway.caller()
        for _ in 0..<20 { #expect(caller.unary("/a.S/Call", [1]).status == "0") }
        #expect(fixture.gateway.run { fixture.isQuiet })
        #expect(fixture.mirrored("failed") == 20)
    }

    @Test("where memory is short, copies go before any call does")
    func shortMemory() throws {
        let gateway = try TestGateway()
        var silent: [AcceptedSocket] = []
        let socket = try ListeningSocket(on: gateway.outside.loop, at: SocketAddress("127.0.0.1:0")!) { silent.append($0) }
        defer {
            for socket in silent { socket.refuse() }
            socket.close()
        }
        try gateway.adopt(
            written: """
                memory: { process: 16MiB, connection: 16MiB }
                clusters: { main: { endpoints: ["\(socket.address)"] }, shadow: { endpoints: ["\(socket.address)"] } }
                routes: [{ allow: anyone, cluster: main, mirror: { cluster: shadow } }]
                """)
        func failed() -> Int { gateway.count("martlet_mirrored_total", "failed") }
        let caller = try gateway.caller()
        let bytes = [UInt8](repeating: 0, count: 200 << 10)
        func begin(ended: Bool) -> TestCall {
            let call = caller.begin("/a.S/Call")
            call.send(bytes)
            if ended { call.finish() }
            return call
        }
        // Together not half of what there is; then calls alone that make it too much.
        var calls = (0..<18).map { _ in begin(ended: true) }
        #expect(gateway.run { gateway.gateway.mirrors.count == 18 })
        calls += (0..<50).map { _ in begin(ended: false) }
        #expect(gateway.run { failed() >= 5 })
        gateway.outside.settle()
        #expect(calls.allSatisfy { !$0.isOver } && gateway.gateway.mirrors.count == 18 - failed())
        #expect(gateway.inside.context.chunks.bytesInUse <= 16 << 20)
    }

    @Test("a request too large to keep is not mirrored, nor one that its caller gives up")
    func unkept() throws {
        let fixture = try Fixture()
        let caller = try fixture.gateway.caller()
        let large = caller.begin("/hold.S/Call")
        large.send([UInt8](repeating: 0, count: Mirrors.bodyBytesMax + 1))
        large.finish()
        #expect(fixture.gateway.run { fixture.mirrored("too_large") == 1 && !fixture.main.held.isEmpty })
        fixture.main.answer(fixture.main.held[0])
        #expect(fixture.gateway.run { large.status == "0" && fixture.gateway.gateway.callCount == 0 })
        let left = caller.begin("/hold.S/Call")
        left.send([1, 2, 3])
        #expect(fixture.gateway.run { fixture.main.held.count == 1 })
        left.reset()
        #expect(fixture.gateway.run { fixture.gateway.gateway.callCount == 0 && fixture.isQuiet })
        #expect(fixture.shadow.paths.isEmpty)
    }

    @Test("copies that wait for a connection go when it is there, and when their cluster goes they are let go")
    func waiting() throws {
        var silent: [AcceptedSocket] = []
        let gateway = try TestGateway()
        let socket = try ListeningSocket(on: gateway.outside.loop, at: SocketAddress("127.0.0.1:0")!) { silent.append($0) }
        defer {
            for socket in silent { socket.refuse() }
            socket.close()
        }
        let main = try TestBackend(on: gateway.outside)
        let written = """
            clusters: { main: { endpoints: ["\(main.address)"] }, shadow: { endpoints: ["\(socket.address)"] } }
            routes: [{ allow: anyone, cluster: main, mirror: { cluster: shadow } }]
            """
        try gateway.adopt(written: written)
        let caller = try gateway.caller()
        for _ in 0..<3 { #expect(caller.unary("/a.S/Call", [1]).status == "0") }
        #expect(gateway.gateway.mirrors.count == 3)
        try gateway.adopt(
            written: "clusters: { main: { endpoints: [\"\(main.address)\"] } }\nroutes: [{ allow: anyone, cluster: main }]",
            generation: 3)
        #expect(gateway.run { gateway.gateway.mirrors.count == 0 })
        #expect(caller.unary("/a.S/Call", [1]).status == "0")
    }

    @Test("a limited mirror takes what it may, and the rest of the copies are let go")
    func limited() throws {
        let fixture = try Fixture(cluster: ", circuit_breaker: { requests: 2 }")
        let caller = try fixture.gateway.caller()
        let calls = (0..<5).map { _ in caller.begin("/hold.S/Call", ended: true) }
        #expect(fixture.gateway.run { fixture.main.held.count == 5 && fixture.shadow.held.count == 2 })
        #expect(fixture.mirrored("no_room") == 3)
        for stream in fixture.main.held { fixture.main.answer(stream) }
        for stream in fixture.shadow.held { fixture.shadow.answer(stream) }
        #expect(fixture.gateway.run { calls.allSatisfy { $0.status == "0" } && fixture.isQuiet })
    }

    @Test("where memory is short there are no copies, and calls go on")
    func memory() throws {
        let fixture = try Fixture()
        let held = fixture.gateway.inside.context.chunks
        var ballast = ByteChain()
        let block = [UInt8](repeating: 0, count: 1 << 20)
        while held.bytesInUse < 9 << 20 { block.withUnsafeBytes { ballast.append($0, from: held) } }
        defer { ballast.removeAll(pool: held) }
        #expect(try fixture.gateway.caller().unary("/a.S/Call", [1]).status == "0")
        #expect(fixture.mirrored("no_room") == 1 && fixture.shadow.paths.isEmpty)
    }

    @Test("what a fault answers is not mirrored, what it delays is, when it goes on")
    func faults() throws {
        let aborted = try Fixture("mirror: { cluster: shadow }, fault: { abort: { grpc_status: aborted } }")
        #expect(try aborted.gateway.caller().unary("/a.S/Call", [1]).status == "10")
        aborted.gateway.outside.settle()
        #expect(aborted.shadow.paths.isEmpty && aborted.isQuiet)
        let delayed = try Fixture("mirror: { cluster: shadow }, fault: { delay: { duration: 1s } }")
        let call = try delayed.gateway.caller().begin("/a.S/Call")
        call.send(message: [1, 2, 3])
        call.finish()
        delayed.gateway.outside.advance(by: .milliseconds(900))
        #expect(delayed.shadow.paths.isEmpty)
        delayed.gateway.outside.advance(by: .milliseconds(200))
        #expect(delayed.gateway.run { call.status == "0" && delayed.shadow.bodyBytes == 8 && delayed.isQuiet })
    }

    @Test(
        "the word is put behind the host, whatever it is",
        arguments: [
            ("a.test", "a.test-shadow"), ("a.test:80", "a.test-shadow:80"), ("[::1]:80", "[::1]-shadow:80"),
            ("[::1]", "[::1]-shadow"),
            ("", "-shadow"),
        ])
    func authority(text: String, expected: String) {
        var block = FieldBlock()
        defer { block.destroy() }
        var text = text
        let shadow = text.withUTF8 { RequestHead.shadow(UnsafeRawBufferPointer($0), in: &block) }
        #expect(String(decoding: shadow, as: UTF8.self) == expected)
    }
}
