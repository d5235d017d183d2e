import GRPCTesting
import Messages
import Metrics
import RateLimit
import Reactor
import SwiftProtobuf
import Testing
import Time

@testable import RateLimitService

/// What the keys of rules beyond unit and count do.
struct LimitServiceRulesTests {
    @Test("a window may have several units, and lies on multiples of them since 1970")
    func multiplier() throws {
        let service = try Answering([rule("k", nil, limit(1, .hour, times: 5))])
        let now = service.worker.clock.wall.seconds
        let first = try service.ask([descriptor([("k", "v")])])
        #expect(first.statuses[0].durationUntilReset.seconds == 18_000 - now % 18_000)
        service.worker.clock.wall.nanoseconds += UInt64(18_000 - now % 18_000 - 1) * 1_000_000_000
        service.worker.settle()
        #expect(try service.ask([descriptor([("k", "v")])]).overallCode == .overLimit)
        service.worker.clock.wall.nanoseconds += 1_000_000_000
        service.worker.settle()
        #expect(try service.ask([descriptor([("k", "v")])]).overallCode == .ok)
    }

    @Test("descriptors of a quota refuse only together, and beside others these decide")
    func quota() throws {
        let service = try Answering([
            rule("small", nil, limit(1), quota: true), rule("large", nil, limit(3), quota: true), rule("plain", nil, limit(5)),
        ])
        let both = [descriptor([("small", "x")]), descriptor([("large", "x")])]
        #expect(try service.ask(both).statuses.map(\.code) == [.ok, .ok])
        let second = try service.ask(both)
        #expect(second.overallCode == .ok && second.statuses.map(\.code) == [.overLimit, .ok])
        #expect(second.statuses[1].limitRemaining == 1)
        #expect(try service.ask(both).overallCode == .ok)
        #expect(try service.ask(both).overallCode == .overLimit)
        #expect(try service.ask([descriptor([("small", "x")])]).overallCode == .overLimit)
        // One without a quota that fits does not make up for them.
        #expect(try service.ask([descriptor([("small", "x")]), descriptor([("plain", "x")])]).overallCode == .overLimit)
        for _ in 0..<4 { _ = try service.ask([descriptor([("plain", "x")])]) }
        let refused = try service.ask([descriptor([("large", "new")]), descriptor([("plain", "x")])])
        #expect(refused.overallCode == .overLimit && refused.statuses.map(\.code) == [.ok, .overLimit])
        #expect(try service.ask([descriptor([("large", "new")])]).statuses[0].limitRemaining == 2)
    }

    @Test("descriptors of one model of a backend are one quota: any of them is enough, and every model must be over")
    func quotaGroups() throws {
        let model = rule("model_name_override", nil, limit(10), quota: true, [rule("tenant", nil, limit(1), quota: true)])
        let service = try Answering([rule("backend_name", nil, nil, [model])])
        func both(_ name: String) -> [DescriptorMessage] {
            let pairs = [("backend_name", "b"), ("model_name_override", name)]
            return [descriptor(pairs), descriptor(pairs + [("tenant", "acme")])]
        }
        #expect(try service.ask(both("large")).overallCode == .ok)
        // The tenant's share of the large model is used up, which is all of that model; the small one is left.
        #expect(try service.ask(both("large")).overallCode == .overLimit)
        #expect(try service.ask(both("large") + both("small")).overallCode == .ok)
        #expect(try service.ask(both("large") + both("small")).overallCode == .overLimit)
    }

