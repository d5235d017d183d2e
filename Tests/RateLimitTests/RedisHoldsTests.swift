import Redis
import RedisServer
import Testing
import Time

@testable import RateLimit

private final class Decided: LimitDelegate {
    var outcomes: [LimitOutcome] = []
    var releases = 0
    func limitDecided(_ request: LimitRequest) { if !request.isAbandoned { outcomes.append(request.outcome) } }
    func limitStoreChanged(_ trouble: StoreTrouble?) {}
    func limitStoreLeased() {}
    func limitStoreReleased() { releases += 1 }
}

/// The limit script's answer about calls in flight: mark, and how many there were before the call.
private func inFlight(_ mark: Int, _ used: Int) -> String { "*5\r\n:\(mark)\r\n:1800000000000000\r\n:\(used)\r\n:0\r\n:0\r\n" }

@Suite("Calls in flight, in Redis")
struct RedisHoldsTests {
    private let wire = ShardedSender(now: start, wall: startWall)
    private let decided = Decided()
    private let holds: RedisHolds
    private let store: RedisStore
    private let limit: Limit

    init() throws {
        wire.isSharded = false
        limit = try RateLimitTests.limit("2 at once per tenant")
        holds = RedisHolds(wire, heartbeatTimeout: .seconds(10), on: nil)
        store = RedisStore(
            wire, fallback: MemoryStore(), whenUnavailable: .deny, prefix: "martlet", lease: nil, id: 1, script: .decision,
            holds: holds)
        store.delegate = decided
    }

    private func ask(_ limits: Limit...) -> LimitRequest {
        let request = LimitRequest(keepsValues: true)
        request.reset(issuer: "i")
        for limit in limits.isEmpty ? [limit] : limits {
            request.begin(limit)
            if limit.keyCount > 0 { request.add(key: "acme") }
        }
        #expect(store.decide(request, now: wire.now, wall: wire.wall) == .pending)
        return request
    }

    private func hold(_ used: Int = 0) throws -> LimitHold {
        let request = ask()
        try wire.reply(inFlight(1, used))
        return try #require(request.takeHolds())
    }

    /// The last words of the commands that wait: of a release or a look, how many to take, and how many there are at least.
    private var waiting: [String] { wire.sent.map { $0.text.split(separator: " ").suffix(2).joined(separator: " ") } }

    @Test("a call is charged to its worker, who says what it holds, and released at its end")
    func life() throws {
        let first = try hold()
        let request = ask()
        let words = wire.sent[0].text.split(separator: " ").suffix(7).joined(separator: " ")
        #expect(words.hasPrefix("n g") && words.hasSuffix(" 10000 1 2 1 0"))
        try wire.reply(inFlight(1, 1))
        #expect(request.verdict(at: 0).remaining == 0 && store.isReleasing)
        first.release()
        #expect(waiting == ["1 1"] && wire.sent[0].text.contains(" 1 martlet:{acme}:routes.test:limit:concurrency:tenant:i g"))
        try wire.reply("*2\r\n:1\r\n:1\r\n")
        request.takeHolds()?.release()
        #expect(waiting == ["1 0"])
        try wire.reply("*2\r\n:0\r\n:0\r\n")
        #expect(!store.isReleasing && holds.isEmpty && decided.releases == 0)
        holds.tick()
        #expect(decided.releases == 1)
    }

    @Test("a refused call holds nothing")
    func refused() throws {
        let request = ask()
        try wire.reply(inFlight(0, 2))
        #expect(decided.outcomes.last?.decision == .refused && decided.outcomes.last?.retryAfterNanoseconds == 1_000_000_000)
        #expect(request.takeHolds() == nil && wire.sent.isEmpty && holds.isEmpty)
    }

