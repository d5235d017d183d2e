import GRPCTesting
import HTTPModel
import Messages
import Metrics
import Net
import RateLimit
import Reactor
import SwiftProtobuf
import Testing
import Time
import Transport

@testable import RateLimitService

typealias LimitRequestMessage = Envoy_Service_Ratelimit_V3_RateLimitRequest
typealias LimitResponseMessage = Envoy_Service_Ratelimit_V3_RateLimitResponse
typealias DescriptorMessage = Envoy_Extensions_Common_Ratelimit_V3_RateLimitDescriptor

/// The service with a caller on one loop. The clock stands at a multiple of a day until the test moves it.
final class Answering {
    let server: LimitServer
    let registry = MetricRegistry()
    let counters: CounterRegistry
    let caller: TestCaller
    /// Last, for it must outlive the others.
    let worker: TestWorker

    init(
        _ descriptors: [LimitDescriptor], counters: CounterRegistry = CounterRegistry(seed: HashSeed(1, 2)),
        charging: LimitRequest.Charging = .allOrNone, answers: AnswerSettings = AnswerSettings(),
        store: ((TestWorker) -> any LimitStore)? = nil
    ) throws {
        self.counters = counters
        worker = try TestWorker()
        worker.clock.wall = WallTime(seconds: 20_000 * 86_400)
        worker.loop.tick(wait: false)
        let store = store?(worker) ?? MemoryStore()
        server = LimitServer(
            rules: RuleTree([domain("edge", descriptors, charging: charging)], answers: answers, counters: counters), store: store,
            counters: counters,
            metrics: LimitServiceMetrics(registry), context: worker.context)
        caller = try TestCaller(
            to: try server.listen(at: SocketAddress("127.0.0.1:0")!), worker: worker)
    }

    func call(_ request: LimitRequestMessage) throws -> TestCall {
        caller.unary("/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit", try request.serializedBytes())
    }

    /// Requests of a domain, by outcome.
    func counts(_ domain: String) -> [String: UInt64] {
        var counts: [String: UInt64] = [:]
        for series in series("martlet_ratelimit_requests_total") where series.labels.first?.value == domain {
            if case .count(let count) = series.value { counts[series.labels[1].value] = count }
        }
        return counts
    }

    /// Hits of a rule, by outcome.
    func hits(_ rule: String, domain: String = "edge") -> [String: UInt64] {
        var counts: [String: UInt64] = [:]
        for series in series("martlet_ratelimit_hits_total")
        where series.labels[0].value == domain && series.labels[1].value == rule {
            if case .count(let count) = series.value { counts[series.labels[2].value] = count }
        }
        return counts
    }

    func level(_ gauge: String) -> Int64? {
        if case .level(let level) = series(gauge).first?.value { level } else { nil }
    }

    func series(_ family: String) -> [MetricSeries] { registry.read().first { $0.name == family }?.series ?? [] }

    /// The answer to one request, which must be one.
    func ask(_ descriptors: [DescriptorMessage], hits: UInt32 = 0, domain: String = "edge") throws -> LimitResponseMessage {
        var request = LimitRequestMessage()
        request.domain = domain
        request.descriptors = descriptors
        request.hitsAddend = hits
        let call = try call(request)
        #expect(call.status == "0")
        return try LimitResponseMessage(serializedBytes: try #require(call.messages.first))
    }
}

func descriptor(_ entries: [(String, String)], hits: UInt64? = nil) -> DescriptorMessage {
    var descriptor = DescriptorMessage()
    descriptor.entries = entries.map { pair in
        var entry = DescriptorMessage.Entry()
        entry.key = pair.0
        entry.value = pair.1
        return entry
    }
    if let hits { descriptor.hitsAddend = Google_Protobuf_UInt64Value(hits) }
    return descriptor
}
