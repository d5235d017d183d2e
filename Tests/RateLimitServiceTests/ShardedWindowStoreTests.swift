import RateLimit
import Redis
import RedisServer
import Testing
import Time

@testable import RateLimitService

private final class Counted: WindowStoreDelegate {
    var outcomes: [LimitDecision.Outcome] = []
    var troubles: [StoreTrouble?] = []
    func windowsCounted(_ decision: LimitDecision) { outcomes.append(decision.outcome) }
    func windowStoreChanged(_ trouble: StoreTrouble?) { troubles.append(trouble) }
}

@Suite struct ShardedWindowStoreTests {
    private let shards = ShardedSender(
        now: Instant(nanoseconds: 5_000_000_000_000), wall: WallTime(seconds: 1_800_000_000))
    private let counted = Counted()
    private let store: RedisWindowStore
    private let limit: Limit

    init() throws {
        limit = Limit(try LimitRule.parse("1/day"), name: "a", place: "test", counters: CounterRegistry())
        store = RedisWindowStore(shards, fallback: MemoryWindowStore(), whenUnavailable: .deny, prefix: "t", seed: 9)
        store.delegate = counted
    }

    private func count() -> CountAnswer {
        let decision = LimitDecision()
        decision.counters = [
            LimitDecision.Counter(
                digest: CounterDigest(low: 1, high: 2), table: .passUnretained(limit.table), requests: 10, hits: 1, seconds: 60,
                start: 0,
                key: 0..<0)
        ]
        return store.count(decision, now: shards.now, wall: shards.wall)
    }

    @Test(
        "one server of a cluster that is silent, or gone, leaves the others' slots as they are",
        arguments: [RedisFailure.timedOut, .connectionLost])
    func silentServer(failure: RedisFailure) {
        for _ in 0..<20 {
            #expect(count() == .later)
            shards.failAll(failure)
        }
        #expect(!store.isSkipping && counted.outcomes.count == 20)
    }

    @Test("a cluster that is down is not waited for by every request")
    func down() {
        for _ in 0..<5 {
            _ = count()
            shards.failAll(.unfit("CLUSTERDOWN Hash slot not served"))
        }
        #expect(store.isSkipping && counted.troubles == [.refusing("CLUSTERDOWN Hash slot not served")])
    }

    @Test("a queue that is full is no trouble of the store's")
    func queueFull() {
        shards.lastFailure = .unfit("of another primary: +switch-master")
        _ = count()
        shards.failAll(.queueFull)
        #expect(counted.troubles.isEmpty && counted.outcomes.count == 1)
    }

    @Test("each probe is of another slot, as the server may be silent that has a slot")
    func probes() {
        var slots: Set<ClusterSlot> = []
        for _ in 0..<4 {
            #expect(store.probe(now: shards.now))
            #expect(shards.sent.count == 2 && shards.sent[0].slot == shards.sent[1].slot)
            slots.insert(shards.sent[0].slot)
            shards.failAll(.timedOut)
        }
        #expect(slots.count == 4)
    }
}