    @Test("a call that is over before the answer comes releases what it is charged")
    func abandoned() throws {
        let request = ask()
        request.abandon()
        try wire.reply(inFlight(1, 0))
        // Asked for first: its limit may be gone.
        #expect(request.takeHolds() == nil && waiting == ["0 0"])
        try wire.reply("*2\r\n:1\r\n:1\r\n")
        #expect(waiting == ["1 0"])
        try wire.reply("*2\r\n:0\r\n:0\r\n")
        #expect(holds.isEmpty)
    }

    @Test("a charge whose answer is lost is looked for, and released where it was made", arguments: [true, false])
    func lost(wasCharged: Bool) throws {
        let other = try hold()
        _ = ask()
        wire.fail(.timedOut)
        #expect(decided.outcomes.last?.decision == .unavailable)
        #expect(waiting == ["0 1"])
        try wire.reply("*2\r\n:\(wasCharged ? 2 : 1)\r\n:2\r\n")
        #expect(waiting == (wasCharged ? ["1 1"] : []))
        if wasCharged { try wire.reply("*2\r\n:1\r\n:1\r\n") }
        other.release()
        try wire.reply("*2\r\n:0\r\n:0\r\n")
        #expect(holds.isEmpty)
    }

    @Test("what is charged while the counter is looked at is not taken for too much")
    func chargedMeanwhile() throws {
        let first = try hold()
        wire.now = wire.now + .seconds(4)
        _ = ask()
        holds.tick()
        let later = ask()
        // Carried out in this order: a charge, the look, another charge.
        try wire.reply(inFlight(1, 1))
        try wire.reply("*2\r\n:2\r\n:2\r\n")
        #expect(wire.sent.count == 1)
        try wire.reply(inFlight(1, 2))
        #expect(wire.sent.isEmpty && later.holds != nil)
        withExtendedLifetime(first) {}
    }

    @Test("it is refreshed every three seconds, and a lost release is mended then")
    func refreshes() throws {
        let first = try hold()
        let second = try hold(1)
        first.release()
        wire.fail(.connectionLost)
        holds.tick()
        #expect(waiting == ["0 1"])
        try wire.reply("*2\r\n:2\r\n:2\r\n")
        #expect(waiting == ["1 1"])
        try wire.reply("*2\r\n:1\r\n:1\r\n")
        for _ in 0..<5 {
            wire.now = wire.now + .milliseconds(2900)
            holds.tick()
            #expect(wire.sent.isEmpty)
            wire.now = wire.now + .milliseconds(100)
            holds.tick()
            #expect(waiting == ["0 1"])
            try wire.reply("*2\r\n:1\r\n:1\r\n")
        }
        withExtendedLifetime(second) {}
    }

    @Test("counters of one server are refreshed sixty at a time")
    func batches() throws {
        let keys = try (0..<130).map { number in
            let request = LimitRequest(keepsValues: true)
            request.reset(issuer: "i")
            request.begin(limit)
            request.add(key: "tenant \(number)")
            #expect(store.decide(request, now: wire.now, wall: wire.wall) == .pending)
            try wire.reply(inFlight(1, 0))
            return try #require(request.takeHolds())
        }
        wire.now = wire.now + .seconds(3)
        holds.tick()
        #expect(wire.sent.map { $0.text.split(separator: " ").contains("60") } == [true, true, false] && keys.count == 130)
    }

    @Test("a server that does not know the script is sent it")
    func noScript() throws {
        let first = try hold()
        first.release()
        #expect(wire.sent[0].text.hasPrefix("EVALSHA"))
        try wire.reply("-NOSCRIPT No matching script. Please use EVAL.\r\n")
        #expect(wire.sent[0].text.hasPrefix("EVAL ") && waiting == ["1 0"])
        try wire.reply("*2\r\n:0\r\n:0\r\n")
        #expect(holds.isEmpty)
    }

    @Test("what is in doubt for as long as Redis remembers is forgotten")
    func forgotten() throws {
        let first = try hold()
        first.release()
        wire.fail(.connectionLost)
        wire.isRefusing = true
        wire.now = wire.now + .milliseconds(9999)
        holds.tick()
        #expect(!holds.isEmpty)
        wire.now = wire.now + .milliseconds(1)
        holds.tick()
        #expect(holds.isEmpty && decided.releases == 1)
    }

