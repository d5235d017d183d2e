import Balancing
import Bytes
import GRPCTesting
import HTTPModel
import Sockets
import Testing
import Time
import Upstreams

@testable import Gateway
@testable import Transport

@Suite("Connections whose peer has gone without a word")
struct UnresponsiveConnectionTests {
    private func pair(
        route: String = "", change: @escaping (inout ClusterPlan) -> Void = { _ in }
    ) throws -> (TestGateway, TestBackend) {
        let gateway = try TestGateway(route: route)
        let backend = try TestBackend(on: gateway.outside)
        try gateway.adopt([.address(backend.address)], generation: 2) { plan, _ in change(&plan) }
        return (gateway, backend)
    }

    /// From now on nothing is read on the connections with calls that are held; their sockets go on to acknowledge.
    private func wedge(_ backend: TestBackend) {
        for stream in backend.held { stream.connection { $0.channel.pauseReading() } }
    }

    private func events(_ gateway: TestGateway) -> [String: UInt64] { gateway.counts("martlet_upstream_events_total") }

    @Test("after a call that timed out in silence new calls go to another connection, and the silent one is closed")
    func timeout() throws {
        let (gateway, backend) = try pair(route: ", timeout: 2s")
        let caller = try gateway.caller()
        let first = caller.begin("/hold.S/first", ended: true)
        #expect(gateway.run { backend.held.count == 1 })
        wedge(backend)
        gateway.outside.advance(by: .milliseconds(2010))
        #expect(first.status == "4")
        #expect(caller.unary("/a.S/second", []).status == "0")
        #expect(backend.accepted == 2 && gateway.endpoints[0].connectionCount == 2)
        gateway.outside.advance(by: .milliseconds(2900))
        #expect(gateway.endpoints[0].connectionCount == 2)
        gateway.outside.advance(by: .milliseconds(200))
        #expect(gateway.endpoints[0].connectionCount == 1)
        #expect(events(gateway)["ping_timeout"] == 1)
        #expect(caller.unary("/a.S/third", []).status == "0")
        #expect(backend.accepted == 2)
    }

    @Test("a peer that acknowledges the PING keeps its connection, however many calls time out on it")
    func slow() throws {
        let (gateway, backend) = try pair(route: ", timeout: 2s")
        let caller = try gateway.caller()
        for index in 0..<5 {
            let call = caller.begin("/hold.S/\(index)", ended: true)
            #expect(gateway.run { backend.held.count == 1 })
            gateway.outside.advance(by: .milliseconds(2010))
            #expect(call.status == "4")
            #expect(gateway.run { backend.held.isEmpty })
        }
        gateway.outside.advance(by: .seconds(10))
        #expect(backend.accepted == 1 && gateway.endpoints[0].connectionCount == 1)
        #expect(events(gateway)["ping_timeout"] == nil)
    }

    @Test("calls on it that had no answer end as UNAVAILABLE, and that counts once for outlier detection")
    func others() throws {
        let (gateway, backend) = try pair { plan in
            var guards = plan.record.settings
            guards.outliers = OutlierSettings()
            // The call that timed out, and the connection.
            guards.outliers!.consecutiveLocalFailures = 3
            plan.record = ClusterRecord("backend", guards)
        }
        let caller = try gateway.caller()
        let first = caller.begin("/hold.S/first", [("grpc-timeout", "1S")], ended: true)
        let others = (0..<5).map { caller.begin("/hold.S/\($0)", ended: true) }
        #expect(gateway.run { backend.held.count == 6 })
        wedge(backend)
        gateway.outside.advance(by: .milliseconds(1010))
        #expect(first.status == "4")
        gateway.outside.advance(by: .milliseconds(3010))
        #expect(others.allSatisfy { $0.status == "14" })
        let record = gateway.endpoints[0].record
        #expect(!record.isEjected)
        let call = caller.begin("/hold.S/last", [("grpc-timeout", "1S")], ended: true)
        #expect(gateway.run { backend.held.contains { $0.fields.text(":path") == "/hold.S/last" } })
        gateway.outside.advance(by: .milliseconds(1010))
        #expect(call.status == "4" && record.isEjected)
    }

    @Test("they are tried again where the policy says so")
    func retry() throws {
        let (gateway, backend) = try pair(route: ", idempotent: true, retry: { on: [reset] }")
        let caller = try gateway.caller()
        let first = caller.begin("/hold.S/first", [("grpc-timeout", "1S")], ended: true)
        backend.script = [.hold, .hold]
        let second = caller.begin("/a.S/second", ended: true)
        #expect(gateway.run { backend.held.count == 2 })
        wedge(backend)
        gateway.outside.advance(by: .milliseconds(1010))
        gateway.outside.advance(by: .milliseconds(3010))
        #expect(first.status == "4")
        gateway.outside.advance(by: .milliseconds(100))
        #expect(second.status == "0" && backend.accepted == 2)
    }

