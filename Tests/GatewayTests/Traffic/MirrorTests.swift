import Bytes
import GRPCTesting
import HTTPModel
import Sockets
import Testing
import Transport

@testable import Gateway

@Suite("Mirrors")
struct MirrorTests {
    private struct House {
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
        let house = try House()
        let caller = try house.gateway.caller()
        for count in 1...5 {
            #expect(caller.unary("/a.S/Call", Array(repeating: 7, count: count * 1000)).status == "0")
            #expect(house.gateway.run { house.shadow.paths.count == count && house.isQuiet })
        }
        #expect(house.main.paths.count == 5 && house.mirrored("sent") == 5)
        // What it answers is nobody's.
        house.shadow.isFailing = true
        #expect(caller.unary("/a.S/Call", [1]).status == "0")
        #expect(house.gateway.run { house.shadow.paths.count == 6 && house.isQuiet })
    }

    @Test("the copy is the call's own head but for the authority, and its whole body")
    func same() throws {
        let house = try House()
        var seen: [[String: String]] = []
        house.shadow.headSeen = { seen.append($0) }
        let call = try house.gateway.caller().begin("/hold.S/Call", [(":authority", "orders.test:8443"), ("x-user", "7"), ("grpc-timeout", "9S")])
        let message = (0..<100_000).map { UInt8(truncatingIfNeeded: $0) }
        call.send(message: message)
        call.finish()
        #expect(house.gateway.run { house.main.bodyBytes == message.count + 5 && house.shadow.bodyBytes == message.count + 5 })
        house.main.answer(house.main.held[0])
        house.shadow.answer(house.shadow.held[0])
        #expect(house.gateway.run { call.status == "0" && house.isQuiet })
        let head = try #require(seen.first)
        #expect(head[":authority"] == "orders.test-shadow:8443")
        #expect(head["x-user"] == "7" && head[":path"] == "/hold.S/Call" && head["grpc-timeout"] != nil && head["te"] == "trailers")
    }

    @Test("a mirror that does not answer costs nobody anything, and its copies end with their time")
    func silent() throws {
        let house = try House()
        let caller = try house.gateway.caller()
        let call = caller.begin("/hold.S/Call", ended: true)
        #expect(house.gateway.run { house.main.held.count == 1 && house.shadow.held.count == 1 })
        house.main.answer(house.main.held[0])
        #expect(house.gateway.run { call.status == "0" && house.gateway.gateway.exchangeCount == 0 })
        #expect(house.gateway.gateway.mirrors.count == 1)
        house.gateway.outside.advance(by: .seconds(16))
        #expect(house.gateway.run { house.isQuiet && house.shadow.held.isEmpty })
        #expect(house.mirrored("failed") == 1)
    }

    @Test("a mirror that is not there costs nobody anything")
    func absent() throws {
        let house = try House(shadowAt: "127.0.0.1:1")
        let caller = try house.gateway.caller()
        for _ in 0..<20 { #expect(caller.unary("/a.S/Call", [1]).status == "0") }
        #expect(house.gateway.run { house.isQuiet })
        #expect(house.mirrored("failed") == 20)
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
        let house = try House()
        let caller = try house.gateway.caller()
        let large = caller.begin("/hold.S/Call")
        large.send([UInt8](repeating: 0, count: Mirrors.bodyBytesMax + 1))
        large.finish()
        #expect(house.gateway.run { house.mirrored("too_large") == 1 && !house.main.held.isEmpty })
        house.main.answer(house.main.held[0])
        #expect(house.gateway.run { large.status == "0" && house.gateway.gateway.exchangeCount == 0 })
        let left = caller.begin("/hold.S/Call")
        left.send([1, 2, 3])
        #expect(house.gateway.run { house.main.held.count == 1 })
        left.reset()
        #expect(house.gateway.run { house.gateway.gateway.exchangeCount == 0 && house.isQuiet })
        #expect(house.shadow.paths.isEmpty)
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
            written: "clusters: { main: { endpoints: [\"\(main.address)\"] } }\nroutes: [{ allow: anyone, cluster: main }]", generation: 3)
        #expect(gateway.run { gateway.gateway.mirrors.count == 0 })
        #expect(caller.unary("/a.S/Call", [1]).status == "0")
    }

    @Test("a limited mirror takes what it may, and the rest of the copies are let go")
    func limited() throws {
        let house = try House(cluster: ", circuit_breaker: { requests: 2 }")
        let caller = try house.gateway.caller()
        let calls = (0..<5).map { _ in caller.begin("/hold.S/Call", ended: true) }
        #expect(house.gateway.run { house.main.held.count == 5 && house.shadow.held.count == 2 })
        #expect(house.mirrored("no_room") == 3)
        for stream in house.main.held { house.main.answer(stream) }
        for stream in house.shadow.held { house.shadow.answer(stream) }
        #expect(house.gateway.run { calls.allSatisfy { $0.status == "0" } && house.isQuiet })
    }

    @Test("where memory is short there are no copies, and calls go on")
    func memory() throws {
        let house = try House()
        let held = house.gateway.inside.context.chunks
        var ballast = ByteChain()
        let block = [UInt8](repeating: 0, count: 1 << 20)
        while held.bytesInUse < 9 << 20 { block.withUnsafeBytes { ballast.append($0, from: held) } }
        defer { ballast.removeAll(pool: held) }
        #expect(try house.gateway.caller().unary("/a.S/Call", [1]).status == "0")
        #expect(house.mirrored("no_room") == 1 && house.shadow.paths.isEmpty)
    }

    @Test("what a fault answers is not mirrored, what it delays is, when it goes on")
    func faults() throws {
        let aborted = try House("mirror: { cluster: shadow }, fault: { abort: { grpc_status: aborted } }")
        #expect(try aborted.gateway.caller().unary("/a.S/Call", [1]).status == "10")
        aborted.gateway.outside.settle()
        #expect(aborted.shadow.paths.isEmpty && aborted.isQuiet)
        let delayed = try House("mirror: { cluster: shadow }, fault: { delay: { duration: 1s } }")
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
            ("a.test", "a.test-shadow"), ("a.test:80", "a.test-shadow:80"), ("[::1]:80", "[::1]-shadow:80"), ("[::1]", "[::1]-shadow"),
            ("", "-shadow"),
        ])
    func authority(text: String, expected: String) {
        var block = FieldBlock()
        defer { block.destroy() }
        var text = text
        let shadow = text.withUTF8 { GatewayWorker.shadow(UnsafeRawBufferPointer($0), in: &block) }
        #expect(String(decoding: shadow, as: UTF8.self) == expected)
    }
}