    @Test("without the store a call holds its place in memory, where that is to count")
    func local() throws {
        let store = RedisStore(
            wire, fallback: MemoryStore(), whenUnavailable: .local, prefix: "martlet", lease: nil, id: 1, script: .decision,
            holds: holds)
        store.delegate = decided
        wire.isRefusing = true
        let caller = Caller(store)
        #expect(caller.call(limit).isAllowed && caller.call(limit).isAllowed)
        let held = try #require(caller.request.takeHolds())
        #expect(caller.call(limit).decision == .refused && holds.isEmpty)
        held.release()
        #expect(caller.call(limit).isAllowed)
    }
}

@Suite("Calls in flight, in a cluster")
struct ShardedHoldsTests {
    private let shards = ShardedSender(now: start, wall: startWall)
    private let decided = Decided()
    private let holds: RedisHolds
    private let store: RedisStore
    private let limits: [Limit]

    init() throws {
        holds = RedisHolds(shards, heartbeatTimeout: .seconds(10), on: nil)
        store = RedisStore(
            shards, fallback: MemoryStore(), whenUnavailable: .deny, prefix: "martlet", lease: nil, id: 1, script: .decision,
            holds: holds)
        store.delegate = decided
        limits = [try limit("2 at once per tenant", name: "a"), try limit("5/min", name: "b")]
    }

    private func ask() -> LimitRequest {
        let request = LimitRequest(keepsValues: true)
        request.reset(issuer: "i")
        request.begin(limits[0])
        request.add(key: "acme")
        request.begin(limits[1])
        #expect(store.decide(request, now: shards.now, wall: shards.wall) == .pending)
        return request
    }

    private func window(_ mark: Int, hits: Int) -> String {
        "*5\r\n:\(mark)\r\n:1800000000000000\r\n:\(hits)\r\n:1800000060\r\n:0\r\n"
    }

    @Test("what one slot has charged is released where another refuses")
    func givenBack() throws {
        let request = ask()
        try shards.reply(inFlight(1, 0))
        try shards.reply(window(0, hits: 5))
        #expect(decided.outcomes.map(\.decision) == [.refused] && request.holds == nil)
        #expect(shards.sent.count == 1 && shards.sent[0].text.hasSuffix(" 1 0"))
        try shards.reply("*2\r\n:0\r\n:0\r\n")
        #expect(holds.isEmpty)
    }

    @Test("before a second try it is released, and then charged anew")
    func repeated() throws {
        let request = ask()
        try shards.reply(inFlight(1, 0))
        try shards.reply(window(2, hits: 5))
        #expect(decided.outcomes.isEmpty && shards.sent.count == 3 && shards.sent[0].text.hasSuffix(" 1 0"))
        try shards.reply("*2\r\n:0\r\n:0\r\n")
        try shards.reply(inFlight(1, 0))
        try shards.reply(window(1, hits: 4))
        #expect(decided.outcomes.map(\.decision) == [.allowed] && request.holds != nil)
        request.takeHolds()?.release()
        try shards.reply("*2\r\n:0\r\n:0\r\n")
        #expect(holds.isEmpty)
    }

    @Test("only what is found twice is taken off: commands may pass one another where slots move")
    func surplus() throws {
        let request = ask()
        try shards.reply(inFlight(1, 0))
        try shards.reply(window(1, hits: 4))
        shards.now = shards.now + .seconds(3)
        holds.tick()
        try shards.reply("*2\r\n:2\r\n:2\r\n")
        #expect(shards.sent.isEmpty)
        holds.tick()
        try shards.reply("*2\r\n:2\r\n:2\r\n")
        #expect(shards.sent.count == 1 && shards.sent[0].text.hasSuffix(" 1 1"))
        withExtendedLifetime(request) {}
    }
}
