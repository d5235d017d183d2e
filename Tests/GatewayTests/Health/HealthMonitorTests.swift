import Balancing
import Bytes
import Filters
import GRPC
import GRPCTesting
import GatewayModel
import HTTPModel
import Net
import Reactor
import Snapshots
import Sockets
import Testing
import Time
import Upstreams

@testable import Gateway
@testable import Transport

@Suite("Health checks")
struct HealthMonitorTests {
    /// A gateway in front of servers with a health service, which a monitor beside the worker checks.
    private final class Fixture {
        let gateway: TestGateway
        let monitor: HealthMonitor
        private(set) var backends: [HealthyBackend] = []
        private(set) var changes = 0

        init(_ count: Int, _ check: HealthCheckConfiguration, watches: Bool = true) throws {
            gateway = try TestGateway()
            let outside = gateway.outside
            backends = try (0..<count).map { _ in try HealthyBackend(on: outside, watches: watches) }
            monitor = HealthMonitor(context: outside.context, seed: 1)
            monitor.changed = { [unowned self] name in
                changes += 1
                gateway.gateway.refresh(cluster: name)
            }
            var guards = GuardSettings()
            guards.hasHealthCheck = true
            try gateway.adopt(backends.map { .address($0.address) }, generation: 2) { plan, _ in
                plan.healthCheck = check
                plan.record = gateway.registry.record("backend", guards)
            }
            monitor.keep(gateway.gateway.current.snapshot.clusters, names: ResolvedNames())
        }

        deinit {
            // While their servers live, the connections come to their end.
            monitor.stop()
            for backend in backends { backend.stop() }
            gateway.outside.settle()
        }

        func add(at address: SocketAddress = SocketAddress("127.0.0.1:0")!, watches: Bool) throws -> HealthyBackend {
            backends.append(try HealthyBackend(on: gateway.outside, at: address, watches: watches))
            return backends.last!
        }

        var states: [Bool] { gateway.endpoints.map(\.record.isHealthy) }
        func run(until isDone: () -> Bool) -> Bool { gateway.run(until: isDone) }
        /// The next checks, and whatever follows from them.
        func nextRound() {
            gateway.outside.clock.advance(by: .seconds(10))
            gateway.outside.settle()
        }
    }

    private func check(_ kind: HealthCheckConfiguration.Kind) -> HealthCheckConfiguration {
        var check = HealthCheckConfiguration(kind)
        check.jitterPercent = 0
        return check
    }

    @Test(
        "the first check decides, and until then nobody's health is believed",
        arguments: [
            HealthCheckConfiguration.Kind.grpc(service: ""), .http(path: "/healthz"), .tcp,
        ])
    func first(kind: HealthCheckConfiguration.Kind) throws {
        let fixture = try Fixture(2, check(kind))
        #expect(fixture.states == [false, false] && fixture.gateway.gateway.current.clusters[0].isPanicking)
        #expect(fixture.run { fixture.states == [true, true] })
        #expect(!fixture.gateway.gateway.current.clusters[0].isPanicking && fixture.changes == 2)
    }

    @Test(
        "an endpoint that is gone fails three checks in a row before it gets no calls, and one passes for one that is new",
        arguments: [
            HealthCheckConfiguration.Kind.grpc(service: ""), .http(path: "/healthz"), .tcp,
        ])
    func thresholds(kind: HealthCheckConfiguration.Kind) throws {
        let fixture = try Fixture(2, check(kind), watches: false)
        #expect(fixture.run { fixture.states == [true, true] })
        let address = fixture.backends[1].address
        fixture.backends[1].stop()
        for _ in 0..<2 {
            fixture.nextRound()
            #expect(fixture.states == [true, true])
        }
        fixture.nextRound()
        #expect(fixture.run { fixture.states == [true, false] })
        _ = try fixture.add(at: address, watches: false)
        fixture.nextRound()
        #expect(fixture.states == [true, false])
        fixture.nextRound()
        #expect(fixture.run { fixture.states == [true, true] })
    }

    @Test("a service that says that it does not serve is believed at once where it is watched")
    func watched() throws {
        let fixture = try Fixture(3, check(.grpc(service: "a.S")))
        for backend in fixture.backends { backend.health.set("a.S", to: .serving) }
        #expect(fixture.run { fixture.states == [true, true, true] })
        fixture.gateway.outside.settle()
        fixture.backends[0].health.set("a.S", to: .notServing)
        #expect(fixture.run { fixture.states == [false, true, true] })
        fixture.backends[0].health.set("a.S", to: .serving)
        // One check at once, the second in its time.
        fixture.gateway.outside.settle()
        #expect(fixture.states == [false, true, true])
        fixture.nextRound()
        #expect(fixture.run { fixture.states == [true, true, true] })
    }

