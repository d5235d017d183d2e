import GRPCTesting
import Glibc
import HTTPModel
import Net
import Sockets
import Testing
import Time
import Upstreams

@testable import Gateway

@Suite("An endpoint's connections and queue")
struct EndpointTests {
    /// A gateway in front of one backend.
    private func pair(
        streams: Int = 100, maximum: Int = 16, peerStreams: UInt32 = 100, at address: SocketAddress = SocketAddress("127.0.0.1:0")!,
        change: (inout ClusterPlan) -> Void = { _ in }
    ) throws -> (TestGateway, TestBackend) {
        let gateway = try TestGateway()
        let backend = try TestBackend(on: gateway.outside, at: address, streams: peerStreams)
        try gateway.adopt([.address(backend.address)], generation: 2) { plan, _ in
            plan.pool.streams = streams
            plan.pool.connections = maximum
            change(&plan)
        }
        return (gateway, backend)
    }

    @Test("calls beyond a connection's streams open another, and beyond the last connection's wait their turn")
    func growth() throws {
        let (gateway, backend) = try pair(streams: 2, maximum: 2)
        let caller = try gateway.caller()
        let calls = (0..<5).map { caller.begin("/hold.S/\($0)", ended: true) }
        #expect(gateway.run { backend.held.count == 4 })
        gateway.outside.settle()
        let endpoint = gateway.endpoints[0]
        #expect(backend.held.count == 4 && endpoint.connectionCount == 2)
        #expect(endpoint.waiting == 1 && endpoint.activeCount == 5)
        backend.answer(backend.held[0])
        #expect(gateway.run { backend.paths.count == 5 })
        #expect(backend.paths.last == "/hold.S/4")
        while let stream = backend.held.first { backend.answer(stream) }
        #expect(gateway.run { calls.allSatisfy { $0.status == "0" } })
        #expect(gateway.run { endpoint.activeCount == 0 && endpoint.waiting == 0 })
        #expect(backend.accepted == 2)
    }

    @Test("few calls share one connection, also where all of them wait for it")
    func sharing() throws {
        let (gateway, backend) = try pair()
        let caller = try gateway.caller()
        let calls = (0..<90).map { caller.begin("/a.S/\($0)", ended: true) }
        #expect(gateway.run { calls.allSatisfy { $0.status == "0" } })
        #expect(backend.accepted == 1)
    }

    @Test("where the peer allows fewer streams than we do, none is refused and more connections are opened")
    func peerLimit() throws {
        let (gateway, backend) = try pair(peerStreams: 1)
        let caller = try gateway.caller()
        let calls = (0..<5).map { caller.begin("/hold.S/\($0)", ended: true) }
        #expect(gateway.run { backend.held.count == 5 })
        #expect(backend.accepted == 5)
        for stream in backend.held { backend.answer(stream) }
        #expect(gateway.run { calls.allSatisfy { $0.status == "0" } })
    }

