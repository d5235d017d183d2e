import Balancing
import Filters
import GRPCTesting
import Metrics
import Reactor
import Testing
import Upstreams

@testable import Gateway

@Suite("What guards a cluster")
struct CircuitTests {
    /// A gateway in front of `count` backends, in turn.
    private func house(
        _ count: Int = 1, pool: (inout PoolSettings) -> Void = { _ in }, _ change: (inout GuardSettings) -> Void
    ) throws -> (TestGateway, [TestBackend]) {
        let gateway = try TestGateway()
        let backends = try (0..<count).map { _ in try TestBackend(on: gateway.outside) }
        var guards = GuardSettings()
        change(&guards)
        try gateway.adopt(backends.map { .address($0.address) }, generation: 2) { plan, _ in
            plan.balancing = BalancingSettings(policy: .roundRobin)
            plan.record = gateway.registry.record("backend", guards)
            pool(&plan.pool)
        }
        return (gateway, backends)
    }

    /// What the admin address shows of a family.
    private func readings(_ family: String, _ gateway: TestGateway) -> [MetricValue] {
        ClusterReport(gateway.gateway.current.clusters.map(\.plan), names: ResolvedNames())
            .families(now: gateway.inside.loop.now).first { $0.name == family }?.series.map(\.value) ?? []
    }

    @Test("calls beyond the limit of those that run or wait are refused at once, until one of them is over")
    func requests() throws {
        let (gateway, backends) = try house { $0.limits = CircuitLimits(connections: 10, pending: 10, requests: 3, retries: 0) }
        let caller = try gateway.caller()
        let calls = (0..<3).map { caller.begin("/hold.S/\($0)", ended: true) }
        #expect(gateway.run { backends[0].held.count == 3 })
        let refused = caller.unary("/a.S/Call", [])
        #expect(refused.status == "14" && refused.field("grpc-message").contains("too much"))
        let usage = gateway.gateway.current.clusters[0].record.usage
        #expect(usage.requests == 3 && usage.connections == 1 && usage.overflowCount == 1)
        #expect(usage.refusals(.requests) == 1 && usage.refusals(.pending) == 0)
        calls[0].reset()
        #expect(gateway.run { usage.requests == 2 })
        #expect(caller.unary("/a.S/Call", []).status == "0")
        for stream in backends[0].held { backends[0].answer(stream) }
        #expect(gateway.run { usage.requests == 0 })
    }

    @Test("so are those that would wait beyond the limit of waiting ones, and connections stay within theirs")
    func pending() throws {
        let (gateway, backends) = try house(pool: { $0.streams = 1 }) {
            $0.limits = CircuitLimits(connections: 2, pending: 1, requests: 100, retries: 0)
        }
        let caller = try gateway.caller()
        // One at a time: on its way to a connection, each waits too.
        for count in 1...2 {
            _ = caller.begin("/hold.S/\(count)", ended: true)
            #expect(gateway.run { backends[0].held.count == count })
        }
        let waiting = caller.begin("/hold.S/waiting", ended: true)
        let usage = gateway.gateway.current.clusters[0].record.usage
        #expect(gateway.run { usage.pending == 1 })
        #expect(backends[0].accepted == 2 && usage.connections == 2)
        #expect(caller.unary("/a.S/Call", []).status == "14")
        #expect(usage.refusals(.pending) == 1)
        backends[0].answer(backends[0].held[0])
        #expect(gateway.run { usage.pending == 0 && backends[0].paths.last == "/hold.S/waiting" })
        for stream in backends[0].held { backends[0].answer(stream) }
        #expect(gateway.run { waiting.status == "0" })
    }