    @Test("where there is no Watch, checks alone decide", arguments: [true, false])
    func unwatched(serves: Bool) throws {
        let fixture = try Fixture(1, check(.grpc(service: "")), watches: false)
        fixture.backends[0].health.set("", to: serves ? .serving : .notServing)
        #expect(fixture.run { fixture.gateway.endpoints[0].record.isUnchecked == false })
        #expect(fixture.states == [serves])
    }

    @Test("one that accepts and does not answer fails when its time is up")
    func silent() throws {
        let fixture = try Fixture(1, check(.grpc(service: "")))
        #expect(fixture.run { fixture.states == [true] })
        fixture.backends[0].isSilent = true
        for round in 1...3 {
            fixture.nextRound()
            fixture.gateway.outside.advance(by: .milliseconds(1100), steps: 2)
            #expect(fixture.states == [round < 3])
        }
    }

    @Test("an HTTP answer other than 2xx fails")
    func badAnswer() throws {
        let fixture = try Fixture(1, check(.http(path: "/missing")))
        #expect(fixture.run { !fixture.gateway.endpoints[0].record.isUnchecked })
        #expect(fixture.states == [false])
    }

    @Test("what is not checked any more is let go of, and new endpoints are checked")
    func changes() throws {
        let fixture = try Fixture(1, check(.tcp))
        #expect(fixture.run { fixture.states == [true] })
        let record = fixture.gateway.gateway.current.clusters[0].record
        let other = try fixture.add(watches: true)
        let former = fixture.gateway.gateway.current.snapshot.clusters[0]
        var plan = former
        plan.endpoints = [EndpointPlan(.address(other.address))]
        try fixture.gateway.adopt([.address(other.address)], generation: 3) { now, _ in now = plan }
        fixture.monitor.keep([plan], names: ResolvedNames())
        #expect(fixture.run { fixture.states == [true] })
        #expect(record.records.map(\.name) == ["\(other.address)"])
        fixture.monitor.keep([], names: ResolvedNames())
        #expect(record.records.count == 1, "the worker's")
    }
}

/// A server with the standard health service, and `/healthz` for those who ask in plain HTTP.
private final class HealthyBackend: StreamHandler {
    let health = HealthService()
    /// It takes requests and answers none.
    var isSilent = false
    private let server: GRPCServer
    private var http: HTTPServer!
    private var socket: ListeningSocket!

    init(on worker: TestWorker, at address: SocketAddress = SocketAddress("127.0.0.1:0")!, watches: Bool) throws {
        server = GRPCServer(context: worker.context)
        if watches {
            health.register(on: server)
        } else {
            server.register("/grpc.health.v1.Health/Check", .unary(health))
        }
        http = HTTPServer(name: "healthy", settings: .defaults, handler: self, context: worker.context)
        socket = try ListeningSocket(on: worker.loop, at: address) { [unowned self] in _ = http.serve($0) }
    }

    var address: SocketAddress { socket.address }

    func stop() {
        http.end()
        socket.close()
    }

    func streamHead(_ stream: StreamPointer, ended: Bool) {
        guard !isSilent else { return }
        guard let path = stream.fields.text(":path"), !path.hasPrefix("/grpc.") else {
            return server.streamHead(stream, ended: ended)
        }
        let status = path == "/healthz" ? Field(":status", "204", token: .status) : Field(":status", "404", token: .status)
        withUnsafePointer(to: status) { field in
            stream.serverConnection {
                $0.respond(stream, UnsafeBufferPointer(start: field, count: 1), ended: true)
            }
        }
    }

    func streamData(_ stream: StreamPointer, _ slice: BufferSlice) {
        if isSilent { stream.connection { $0.consumed(stream, slice.count) } } else { server.streamData(stream, slice) }
    }
    func streamEnded(_ stream: StreamPointer) { if !isSilent { server.streamEnded(stream) } }
    func streamDrained(_ stream: StreamPointer, _ count: Int) { server.streamDrained(stream, count) }
    func streamClosed(_ stream: StreamPointer, _ reason: StreamClose) { server.streamClosed(stream, reason) }
}