    @Test("a full queue refuses, until a place in it is free")
    func overflow() throws {
        let (gateway, backend) = try pair(streams: 1, maximum: 1) { $0.pool.waiting = 2 }
        let caller = try gateway.caller()
        let first = caller.begin("/hold.S/first", ended: true)
        #expect(gateway.run { backend.held.count == 1 })
        let waiting = (0..<2).map { caller.begin("/hold.S/\($0)", ended: true) }
        #expect(gateway.run { gateway.endpoints[0].waiting == 2 })
        #expect(caller.unary("/a.S/Call", []).status == "14")
        #expect(gateway.endpoints[0].activeCount == 3)
        waiting[0].reset()
        #expect(gateway.run { gateway.endpoints[0].waiting == 1 })
        let late = caller.begin("/a.S/late", ended: true)
        #expect(gateway.run { gateway.endpoints[0].waiting == 2 })
        for call in [first, waiting[1]] {
            backend.answer(try #require(backend.held.first))
            #expect(gateway.run { call.status == "0" && (late.isOver || !backend.held.isEmpty) })
        }
        #expect(late.status == "0")
    }

    @Test("whoever leaves the queue leaves the others in their order", arguments: [0, 1, 2, 3])
    func withdrawal(leaving: Int) throws {
        let (gateway, backend) = try pair(streams: 1, maximum: 1)
        let caller = try gateway.caller()
        _ = caller.begin("/hold.S/first", ended: true)
        #expect(gateway.run { backend.held.count == 1 })
        let calls = (0..<4).map { caller.begin("/hold.S/\($0)", ended: true) }
        #expect(gateway.run { gateway.endpoints[0].waiting == 4 })
        calls[leaving].reset()
        #expect(gateway.run { gateway.endpoints[0].waiting == 3 })
        for count in 2...4 {
            backend.answer(backend.held[0])
            #expect(gateway.run { backend.paths.count == count && backend.held.count == 1 })
        }
        #expect(backend.paths == ["/hold.S/first"] + (0..<4).filter { $0 != leaving }.map { "/hold.S/\($0)" })
        #expect(gateway.endpoints[0].waiting == 0)
    }

    @Test("a peer that accepts and says nothing is given up after the connect timeout, twice")
    func connectTimeout() throws {
        let gateway = try TestGateway()
        var sockets: [AcceptedSocket] = []
        let silent = try ListeningSocket(on: gateway.outside.loop, at: SocketAddress("127.0.0.1:0")!) { sockets.append($0) }
        defer {
            silent.close()
            for socket in sockets { socket.refuse() }
        }
        try gateway.adopt([.address(silent.address)], generation: 2)
        let call = try gateway.caller().begin("/a.S/Call", ended: true)
        #expect(gateway.run { sockets.count == 1 })
        gateway.outside.advance(by: .milliseconds(4900))
        #expect(!call.isOver && sockets.count == 1)
        gateway.outside.advance(by: .milliseconds(200))
        #expect(!call.isOver && sockets.count == 2)
        gateway.outside.advance(by: .seconds(5))
        #expect(gateway.run { call.isOver })
        #expect(call.status == "14")
        #expect(gateway.endpoints[0].connectionCount == 0 && gateway.endpoints[0].activeCount == 0)
    }

    @Test("an endpoint where nobody listens costs no call, is passed over for a while, and is tried again")
    func unreachable() throws {
        let gateway = try TestGateway()
        let dead = try PortReservation(SocketAddress("127.0.0.1:0")!)
        let backend = try TestBackend(on: gateway.outside)
        try gateway.adopt([.address(dead.address), .address(backend.address)], generation: 2)
        let caller = try gateway.caller()
        for number in 0..<20 { #expect(caller.unary("/a.S/\(number)", []).status == "0") }
        #expect(gateway.endpoints.map(\.isUsable) == [false, true])
        gateway.outside.advance(by: .milliseconds(101), steps: 1)
        #expect(gateway.endpoints[0].isUsable)
        for number in 0..<20 { #expect(caller.unary("/a.S/\(number)", []).status == "0") }
        #expect(!gateway.endpoints[0].isUsable)
        // Twice as long after the second failure.
        gateway.outside.advance(by: .milliseconds(101), steps: 1)
        #expect(!gateway.endpoints[0].isUsable)
        gateway.outside.advance(by: .milliseconds(101), steps: 1)
        #expect(gateway.endpoints[0].isUsable)
    }

    @Test("where nobody listens at all, the caller is told at once")
    func allUnreachable() throws {
        let gateway = try TestGateway()
        let dead = try PortReservation(SocketAddress("127.0.0.1:0")!)
        try gateway.adopt([.address(dead.address)], generation: 2)
        let call = try gateway.caller().unary("/a.S/Call", [])
        #expect(call.status == "14")
        #expect(gateway.gateway.callCount == 0)
    }

    @Test("a connection that its peer is closing counts no longer: others take its place while its calls go on")
    func leaving() throws {
        let (gateway, backend) = try pair(maximum: 1)
        let caller = try gateway.caller()
        let long = caller.begin("/hold.S/long", ended: true)
        #expect(gateway.run { backend.held.count == 1 })
        backend.leave()
        gateway.outside.settle()
        #expect(caller.unary("/a.S/Call", []).status == "0")
        #expect(backend.accepted == 2)
        #expect(long.close == nil)
        backend.answer(backend.held[0])
        #expect(gateway.run { long.status == "0" })
        #expect(gateway.run { gateway.endpoints[0].connectionCount == 1 })
    }

    @Test("calls that wait for a connection's room are told when it is lost and no other can be had")
    func lostWhileWaiting() throws {
        var template = Array("/tmp/martlet-endpoint-XXXXXX".utf8CString)
        let folder = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
        let path = "\(folder)/socket"
        defer {
            unlink(path)
            rmdir(folder)
        }
        let (gateway, backend) = try pair(streams: 1, maximum: 1, at: .unix(path))
        let caller = try gateway.caller()
        let calls = (0..<3).map { caller.begin("/hold.S/\($0)", ended: true) }
        #expect(gateway.run { backend.held.count == 1 && gateway.endpoints[0].waiting == 2 })
        // A Unix socket without a listener refuses at once.
        backend.stop()
        #expect(gateway.run { calls.allSatisfy(\.isOver) })
        #expect(calls.map(\.status) == ["14", "14", "14"])
        #expect(gateway.endpoints[0].activeCount == 0)
    }

    @Test("a connection without calls is closed after its idle time, and the next call opens another")
    func idle() throws {
        let (gateway, backend) = try pair { $0.pool.idleTimeout = .seconds(10) }
        let caller = try gateway.caller()
        #expect(caller.unary("/a.S/Call", []).status == "0")
        let held = caller.begin("/hold.S/Call", ended: true)
        #expect(gateway.run { backend.held.count == 1 })
        gateway.outside.advance(by: .seconds(30), steps: 3)
        #expect(gateway.endpoints[0].connectionCount == 1, "it is in use")
        backend.answer(backend.held[0])
        #expect(gateway.run { held.isGone })
        gateway.outside.advance(by: .seconds(9), steps: 3)
        #expect(gateway.endpoints[0].connectionCount == 1)
        gateway.outside.advance(by: .seconds(12), steps: 3)
        #expect(gateway.endpoints[0].connectionCount == 0)
        #expect(caller.unary("/a.S/Call", []).status == "0")
        #expect(backend.accepted == 2)
    }

    @Test("a connection of age takes no more calls, lets those on it end, and another takes its place")
    func age() throws {
        let (gateway, backend) = try pair(streams: 2, maximum: 1) { $0.pool.age = .seconds(100) }
        let caller = try gateway.caller()
        let running = (0..<2).map { caller.begin("/hold.S/\($0)", ended: true) }
        #expect(gateway.run { backend.held.count == 2 })
        let waiting = caller.begin("/hold.S/waiting", ended: true)
        gateway.outside.settle()
        gateway.outside.advance(by: .seconds(89))
        #expect(backend.accepted == 1 && gateway.endpoints[0].waiting == 1)
        gateway.outside.advance(by: .seconds(22))
        #expect(gateway.run { backend.held.count == 3 }, "who waited goes by the new one")
        #expect(backend.accepted == 2 && backend.connectionCount == 2)
        while let stream = backend.held.first { backend.answer(stream) }
        #expect(gateway.run { (running + [waiting]).allSatisfy { $0.status == "0" } && backend.connectionCount == 1 })
    }
}