    @Test(
        "a cluster that fails too often answers at once with how long, then lets probes pass, and closes",
        arguments: ["/a", "/trail"])
    func errors(path: String) throws {
        let (gateway, backends) = try house {
            $0.errors = BreakerSettings(failurePercent: 50, callsMin: 10, window: .seconds(10), openFor: .seconds(5), probes: 2)
        }
        let caller = try gateway.caller()
        backends[0].isFailing = true
        for _ in 0..<10 { #expect(caller.unary("\(path).S/Call", []).status == "14") }
        #expect(backends[0].paths.count == 10)
        let refused = caller.unary("\(path).S/Call", [])
        #expect(refused.status == "14" && refused.field("retry-after") == "5" && backends[0].paths.count == 10)
        #expect(gateway.gateway.current.clusters[0].record.usage.refusals(.open) == 1)
        #expect(readings("martlet_circuit_refused_total", gateway) == [.count(0), .count(0), .count(1)])
        backends[0].isFailing = false
        gateway.outside.advance(by: .seconds(5))
        #expect(caller.unary("\(path).S/Call", []).status == "0")
        #expect(caller.unary("\(path).S/Call", []).status == "0")
        let breaker = try #require(gateway.gateway.current.clusters[0].record.breaker)
        #expect(breaker.state(at: gateway.inside.loop.now) == .closed)
    }

    @Test("an endpoint that fails too often gets no calls while others do, and comes back by its probes")
    func endpointErrors() throws {
        let (gateway, backends) = try house(2) {
            $0.endpointErrors = BreakerSettings(
                failurePercent: 50, callsMin: 5, window: .seconds(10), openFor: .seconds(5), probes: 1)
        }
        let caller = try gateway.caller()
        backends[0].isFailing = true
        for _ in 0..<10 { _ = caller.unary("/a.S/Call", []) }
        #expect(backends[0].paths.count == 5)
        let open = readings("martlet_endpoint_circuit_open", gateway)
        #expect(open.count == 2 && open.contains(.level(0)) && open.contains(.level(1)))
        for _ in 0..<10 { #expect(caller.unary("/a.S/Call", []).status == "0") }
        #expect(backends[0].paths.count == 5)
        backends[0].isFailing = false
        gateway.outside.advance(by: .seconds(5))
        for _ in 0..<10 { #expect(caller.unary("/a.S/Call", []).status == "0") }
        #expect(backends[0].paths.count == 10)
    }

    @Test("an endpoint that fails five times in a row is put aside for thirty seconds, then for sixty")
    func consecutive() throws {
        let (gateway, backends) = try house(3) { $0.outliers = OutlierSettings() }
        let record = gateway.gateway.current.clusters[0].record
        let caller = try gateway.caller()
        backends[1].isFailing = true
        for (round, seconds) in [30, 60].enumerated() {
            let before = backends[1].paths.count
            for _ in 0..<15 { _ = caller.unary("/trail.S/Call", []) }
            #expect(backends[1].paths.count == before + 5)
            for _ in 0..<15 { #expect(caller.unary("/a.S/Call", []).status == "0") }
            #expect(record.records.map(\.ejectionTotal).sorted() == [0, 0, round + 1])
            gateway.outside.clock.advance(by: .seconds(seconds - 1))
            gateway.outside.settle()
            #expect(!record.sweep(now: gateway.inside.loop.now))
            gateway.outside.clock.advance(by: .seconds(2))
            gateway.outside.settle()
            #expect(record.sweep(now: gateway.inside.loop.now))
            gateway.gateway.refresh(cluster: "backend")
        }
    }

    @Test("no more are put aside than may be, and one always")
    func share() throws {
        let (gateway, backends) = try house(3) { $0.outliers = OutlierSettings() }
        for backend in backends { backend.isFailing = true }
        let caller = try gateway.caller()
        for _ in 0..<60 { _ = caller.unary("/a.S/Call", []) }
        #expect(gateway.gateway.current.clusters[0].record.records.count { $0.isEjected } == 1)
    }

    @Test("attempts that time out or cannot connect count, those that callers give up do not")
    func timeouts() throws {
        let (gateway, backends) = try house(2) { $0.outliers = OutlierSettings() }
        let record = gateway.gateway.current.clusters[0].record
        let caller = try gateway.caller()
        for _ in 0..<20 {
            let call = caller.begin("/hold.S/Call", ended: true)
            #expect(gateway.run { !backends[0].held.isEmpty || !backends[1].held.isEmpty })
            call.reset()
            #expect(gateway.run { backends.allSatisfy { $0.held.isEmpty } })
        }
        #expect(record.records.allSatisfy { !$0.isEjected })
        for _ in 0..<10 {
            let call = caller.begin("/hold.S/Call", [("grpc-timeout", "1S")], ended: true)
            #expect(gateway.run { !backends[0].held.isEmpty || !backends[1].held.isEmpty })
            gateway.outside.advance(by: .milliseconds(1100), steps: 1)
            #expect(gateway.run { call.status == "4" })
        }
        #expect(record.records.contains { $0.isEjected })
    }

    @Test("a deadline that passes while the rest of the request is awaited says nothing of the endpoint")
    func unfinishedRequests() throws {
        let (gateway, backends) = try house(1) { $0.outliers = OutlierSettings() }
        let record = gateway.gateway.current.clusters[0].record
        let caller = try gateway.caller()
        for _ in 0..<10 {
            let call = caller.begin("/hold.S/Call", [("grpc-timeout", "1S")])
            #expect(gateway.run { !backends[0].held.isEmpty })
            gateway.outside.advance(by: .milliseconds(1100), steps: 1)
            #expect(gateway.run { call.status == "4" })
            call.reset()
            #expect(gateway.run { gateway.gateway.callCount == 0 })
        }
        #expect(record.records.allSatisfy { !$0.isEjected })
    }
}
