import Balancing
import Bytes
import Filters
import GRPCTesting
import GatewayModel
import Testing
import Upstreams

@testable import Gateway

/// A gateway in front of backends, in turn, on a clock that moves while somebody waits for a call.
struct RetryFixture {
    let gateway: TestGateway
    let backends: [TestBackend]
    let caller: TestCaller

    /// - Parameters:
    ///   - route: further keys of the only route.
    ///   - budget: of retries and hedges.
    init(
        _ count: Int = 2, route: String, budget: RetryBudget? = nil,
        change: (inout ClusterPlan, inout MemoryConfiguration) -> Void = { _, _ in }
    ) throws {
        gateway = try TestGateway(route: ", \(route)")
        let outside = gateway.outside
        backends = try (0..<count).map { _ in try TestBackend(on: outside) }
        let registry = gateway.registry
        try gateway.adopt(backends.map { .address($0.address) }, generation: 2) { plan, memory in
            var guards = plan.record.settings
            guards.retryBudget = guards.retryBudget.map { budget ?? $0 }
            guards.hedgeBudget = guards.hedgeBudget.map { budget ?? $0 }
            plan.record = registry.record("backend", guards)
            change(&plan, &memory)
        }
        caller = try gateway.caller()
    }

    /// Calls that have come to any backend.
    var arrivals: Int { backends.reduce(0) { $0 + $1.paths.count } }
    var holding: Int { backends.reduce(0) { $0 + $1.held.count } }
    var previousAttempts: [String] { backends.flatMap(\.previousAttempts).filter { !$0.isEmpty }.sorted() }

    /// What comes next, whichever backend it comes to.
    func script(_ reply: TestBackend.Reply, times: Int = 1) {
        for backend in backends { backend.script = Array(repeating: reply, count: times) }
    }

    func begin(_ path: String = "/a.S/Call", _ fields: [(String, String)] = [], bytes: Int = 3) -> TestCall {
        let call = caller.begin(path, fields)
        call.send(message: [UInt8](repeating: 1, count: bytes))
        call.finish()
        return call
    }

    func unary(_ path: String = "/a.S/Call", _ fields: [(String, String)] = [], bytes: Int = 3) -> TestCall {
        let call = begin(path, fields, bytes: bytes)
        #expect(wait { call.isOver })
        return call
    }

    /// Moves the clock, a little at a time and at most by three seconds, until `isDone`.
    func wait(until isDone: () -> Bool) -> Bool {
        for _ in 0..<600 where !isDone() { gateway.outside.advance(by: .milliseconds(5), steps: 1) }
        return isDone()
    }

    /// Turns, and leaves the clock alone.
    func settle(_ isDone: () -> Bool) -> Bool { gateway.run(until: isDone) }

    func advance(milliseconds: Int) { gateway.outside.advance(by: .milliseconds(milliseconds), steps: 1) }

    /// Nothing is counted as under way any more.
    var isQuiet: Bool {
        let usage = gateway.gateway.current.clusters[0].record.usage
        var ownAttempts = 0
        gateway.gateway.calls.records.forEachRecord { _ in ownAttempts += 1 }
        return usage.retries == 0 && usage.hedges == 0 && usage.requests == 0 && usage.pending == 0
            && gateway.endpoints.allSatisfy { $0.activeCount == 0 }
            && gateway.gateway.attempts.liveCount == ownAttempts
    }

    var retries: [String: UInt64] { gateway.counts("martlet_retries_total") }
    var hedges: [String: UInt64] { gateway.counts("martlet_hedges_total") }
    var timeouts: [String: UInt64] { gateway.counts("martlet_timeouts_total") }
    var upstreamEvents: [String: UInt64] { gateway.counts("martlet_upstream_events_total") }
}
