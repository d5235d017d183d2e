import GRPCTesting
import Messages
import Metrics
import RateLimit
import Reactor
import SwiftProtobuf
import Testing
import Time

@testable import RateLimitService

struct LimitServiceTests {
    @Test("a limit of N lets N through, and says what is left and until when")
    func counts() throws {
        let service = try Answering([rule("user", nil, limit(3, .minute, name: "per-user"))])
        service.worker.advance(by: .seconds(10), steps: 1)
        for left in [2, 1, 0] as [UInt32] {
            let answer = try service.ask([descriptor([("user", "anna")])])
            #expect(answer.overallCode == .ok)
            let status = try #require(answer.statuses.first)
            #expect(status.code == .ok)
            #expect(status.currentLimit.requestsPerUnit == 3)
            #expect(status.currentLimit.unit == .minute)
            #expect(status.currentLimit.name == "per-user")
            #expect(status.limitRemaining == left)
            #expect(status.durationUntilReset.seconds == 50)
        }
        let over = try service.ask([descriptor([("user", "anna")])])
        #expect(over.overallCode == .overLimit)
        #expect(over.statuses[0].code == .overLimit)
        #expect(over.statuses[0].limitRemaining == 0)
        #expect(over.statuses[0].hasCurrentLimit)
        #expect(try service.ask([descriptor([("user", "bob")])]).overallCode == .ok)
        service.worker.advance(by: .seconds(50), steps: 1)
        #expect(try service.ask([descriptor([("user", "anna")])]).statuses[0].limitRemaining == 2)
    }

    @Test(
        "windows are fixed and begin with the epoch",
        arguments: [
            (ServiceLimit.Unit.second, 1), (.minute, 60), (.hour, 3600), (.day, 86_400), (.week, 604_800),
            (.month, 2_592_000), (.year, 31_536_000),
        ] as [(ServiceLimit.Unit, Int64)])
    func windows(unit: ServiceLimit.Unit, seconds: Int64) throws {
        let service = try Answering([rule("k", nil, limit(1, unit))])
        let now = service.worker.clock.wall.seconds
        let first = try service.ask([descriptor([("k", "v")])])
        #expect(first.statuses[0].durationUntilReset.seconds == seconds - now % seconds)
        #expect(try service.ask([descriptor([("k", "v")])]).overallCode == .overLimit)
        service.worker.clock.wall.nanoseconds += UInt64(seconds - now % seconds - 1) * 1_000_000_000
        service.worker.settle()
        #expect(try service.ask([descriptor([("k", "v")])]).overallCode == .overLimit)
        service.worker.clock.wall.nanoseconds += 1_000_000_000
        service.worker.settle()
        #expect(try service.ask([descriptor([("k", "v")])]).overallCode == .ok)
    }

    @Test(
        "every descriptor is answered in its place, and where one is over none is charged, or each by itself",
        arguments: [
            (LimitRequest.Charging.allOrNone, [9, 9] as [UInt32]), (.always, [8, 7]),
        ])
    func order(charging: LimitRequest.Charging, left: [UInt32]) throws {
        let service = try Answering(
            [rule("a", nil, limit(1)), rule("b", nil, limit(10)), rule("free", nil, unlimited())], charging: charging)
        let question = [
            descriptor([("b", "1")]), descriptor([("none", "1")]), descriptor([("a", "1")]), descriptor([("free", "1")]),
        ]
        #expect(try service.ask(question).overallCode == .ok)
        let second = try service.ask(question)
        #expect(second.overallCode == .overLimit)
        #expect(second.statuses.map(\.code) == [.ok, .ok, .overLimit, .ok])
        #expect(second.statuses.map(\.hasCurrentLimit) == [true, false, true, false])
        #expect(second.statuses.map(\.limitRemaining) == [left[0], 0, 0, .max])
        #expect(try service.ask(question).statuses[0].limitRemaining == left[1])
    }

    @Test("the same descriptor twice in a request counts twice")
    func duplicate() throws {
        let service = try Answering([rule("a", nil, limit(3))])
        let answer = try service.ask([descriptor([("a", "1")]), descriptor([("a", "1")])])
        #expect(answer.statuses.map(\.limitRemaining) == [2, 1])
    }