    @Test("what a pattern with share_threshold matches is counted together, at every depth")
    func shared() throws {
        let service = try Answering([
            rule("path", "/a/*", limit(2), shares: true),
            rule("user", "bot*", nil, shares: true, [rule("method", nil, limit(2))]),
            rule("own", "x*", limit(1)),
        ])
        #expect(try service.ask([descriptor([("path", "/a/1")])]).statuses[0].limitRemaining == 1)
        #expect(try service.ask([descriptor([("path", "/a/2")])]).statuses[0].limitRemaining == 0)
        #expect(try service.ask([descriptor([("path", "/a/3")])]).overallCode == .overLimit)
        #expect(try service.ask([descriptor([("user", "bot1"), ("method", "GET")])]).statuses[0].limitRemaining == 1)
        #expect(try service.ask([descriptor([("user", "bot2"), ("method", "GET")])]).statuses[0].limitRemaining == 0)
        #expect(try service.ask([descriptor([("user", "bot3"), ("method", "PUT")])]).statuses[0].limitRemaining == 1)
        #expect(try service.ask([descriptor([("own", "x1")])]).overallCode == .ok)
        #expect(try service.ask([descriptor([("own", "x2")])]).overallCode == .ok)
    }

    @Test("in shadow as a whole no request is over, and what is found is told and counted")
    func shadowOfAll() throws {
        var answers = AnswerSettings()
        answers.isShadow = true
        let service = try Answering([rule("a", nil, limit(1))], answers: answers)
        _ = try service.ask([descriptor([("a", "1")])])
        let over = try service.ask([descriptor([("a", "1")])])
        #expect(over.overallCode == .ok && over.statuses[0].code == .overLimit)
        #expect(service.counts("edge") == ["within_limit": 2, "shadow_over_limit": 1])
    }

    @Test("headers tell of the descriptor that is over, else of that with the fewest hits left, where they are wanted")
    func headers() throws {
        var answers = AnswerSettings()
        answers.headers = AnswerSettings.Headers(limit: "x-limit", remaining: "x-left", reset: "x-reset")
        let rules = [rule("a", nil, limit(5)), rule("b", nil, limit(3)), rule("free", nil, unlimited())]
        let service = try Answering(rules, answers: answers)
        func headers(_ answer: LimitResponseMessage) -> [String] { answer.responseHeadersToAdd.map { "\($0.key): \($0.value)" } }
        let question = [descriptor([("a", "1")]), descriptor([("b", "1")]), descriptor([("free", "1")])]
        #expect(headers(try service.ask(question)) == ["x-limit: 3", "x-left: 2", "x-reset: 60"])
        _ = try service.ask([descriptor([("a", "1")], hits: 4)])
        #expect(headers(try service.ask(question)) == ["x-limit: 5", "x-left: 0", "x-reset: 60"])
        #expect(headers(try service.ask([descriptor([("free", "1")])])) == [])
        #expect(headers(try service.ask([descriptor([("none", "1")])])) == [])
        #expect(headers(try Answering(rules).ask(question)) == [])
        answers.headers = AnswerSettings.Headers()
        let named = try Answering(rules, answers: answers).ask(question)
        #expect(headers(named).map { $0.prefix { $0 != ":" } } == ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"])
    }

    /// The numbers of envoyproxy/ratelimit: limit 10, near from 8.
    @Test(
        "hits are counted within, near and over the limit, also where one addend is in several",
        arguments: [
            (5, 5, ["total_hits": 5, "within_limit": 5]), (5, 8, ["total_hits": 5, "within_limit": 5]),
            (5, 9, ["total_hits": 5, "within_limit": 5, "near_limit": 1]),
            (1, 10, ["total_hits": 1, "within_limit": 1, "near_limit": 1]),
            (9, 10, ["total_hits": 9, "within_limit": 9, "near_limit": 2]),
            (5, 12, ["total_hits": 5, "over_limit": 2, "near_limit": 2]),
            (3, 12, ["total_hits": 3, "over_limit": 2, "near_limit": 1]),
            (2, 12, ["total_hits": 2, "over_limit": 2]), (2, 14, ["total_hits": 2, "over_limit": 2]),
        ] as [(UInt64, UInt64, [String: UInt64])])
    func nearAndOver(hits: UInt64, after: UInt64, counted: [String: UInt64]) throws {
        let service = try Answering([rule("a", nil, limit(10))], charging: .always)
        let before = after - hits
        if before > 0 { _ = try service.ask([descriptor([("a", "1")], hits: before)]) }
        let former = service.hits("a")
        _ = try service.ask([descriptor([("a", "1")], hits: hits)])
        let now = service.hits("a").mapValues { Int64($0) }
        let change = now.merging(former.mapValues { -Int64($0) }, uniquingKeysWith: +).filter { $0.value != 0 }
        #expect(change == counted.mapValues { Int64($0) })
    }

