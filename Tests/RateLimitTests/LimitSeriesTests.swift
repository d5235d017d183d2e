import LimitRules
import Metrics
import Testing
import Time

@testable import RateLimit

@Suite("What is counted of each limit")
struct LimitSeriesTests {
    private let registry = MetricRegistry()
    private let shard: MetricShard
    private let counters = CounterRegistry()
    private let store = MemoryStore()
    private let request = LimitRequest(keepsValues: false)

    init() { shard = registry.makeShard() }

    private func limit(_ text: String, isShadow: Bool = false, warnPercent: Int = 0) throws -> Limit {
        var rule = try LimitRule.parse(text)
        rule.isShadow = isShadow
        let series = LimitSeries(
            outcomes: registry.row(
                "calls", help: "", labels: [Label("limit", text)], over: "outcome",
                values: LimitSeries.Outcome.allCases.map(\.rawValue)),
            warnings: registry.counter("warnings", help: "", labels: [Label("limit", text)]))
        return Limit(rule, name: text, place: "p", counters: counters, warnPercent: warnPercent, series: series)
    }

    /// Whether the call was admitted, and whether it warns.
    private func call(_ limits: Limit...) -> (isAllowed: Bool, warns: Bool) {
        request.reset()
        for limit in limits { request.begin(limit) }
        let outcome = store.judge(
            request, now: Instant(nanoseconds: 1), wall: WallTime(nanoseconds: 1_800_000_000_000_000_000), source: .memory)
        return (outcome.isAllowed, request.record(in: shard))
    }

    private func count(_ name: String, _ labels: String...) -> UInt64 {
        let series = registry.read().first { $0.name == name }?.series.first { $0.labels.map(\.value) == labels }
        if case .count(let count)? = series?.value { return count }
        return 0
    }

    @Test("what each has said, but not what it would have let pass where another refused")
    func outcomes() throws {
        let (small, large) = (try limit("2/day"), try limit("9/day"))
        let shadow = try limit("1/day", isShadow: true)
        for expected in [true, true, false] { #expect(call(small, large, shadow).isAllowed == expected) }
        #expect(count("calls", "2/day", "allowed") == 2 && count("calls", "2/day", "refused") == 1)
        #expect(count("calls", "9/day", "allowed") == 2 && count("calls", "9/day", "refused") == 0)
        #expect(count("calls", "1/day", "allowed") == 1 && count("calls", "1/day", "shadow_refused") == 2)
    }

    @Test("a call warns from the share on that its limit says, and a limit in shadow mode tells nobody")
    func warnings() throws {
        let (warning, shadow) = (try limit("5/day", warnPercent: 80), try limit("6/day", isShadow: true, warnPercent: 1))
        #expect((0..<6).map { _ in call(warning, shadow).warns } == [false, false, false, true, true, false])
        #expect(count("warnings", "5/day") == 2 && count("warnings", "6/day") == 5)
    }

    @Test("a service may say numbers of any size")
    func large() throws {
        let limit = try limit("1/day", warnPercent: 50)
        func verdict(_ remaining: UInt64, of most: UInt64) -> LimitVerdict {
            LimitVerdict(isAllowed: true, limit: most, remaining: remaining, retryAfterNanoseconds: 0, resetAfterNanoseconds: 0)
        }
        #expect(limit.isNearlyUsedUp(verdict(.max / 2, of: .max)))
        #expect(!limit.isNearlyUsedUp(verdict(.max / 2 + 1, of: .max)))
        #expect(!limit.isNearlyUsedUp(verdict(.max, of: 1)) && !limit.isNearlyUsedUp(verdict(0, of: 0)))
    }
}
