import Balancing
import Config
import Filters
import GRPCTesting
import GatewayModel
import GatewayModelTesting
import HTTPModel
import Metrics
import Net
import RateLimit
import Snapshots
import Sockets
import TLS
import Testing
import Time
import Upstreams

@testable import Gateway
@testable import Transport

/// A gateway's one worker with a listener in cleartext. Callers and backends have a loop beside it, so that what the worker
/// holds is the gateway's alone; both turn only when the test says so.
final class TestGateway {
    /// Turns everything.
    let outside: TestWorker
    let inside: TestWorker
    let gateway: GatewayWorker
    private let server: HTTPServer
    private var socket: ListeningSocket!
    let metrics = GatewayMetrics(registry: MetricRegistry())
    let counters = CounterRegistry()
    let registry = ClusterRegistry()
    private let route: String
    let tickets = TicketKeys(now: Instant(nanoseconds: 0))
    /// Connections call their owners for as long as the loop turns.
    private var callers: [TestCaller] = []

    /// - Parameters:
    ///   - endpoints: of the only cluster, which everything is sent to.
    ///   - route: further keys of the only route.
    ///   - change: what no file says.
    init(
        _ endpoints: [SocketAddress] = [], route: String = "",
        change: (inout ClusterPlan, inout MemoryConfiguration) -> Void = { _, _ in }
    ) throws {
        self.route = route
        inside = try TestWorker()
        outside = try TestWorker(beside: inside)
        let snapshot = try Self.snapshot(
            endpoints.map { .address($0) }, route, generation: 1, counters, tickets, metrics, registry, change)
        gateway = GatewayWorker(
            context: inside.context, serving: snapshot, counters: counters, metrics: metrics, accessLog: nil,
            resolved: ResolvedNames())
        server = HTTPServer(name: "test", settings: .defaults, handler: gateway.downstream, context: inside.context)
        socket = try ListeningSocket(on: inside.loop, at: SocketAddress("127.0.0.1:0")!) { [unowned self] in
            _ = server.serve($0)
        }
    }

    deinit {
        server.end()
        socket.close()
        for cluster in gateway.current.clusters { cluster.retire() }
        inside.settle()
    }

    struct Mistakes: Error { var text: String }

    private static func snapshot(
        _ endpoints: [EndpointAddress], _ route: String, generation: UInt64, _ counters: CounterRegistry, _ tickets: TicketKeys,
        _ metrics: GatewayMetrics, _ registry: ClusterRegistry,
        _ change: (inout ClusterPlan, inout MemoryConfiguration) -> Void
    ) throws -> Snapshot {
        let (read, report) = readConfiguration(
            """
            workers: 1
            listeners: [{ address: 127.0.0.1:0 }]
            clusters: { backend: { endpoints: [127.0.0.1:1], load_balancing: round_robin } }
            routes: [{ cluster: backend, allow: anyone \(route) }]
            """, without: ["authentication"])
        guard let configuration = read else { throw Mistakes(text: report) }
        var builder = SnapshotBuilder(
            configuration,
            .init(
                readFile: { _ in .failure(FileFailure("none")) }, counters: counters, ticketKeys: tickets, metrics: metrics,
                now: WallTime(seconds: 1_000_000), clusters: registry))
        guard let built = builder.build(generation: generation).0?.snapshot else { throw Mistakes(text: "not built") }
        var memory = configuration.memory
        var plan = built.clusters[0]
        plan.endpoints = endpoints.map { EndpointPlan($0) }
        change(&plan, &memory)
        return Snapshot(
            generation: generation, table: built.table, preflights: built.preflights, listeners: [], routes: built.routes,
            rules: built.rules, clusters: [plan],
            trustedProxies: built.trustedProxies, authentication: nil, plans: [], store: built.store,
            overload: built.overload, memory: MemoryLimits(memory, workers: 1), title: "", addressPrefix: built.addressPrefix,
            limitHeaders: built.limitHeaders)
    }

    /// Takes another configuration into service.
    func adopt(
        _ endpoints: [EndpointAddress], generation: UInt64,
        change: (inout ClusterPlan, inout MemoryConfiguration) -> Void = { _, _ in }
    ) throws {
        gateway.adopt(try Self.snapshot(endpoints, route, generation: generation, counters, tickets, metrics, registry, change))
    }

    /// A family's counters that are not zero, by the value of their label.
    func counts(_ family: String) -> [String: UInt64] {
        var counts: [String: UInt64] = [:]
        for series in metrics.registry.read().first(where: { $0.name == family })?.series ?? [] {
            if case .count(let count) = series.value, count > 0 { counts[series.labels[0].value] = count }
        }
        return counts
    }

    var address: SocketAddress { socket.address }
    var endpoints: [Endpoint] { gateway.current.clusters[0].endpoints }

    func caller(limits: ConnectionLimits = .defaults) throws -> TestCaller {
        let caller = try TestCaller(to: address, worker: outside, limits: limits)
        callers.append(caller)
        return caller
    }

    func run(until isDone: () -> Bool) -> Bool { outside.run(until: isDone) }
}