    @Test(
        "hits are the descriptor's own, else the request's, else one; what is over counts where each is charged",
        arguments: [(LimitRequest.Charging.allOrNone, LimitResponseMessage.Code.ok), (.always, .overLimit)])
    func hits(charging: LimitRequest.Charging, after: LimitResponseMessage.Code) throws {
        let service = try Answering([rule("a", nil, limit(10))], charging: charging)
        #expect(try service.ask([descriptor([("a", "1")])], hits: 4).statuses[0].limitRemaining == 6)
        #expect(try service.ask([descriptor([("a", "1")], hits: 2)], hits: 4).statuses[0].limitRemaining == 4)
        #expect(try service.ask([descriptor([("a", "1")], hits: 5)]).overallCode == .overLimit)
        // 11 of 10 where it was charged: one more is over as well.
        #expect(try service.ask([descriptor([("a", "1")])]).overallCode == after)
        #expect(try service.ask([descriptor([("a", "2")], hits: .max)]).overallCode == .overLimit)
        #expect(try service.ask([descriptor([("a", "2")], hits: .max)]).overallCode == .overLimit)
    }

    @Test("as many hits as the highest limit pass, one more is over")
    func highestLimit() throws {
        let service = try Answering([rule("a", nil, limit(.max))])
        for (key, hits, code) in [("at", UInt64(UInt32.max), .ok), ("above", 1 << 32, .overLimit), ("far", 1 << 63, .overLimit)]
            as [(String, UInt64, LimitResponseMessage.Code)]
        {
            #expect(try service.ask([descriptor([("a", key)], hits: hits)]).overallCode == code)
        }
    }

