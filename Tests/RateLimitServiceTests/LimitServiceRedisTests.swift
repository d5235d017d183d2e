import GRPCTesting
import Messages
import Metrics
import Net
import RateLimit
import Reactor
import Redis
import RedisServer
import Sockets
import SwiftProtobuf
import Testing
import Time
import Transport

@testable import RateLimitService

/// Two services that count in one real Redis; and one whose Redis is not there.
struct LimitServiceRedisTests {
    private func store(
        _ path: String, _ unavailability: StoreConfiguration.WhenUnavailable = .deny, lease: Duration? = nil
    ) -> (TestWorker) -> any LimitStore {
        { worker in
            var settings = RedisSettings()
            settings.timeout = .milliseconds(200)
            let client = RedisClient(
                settings, dialer: Dialer(KnownAddresses(.unix(path)), on: worker.loop, scratch: worker.context.scratch),
                on: worker.loop, seed: 5)
            #expect(unavailability != .deny || worker.run { client.isReady })
            return RedisStore(client, fallback: MemoryStore(), whenUnavailable: unavailability, prefix: "t", lease: lease, id: 1)
        }
    }

    @Test("where a refusal is remembered, every status still has its limit", .enabled(if: RedisServer.program != nil))
    func remembered() throws {
        let redis = try #require(RedisServer())
        let service = try Answering(
            [rule("a", nil, limit(1, .year)), rule("b", nil, limit(9, .year))], store: store(redis.path, lease: .seconds(1)))
        let question = [descriptor([("a", "1")]), descriptor([("b", "1")])]
        #expect(try service.ask(question).overallCode == .ok)
        for _ in 0..<20 {
            let answer = try service.ask(question)
            #expect(answer.overallCode == .overLimit && answer.statuses.map(\.code) == [.overLimit, .ok])
            #expect(answer.statuses.map(\.hasCurrentLimit) == [true, true])
        }
        #expect(try service.ask([descriptor([("b", "1")])]).statuses[0].limitRemaining == 7)
    }

    @Test("two processes count together, each descriptor by itself", .enabled(if: RedisServer.program != nil))
    func counts() throws {
        let redis = try #require(RedisServer())
        let rules = [
            rule("a", nil, limit(3, .year)), rule("b", nil, limit(100, .year)), rule("u", nil, unlimited()),
        ]
        let one = try Answering(rules, charging: .always, store: store(redis.path))
        let two = try Answering(rules, charging: .always, store: store(redis.path))
        let question = [descriptor([("u", "1")]), descriptor([("b", "1")], hits: 10), descriptor([("a", "x:1")])]
        #expect(try one.ask(question).statuses.map(\.limitRemaining) == [.max, 90, 2])
        #expect(try two.ask(question).statuses.map(\.limitRemaining) == [.max, 80, 1])
        #expect(try one.ask(question).statuses.map(\.limitRemaining) == [.max, 70, 0])
        let over = try two.ask(question)
        #expect(over.overallCode == .overLimit)
        #expect(over.statuses.map(\.limitRemaining) == [.max, 60, 0])
        #expect(try one.ask([descriptor([("a", "x:1")], hits: 0)]).overallCode == .overLimit)
    }

    @Test("many requests at once are each answered with their own counts", .enabled(if: RedisServer.program != nil))
    func concurrent() throws {
        let redis = try #require(RedisServer())
        let service = try Answering([rule("a", nil, limit(1000, .year))], store: store(redis.path))
        var calls: [TestCall] = []
        for number in 0..<50 {
            var request = LimitRequestMessage()
            request.domain = "edge"
            request.descriptors = [descriptor([("a", "\(number)")], hits: UInt64(number)), descriptor([("a", "all")])]
            let call = service.caller.begin("/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit")
            call.send(message: try request.serializedBytes())
            call.finish()
            calls.append(call)
            if number == 20 { call.reset() }
        }
        #expect(service.worker.run { calls.allSatisfy(\.isOver) })
        for (number, call) in calls.enumerated() where number != 20 {
            let answer = try LimitResponseMessage(serializedBytes: try #require(call.messages.first))
            #expect(answer.statuses[0].limitRemaining == UInt32(1000 - number))
        }
    }

    @Test("a reply that is an error is no count", .enabled(if: RedisServer.program != nil))
    func errorReply() throws {
        let redis = try #require(RedisServer(["--maxmemory", "1"]))
        let service = try Answering([rule("a", nil, limit(1))], store: store(redis.path, .deny))
        var request = LimitRequestMessage()
        request.domain = "edge"
        request.descriptors = [descriptor([("a", "1")]), descriptor([("a", "2")])]
        #expect(try service.call(request).status == "14")
    }

    @Test(
        "without Redis the configuration decides",
        arguments: [(StoreConfiguration.WhenUnavailable.allow, "0"), (.deny, "14"), (.local, "0")])
    func gone(unavailability: StoreConfiguration.WhenUnavailable, status: String) throws {
        let service = try Answering([rule("a", nil, limit(1))]) { worker in
            let client = RedisClient(
                RedisSettings(),
                dialer: Dialer(KnownAddresses(.unix("/nonexistent/redis.sock")), on: worker.loop, scratch: worker.context.scratch),
                on: worker.loop, seed: 5)
            return RedisStore(client, fallback: MemoryStore(), whenUnavailable: unavailability, prefix: "t", lease: nil, id: 1)
        }
        var request = LimitRequestMessage()
        request.domain = "edge"
        request.descriptors = [descriptor([("a", "1")])]
        #expect(try service.call(request).status == status)
        guard status == "0" else { return }
        let second = try service.ask([descriptor([("a", "1")])])
        #expect(second.overallCode == (unavailability == .local ? .overLimit : .ok))
        #expect(second.statuses[0].hasCurrentLimit == (unavailability == .local))
        #expect(
            service.counts("edge")
                == (unavailability == .local ? ["local_within_limit": 1, "local_over_limit": 1] : ["skipped": 2]))
    }

    @Test("that Redis is gone is said and shown, and that it is back too", .enabled(if: RedisServer.program != nil))
    func goneAndBack() throws {
        let redis = try #require(RedisServer())
        let service = try Answering([rule("a", nil, limit(100))], store: store(redis.path, .local))
        var said: [StoreTrouble?] = []
        service.server.storeChanged = { said.append($0) }
        #expect(try service.ask([descriptor([("a", "1")])]).overallCode == .ok)
        redis.pause()
        for _ in 0..<6 {
            var request = LimitRequestMessage()
            request.domain = "edge"
            request.descriptors = [descriptor([("a", "1")])]
            let call = service.caller.begin("/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit")
            call.send(message: try request.serializedBytes())
            call.finish()
            service.worker.advance(by: .milliseconds(250), steps: 5)
            #expect(service.worker.run { call.isOver })
        }
        #expect(said == [.silent] && service.level("martlet_limit_store_down") == 1)
        redis.resume()
        let isBack = (0..<5).contains { _ in
            service.worker.advance(by: .seconds(1), steps: 1)
            return service.worker.run { said.count == 2 }
        }
        #expect(isBack)
        #expect(said == [.silent, nil] && service.level("martlet_limit_store_down") == 0)
    }
}