    @Test("where none is charged, hits that were refused are over, and those that another descriptor refused are only hits")
    func notCharged() throws {
        let service = try Answering([
            rule("a", nil, limit(10)), rule("b", nil, limit(1)), rule("s", nil, limit(1), shadow: true),
            rule("u", nil, unlimited()),
        ])
        _ = try service.ask([descriptor([("a", "1")], hits: 9), descriptor([("b", "1")]), descriptor([("u", "1")])])
        #expect(service.hits("a") == ["total_hits": 9, "within_limit": 9, "near_limit": 1])
        #expect(service.hits("u") == ["total_hits": 1, "within_limit": 1])
        _ = try service.ask([descriptor([("a", "1")]), descriptor([("b", "1")])])
        #expect(service.hits("a") == ["total_hits": 10, "within_limit": 9, "near_limit": 1])
        #expect(service.hits("b") == ["total_hits": 2, "within_limit": 1, "near_limit": 1, "over_limit": 1])
        _ = try service.ask([descriptor([("a", "1")], hits: 3)])
        #expect(service.hits("a")["over_limit"] == 3)
        for _ in 0..<2 { _ = try service.ask([descriptor([("s", "1")])]) }
        #expect(
            service.hits("s") == ["total_hits": 2, "within_limit": 1, "near_limit": 1, "over_limit": 1, "shadow_mode": 1])
        var brought = descriptor([("a", "1")])
        brought.limit.requestsPerUnit = 5
        brought.limit.unit = .day
        _ = try service.ask([brought])
        #expect(service.hits("(override)", domain: "(other)") == ["total_hits": 1, "within_limit": 1])
    }

    @Test("series have the rule's keys and values, and what callers send where the rule says so")
    func series() throws {
        let service = try Answering([
            rule("key1", nil, limit(100), detailed: true), rule("key1", "value1", limit(100)),
            rule("a", nil, nil, valueInMetric: true, [rule("b", nil, limit(100)), rule("b", "x*", limit(100))]),
            rule("c", "p*", limit(100), detailed: true, shares: true),
        ])
        for entries in [
            [("key1", "unspecified")], [("key1", "value1")], [("a", "1"), ("b", "2")], [("a", "1"), ("b", "x2")], [("c", "pq")],
        ] { _ = try service.ask([descriptor(entries)]) }
        let rules = service.series("martlet_ratelimit_hits_total").filter { $0.labels[2].value == "total_hits" }
        #expect(rules.map { $0.labels[1].value }.sorted() == ["a_1.b", "a_1.b_x*", "c_p*", "key1_unspecified", "key1_value1"])
    }

    @Test("values that callers make up do not make series without end")
    func seriesAreBounded() throws {
        let service = try Answering([rule("k", nil, limit(100), detailed: true)])
        let most = LimitServiceMetrics.detailedMax
        for batch in 0..<(most / 100 + 3) {
            _ = try service.ask((0..<100).map { descriptor([("k", "\(batch * 100 + $0)")]) })
        }
        let all = service.series("martlet_ratelimit_hits_total").filter { $0.labels[2].value == "total_hits" }
        #expect(all.count == most + 1)
        #expect(service.hits("k")["total_hits"] == UInt64((most / 100 + 3) * 100 - most))
        _ = try service.ask([descriptor([("k", String(repeating: "y", count: 5000))])])
        #expect(all.allSatisfy { $0.labels[1].value.utf8.count < 100 })
    }
}