    /// Where nothing beyond the limit is ever charged, a look is over once the next hit would be; else once the counter is beyond the limit.
    @Test(
        "zero hits look and charge nothing",
        arguments: [(LimitRequest.Charging.allOrNone, LimitResponseMessage.Code.overLimit), (.always, .ok)])
    func zeroHits(charging: LimitRequest.Charging, full: LimitResponseMessage.Code) throws {
        let service = try Answering([rule("a", nil, limit(2)), rule("never", nil, limit(0))], charging: charging)
        let question = descriptor([("a", "1")], hits: 0)
        for _ in 0..<5 { #expect(try service.ask([question]).statuses[0].limitRemaining == 2) }
        _ = try service.ask([descriptor([("a", "1")])], hits: 2)
        #expect(try service.ask([question]).overallCode == full)
        _ = try service.ask([descriptor([("a", "1")])])
        #expect(try service.ask([question]).overallCode == .overLimit)
        #expect(try service.ask([descriptor([("never", "1")], hits: 0)]).overallCode == full)
        #expect(try service.ask([descriptor([("never", "1")])]).overallCode == .overLimit)
    }

    @Test("a limit in the request takes the rule's place, shadow or unlimited though that be")
    func override() throws {
        let service = try Answering([
            rule("a", nil, limit(100)), rule("s", nil, limit(100), shadow: true), rule("u", nil, unlimited()),
        ])
        for key in ["a", "s", "u", "unknown"] {
            var question = descriptor([(key, "1")])
            question.limit.requestsPerUnit = 1
            question.limit.unit = .hour
            let first = try service.ask([question])
            #expect(first.statuses[0].currentLimit.requestsPerUnit == 1)
            #expect(first.statuses[0].currentLimit.unit == .hour)
            #expect(first.statuses[0].currentLimit.name == "")
            #expect(try service.ask([question]).overallCode == .overLimit, "\(key)")
        }
        var elsewhere = descriptor([("a", "1")])
        elsewhere.limit.requestsPerUnit = 5
        elsewhere.limit.unit = .day
        #expect(try service.ask([elsewhere], domain: "nowhere").statuses[0].limitRemaining == 4)
    }

    @Test("a shadow limit counts and says so, and never refuses")
    func shadow() throws {
        let service = try Answering([rule("a", nil, limit(1), shadow: true)])
        _ = try service.ask([descriptor([("a", "1")])])
        let over = try service.ask([descriptor([("a", "1")])])
        #expect(over.overallCode == .ok)
        #expect(over.statuses[0].code == .ok)
        #expect(over.statuses[0].limitRemaining == 0)
        #expect(over.statuses[0].hasCurrentLimit)
    }

    @Test("a limit that is found takes those that it replaces out of the request, before or behind it")
    func replaces() throws {
        let service = try Answering([
            rule("user", nil, limit(1, name: "general")),
            rule("vip", nil, limit(50, name: "vip", replaces: ["general", "nobody"])),
            rule("free", nil, unlimited(replaces: ["general"])),
        ])
        for question in [
            [descriptor([("user", "1")]), descriptor([("vip", "1")])],
            [descriptor([("vip", "1")]), descriptor([("user", "1")])],
            [descriptor([("free", "1")]), descriptor([("user", "1")])],
        ] {
            let answer = try service.ask(question)
            let user = try #require(question.firstIndex { $0.entries[0].key == "user" })
            #expect(!answer.statuses[user].hasCurrentLimit)
            #expect(answer.overallCode == .ok)
        }
        // Nothing was charged to what was replaced, and alone it holds.
        #expect(try service.ask([descriptor([("user", "1")])]).overallCode == .ok)
        #expect(try service.ask([descriptor([("user", "1")])]).overallCode == .overLimit)
    }

    @Test("an unknown domain has no limits")
    func unknownDomain() throws {
        let service = try Answering([rule("a", nil, limit(1))])
        let answer = try service.ask([descriptor([("a", "1")])], domain: "nowhere")
        #expect(answer.overallCode == .ok)
        #expect(!answer.statuses[0].hasCurrentLimit)
    }

    @Test("requests that cannot be are refused, and the service goes on")
    func badRequests() throws {
        let service = try Answering([rule("a", nil, limit(1))])
        var request = LimitRequestMessage()
        #expect(try service.call(request).status == "3")
        request.domain = "edge"
        #expect(try service.call(request).status == "3")
        request.descriptors = [descriptor([("", "1")])]
        #expect(try service.call(request).status == "3")
        let path = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit"
        #expect(service.caller.unary(path, [0x0A]).status == "13")
        #expect(try service.ask([descriptor([("a", "1")])]).overallCode == .ok)
    }

    @Test("requests are counted by domain and outcome, and those of all unknown domains together")
    func counted() throws {
        let service = try Answering([rule("a", nil, limit(2)), rule("trial", nil, limit(1), shadow: true)])
        for _ in 0..<3 { _ = try service.ask([descriptor([("a", "1")])]) }
        for _ in 0..<3 { _ = try service.ask([descriptor([("trial", "1")])]) }
        _ = try service.ask([descriptor([("unknown", "1")])])
        for name in ["x", "y", "z"] { _ = try service.ask([descriptor([("a", "1")])], domain: name) }
        #expect(service.counts("edge") == ["within_limit": 6, "over_limit": 1, "shadow_over_limit": 2])
        #expect(service.counts("(other)") == ["within_limit": 3])
        let latencies = try #require(service.series("martlet_ratelimit_request_duration_seconds").first?.value)
        guard case .latencies(let durations) = latencies else { throw Missing() }
        #expect(durations.buckets.reduce(0, +) == 10)
        // Another list of domains: each still counts as itself.
        service.server.adopt(
            RuleTree(
                [domain("first", [rule("a", nil, limit(9))]), domain("edge", [rule("a", nil, limit(9))])],
                counters: service.counters))
        _ = try service.ask([descriptor([("a", "2")])])
        _ = try service.ask([descriptor([("a", "2")])], domain: "first")
        #expect(service.counts("edge")["within_limit"] == 7 && service.counts("first") == ["within_limit": 1])
    }

    @Test("a request may have as many descriptors as ever, each with a limit")
    func manyDescriptors() throws {
        let service = try Answering([rule("a", nil, limit(3))])
        for left in [2, 1, 0] as [UInt32] {
            let answer = try service.ask((0..<LimitQuery.descriptorsMax).map { descriptor([("a", "\($0)")]) })
            #expect(answer.statuses.map(\.limitRemaining) == Array(repeating: left, count: LimitQuery.descriptorsMax))
        }
        // Then a small one, and one too many.
        #expect(try service.ask([descriptor([("a", "new")])]).statuses[0].limitRemaining == 2)
        var request = LimitRequestMessage()
        request.domain = "edge"
        request.descriptors = (0...LimitQuery.descriptorsMax).map { descriptor([("a", "\($0)")]) }
        #expect(try service.call(request).status == "3")
    }

    @Test("a limit that requests bring is kept per worker up to a bound, and its counters stay when the bound is reached")
    func manyOverrides() throws {
        let service = try Answering([])
        func brought(_ requests: UInt32) -> DescriptorMessage {
            var descriptor = descriptor([("k", "v")])
            descriptor.limit.requestsPerUnit = requests
            descriptor.limit.unit = .day
            return descriptor
        }
        let total = UInt32(OverrideLimits.limitsMax) + 100
        var next: UInt32 = 100_000
        while next < 100_000 + total {
            _ = try service.ask((next..<next + 100).map(brought))
            next += 100
        }
        #expect(try service.ask([brought(100_000)]).statuses[0].limitRemaining == 100_000 - (total + 99) / 100 * 100 - 1)
        #expect(service.counters.tableCount == 1)
    }

    private struct Missing: Error {}

    @Test("new rules hold from the next request on, and go on from what was counted")
    func adopts() throws {
        let service = try Answering([rule("a", nil, limit(1))])
        _ = try service.ask([descriptor([("a", "1")])])
        service.server.adopt(RuleTree([domain("edge", [rule("a", nil, limit(5))])], counters: service.counters))
        #expect(try service.ask([descriptor([("a", "1")])]).statuses[0].limitRemaining == 3)
    }

    @Test("a flood of values of one rule takes no room from another, and a value of its own is not refused for the others")
    func flood() throws {
        let service = try Answering(
            [rule("a", nil, limit(3)), rule("b", nil, limit(1))], counters: CounterRegistry(seed: HashSeed(1, 2), pool: 0))
        for batch in 0..<200 {
            _ = try service.ask((0..<100).map { descriptor([("a", "u\(batch * 100 + $0)")]) })
        }
        #expect(try service.ask([descriptor([("a", "new")])]).overallCode == .ok)
        #expect(try service.ask([descriptor([("b", "new")])]).overallCode == .ok)
        #expect(try service.ask([descriptor([("b", "new")])]).overallCode == .overLimit)
        let readings = service.counters.readings
        #expect(readings.map(\.name) == ["a", "b"] && readings[0].held == CounterTable.guaranteed && readings[1].held == 1)
        #expect(readings[0].evictedBelowLimit == 200 * 100 + 1 - 16_384)
    }

    @Test("limits that requests bring are told apart by the name that the gateway gives them")
    func overrides() throws {
        let service = try Answering([], counters: CounterRegistry(seed: HashSeed(1, 2), pool: 0))
        func named(_ limit: String, _ value: String) -> DescriptorMessage {
            var descriptor = descriptor([("limit", limit), ("header x-k", value)])
            descriptor.limit.requestsPerUnit = 1
            descriptor.limit.unit = .day
            return descriptor
        }
        for batch in 0..<170 { _ = try service.ask((0..<100).map { named("flooded", "u\(batch * 100 + $0)") }) }
        for tenant in 0..<50 { #expect(try service.ask([named("calm", "\(tenant)")]).overallCode == .ok) }
        for tenant in 0..<50 { #expect(try service.ask([named("calm", "\(tenant)")]).overallCode == .overLimit) }
        #expect(service.counters.readings.map(\.held) == [50, CounterTable.guaranteed])
        // Names that are made up end in one table, and are still counted one by one.
        for batch in 0..<12 { _ = try service.ask((0..<100).map { named("l\(batch * 100 + $0)", "v") }) }
        #expect(service.counters.tableCount == OverrideLimits.tablesMax + 1)
        #expect(try service.ask([named("l1199", "v")]).overallCode == .overLimit)
        #expect(try service.ask([named("l1199", "w")]).overallCode == .ok)
    }
}
