import Balancing
import Filters
import GRPCTesting
import HTTPModel
import Net
import Sockets
import Testing

@testable import Gateway
@testable import Upstreams

@Suite("A cluster's endpoints")
struct ClusterTests {
    private let local = SocketAddress("127.0.0.1:0")!

    @Test("names that nobody has answered have no endpoint, and calls are told so")
    func unresolved() throws {
        let gateway = try TestGateway()
        try gateway.adopt([.name("a.test", port: 1)], generation: 2)
        #expect(gateway.endpoints.isEmpty)
        #expect(try gateway.caller().unary("/a.S/Call", []).status == "14")
    }

    @Test("endpoints that a name still stands for keep their connections; those it does not, their running calls")
    func resolution() throws {
        let gateway = try TestGateway()
        let (a, b) = (try TestBackend(on: gateway.outside), try TestBackend(on: gateway.outside))
        try gateway.adopt([.name("a.test", port: a.address.port!), .name("b.test", port: b.address.port!)], generation: 2)
        gateway.gateway.resolve(ResolvedNames(["a.test": [local]]))
        let caller = try gateway.caller()
        #expect(caller.unary("/x.S/Call", []).status == "0")
        let first = gateway.endpoints[0]
        gateway.gateway.resolve(ResolvedNames(["a.test": [local], "b.test": [local]]))
        #expect(gateway.endpoints.count == 2 && gateway.endpoints[0] === first)
        for _ in 0..<4 { #expect(caller.unary("/x.S/Call", []).status == "0") }
        #expect(a.accepted == 1 && b.accepted == 1)
        let held = (0..<2).map { _ in caller.begin("/hold.S/Call", ended: true) }
        #expect(gateway.run { a.held.count == 1 && b.held.count == 1 })
        gateway.gateway.resolve(ResolvedNames(["b.test": [local]]))
        #expect(gateway.endpoints.count == 1)
        for _ in 0..<4 { #expect(caller.unary("/x.S/Call", []).status == "0") }
        #expect(a.connectionCount == 1, "a call still runs there")
        a.answer(a.held[0])
        b.answer(b.held[0])
        #expect(gateway.run { held.allSatisfy { $0.status == "0" } })
        #expect(gateway.run { a.connectionCount == 0 })
        #expect(b.connectionCount == 1)
    }

    @Test("an address that is named twice is one endpoint")
    func duplicates() throws {
        let gateway = try TestGateway()
        let backend = try TestBackend(on: gateway.outside)
        let port = backend.address.port!
        try gateway.adopt([.address(backend.address), .name("a.test", port: port), .name("b.test", port: port)], generation: 2)
        gateway.gateway.resolve(ResolvedNames(["a.test": [local, local], "b.test": [local]]))
        #expect(gateway.endpoints.count == 1)
    }

    @Test("calls that wait for an endpoint which goes away are sent to another")
    func retiredWhileWaiting() throws {
        let gateway = try TestGateway()
        var sockets: [AcceptedSocket] = []
        let silent = try ListeningSocket(on: gateway.outside.loop, at: local) { sockets.append($0) }
        defer {
            silent.close()
            for socket in sockets { socket.refuse() }
        }
        let backend = try TestBackend(on: gateway.outside)
        try gateway.adopt(
            [.name("a.test", port: silent.address.port!), .name("b.test", port: backend.address.port!)], generation: 2)
        gateway.gateway.resolve(ResolvedNames(["a.test": [local]]))
        let caller = try gateway.caller()
        let calls = (0..<3).map { _ in caller.begin("/x.S/Call", ended: true) }
        #expect(gateway.run { gateway.endpoints[0].waiting == 3 })
        gateway.gateway.resolve(ResolvedNames(["b.test": [local]]))
        #expect(gateway.run { calls.allSatisfy(\.isOver) })
        #expect(calls.map(\.status) == ["0", "0", "0"])
    }

    @Test("a new configuration keeps a cluster that it says the same of, with its connections")
    func unchanged() throws {
        let gateway = try TestGateway()
        let backend = try TestBackend(on: gateway.outside)
        try gateway.adopt([.address(backend.address)], generation: 2)
        let caller = try gateway.caller()
        let held = caller.begin("/hold.S/Call", ended: true)
        #expect(gateway.run { backend.held.count == 1 })
        let cluster = gateway.gateway.current.clusters[0]
        try gateway.adopt([.address(backend.address)], generation: 3)
        #expect(gateway.gateway.current.clusters[0] === cluster)
        #expect(caller.unary("/a.S/Call", []).status == "0")
        #expect(backend.accepted == 1)
        backend.answer(backend.held[0])
        #expect(gateway.run { held.status == "0" })
    }

    @Test("endpoints that a new configuration still names keep their connections, whatever else it says of balancing")
    func membership() throws {
        let gateway = try TestGateway()
        let backends = try (0..<3).map { _ in try TestBackend(on: gateway.outside) }
        try gateway.adopt(backends[..<2].map { .address($0.address) }, generation: 2)
        let caller = try gateway.caller()
        for _ in 0..<4 { #expect(caller.unary("/a.S/Call", []).status == "0") }
        let cluster = gateway.gateway.current.clusters[0]
        let held = (0..<2).map { _ in caller.begin("/hold.S/Call", ended: true) }
        #expect(gateway.run { backends[0].held.count == 1 && backends[1].held.count == 1 })
        try gateway.adopt(backends[1...].map { .address($0.address) }, generation: 3) { plan, _ in
            plan.balancing.policy = .random
            plan.endpoints[1].weight = 1000
        }
        #expect(gateway.gateway.current.clusters[0] === cluster && gateway.endpoints.map(\.member.pointee.weight) == [1, 1000])
        for _ in 0..<20 { #expect(caller.unary("/a.S/Call", []).status == "0") }
        #expect(backends[0].paths.count == 3 && backends[1].accepted == 1 && backends[2].accepted == 1)
        backends[0].answer(backends[0].held[0])
        backends[1].answer(backends[1].held[0])
        #expect(gateway.run { held.allSatisfy { $0.status == "0" } })
        #expect(gateway.run { backends[0].connectionCount == 0 })
    }

    @Test("calls finish on the cluster they began on, waiting ones too; then its connections close")
    func changed() throws {
        let gateway = try TestGateway()
        let (old, new) = (try TestBackend(on: gateway.outside), try TestBackend(on: gateway.outside))
        try gateway.adopt([.address(old.address)], generation: 2) { plan, _ in
            plan.pool.streams = 1
            plan.pool.connections = 1
        }
        let caller = try gateway.caller()
        let calls = (0..<2).map { caller.begin("/hold.S/\($0)", ended: true) }
        #expect(gateway.run { old.held.count == 1 && gateway.endpoints[0].waiting == 1 })
        try gateway.adopt([.address(new.address)], generation: 3)
        #expect(caller.unary("/a.S/Call", []).status == "0")
        #expect(new.paths == ["/a.S/Call"])
        for call in calls {
            #expect(gateway.run { old.held.count == 1 })
            old.answer(old.held[0])
            #expect(gateway.run { call.status == "0" })
        }
        #expect(old.paths.count == 2)
        #expect(gateway.run { old.connectionCount == 0 })
    }
}