    @Test("a per-try timeout asks as well, and the retry goes to another connection")
    func perTry() throws {
        let (gateway, backend) = try pair(route: ", idempotent: true, retry: { on: [per_try_timeout], per_try_timeout: 500ms }")
        let caller = try gateway.caller()
        backend.script = [.hold]
        let call = caller.begin("/a.S/Call", ended: true)
        #expect(gateway.run { backend.held.count == 1 })
        wedge(backend)
        gateway.outside.advance(by: .milliseconds(510))
        gateway.outside.advance(by: .milliseconds(100))
        #expect(call.status == "0" && backend.accepted == 2)
    }

    @Test("calls that wait for a place on it move at once, though there are as many connections as there may be")
    func queue() throws {
        let (gateway, backend) = try pair { plan in
            plan.pool.streams = 1
            plan.pool.connections = 1
        }
        let caller = try gateway.caller()
        _ = caller.begin("/hold.S/first", [("grpc-timeout", "1S")], ended: true)
        #expect(gateway.run { backend.held.count == 1 })
        let second = caller.begin("/hold.S/second", ended: true)
        #expect(gateway.run { gateway.endpoints[0].waiting == 1 })
        wedge(backend)
        gateway.outside.advance(by: .milliseconds(1010))
        #expect(backend.accepted == 2 && backend.held.count == 2)
        // That is twice as many as there may be: a third waits for one of the two to be given up.
        wedge(backend)
        gateway.outside.advance(by: .milliseconds(1000))
        second.reset()
        let third = caller.begin("/a.S/third", ended: true)
        gateway.outside.advance(by: .milliseconds(1000))
        #expect(backend.accepted == 2 && !third.isOver)
        gateway.outside.advance(by: .milliseconds(1100))
        #expect(third.status == "0" && backend.accepted == 3)
    }

    @Test("any byte from the peer clears it, and it takes calls again")
    func byte() throws {
        let (gateway, backend) = try pair()
        let caller = try gateway.caller()
        _ = caller.begin("/hold.S/first", [("grpc-timeout", "1S")], ended: true)
        let second = caller.begin("/hold.S/second", ended: true)
        #expect(gateway.run { backend.held.count == 2 })
        let stream = backend.held[1]
        wedge(backend)
        gateway.outside.advance(by: .milliseconds(1010))
        gateway.outside.advance(by: .seconds(2))
        backend.answer(stream)
        #expect(gateway.run { second.status == "0" })
        gateway.outside.advance(by: .seconds(10))
        #expect(gateway.endpoints[0].connectionCount == 1 && events(gateway)["ping_timeout"] == nil)
    }

    @Test(
        "a caller that gives up asks after a second, or half of its time",
        arguments: [("", 900, false), ("", 1000, true), ("1S", 400, false), ("1S", 510, true), ("1M", 1000, true)])
    func cancellation(deadline: String, milliseconds: Int, isClosed: Bool) throws {
        let (gateway, backend) = try pair()
        let call = try gateway.caller().begin(
            "/hold.S/first", deadline.isEmpty ? [] : [("grpc-timeout", deadline)], ended: true)
        #expect(gateway.run { backend.held.count == 1 })
        wedge(backend)
        gateway.outside.advance(by: .milliseconds(milliseconds))
        call.reset()
        gateway.outside.settle()
        gateway.outside.advance(by: .milliseconds(3010))
        #expect((gateway.endpoints[0].connectionCount == 0) == isClosed)
    }

    @Test("a call that has had its answer's head says nothing by its end")
    func answered() throws {
        let (gateway, backend) = try pair()
        backend.script = [.head]
        let call = try gateway.caller().begin("/a.S/Watch", ended: true)
        #expect(gateway.run { !call.head.isEmpty })
        wedge(backend)
        gateway.outside.advance(by: .seconds(60))
        call.reset()
        gateway.outside.settle()
        gateway.outside.advance(by: .seconds(5))
        #expect(gateway.endpoints[0].connectionCount == 1)
    }

    @Test(
        "a keepalive finds out without a call that fails, and leaves a connection without calls alone",
        arguments: [true, false])
    func keepalive(hasCall: Bool) throws {
        let (gateway, backend) = try pair { $0.pool.liveness.keepalive = .seconds(10) }
        let caller = try gateway.caller()
        backend.script = [.head]
        let call = caller.begin("/a.S/Watch", ended: true)
        #expect(gateway.run { !call.head.isEmpty })
        gateway.outside.advance(by: .seconds(60), steps: 60)
        #expect(!call.isOver && gateway.endpoints[0].connectionCount == 1)
        wedge(backend)
        if !hasCall {
            call.reset()
            gateway.outside.settle()
        }
        gateway.outside.advance(by: .seconds(14), steps: 28)
        #expect((gateway.endpoints[0].connectionCount == 0) == hasCall)
        #expect(call.status == (hasCall ? "14" : ""))
    }
}
