import Redis
import RedisServer
import Testing
import Time

@testable import RateLimit

private final class Decided: LimitDelegate {
    var outcomes: [LimitOutcome] = []
    var troubles: [StoreTrouble?] = []
    func limitDecided(_ request: LimitRequest) { outcomes.append(request.outcome) }
    func limitStoreChanged(_ trouble: StoreTrouble?) { troubles.append(trouble) }

    func limitStoreLeased() {}
}

/// The limit script's answer about one window: mark, and hits before the call.
private func window(_ mark: Int, hits: Int) -> String { "*5\r\n:\(mark)\r\n:1800000000000000\r\n:\(hits)\r\n:1800000060\r\n:0\r\n" }

@Suite struct ShardedStoreTests {
    private let shards = ShardedSender(now: start, wall: startWall)
    private let decided = Decided()
    private let limits: [Limit]

    init() throws {
        // Keys of two slots; the third is in the first one's.
        limits = [
            try limit("10/min per tenant", name: "a"), try limit("5/min", name: "b"), try limit("7/min per tenant", name: "c"),
        ]
    }

    private func store(_ way: StoreConfiguration.WhenUnavailable = .deny) -> RedisStore {
        let store = RedisStore(shards, fallback: MemoryStore(), whenUnavailable: way, prefix: "martlet", lease: nil, id: 1)
        store.delegate = decided
        return store
    }

    @discardableResult
    private func call(_ store: RedisStore, _ places: [Int] = [0, 1]) -> (LimitRequest, LimitAnswer) {
        let request = LimitRequest(keepsValues: true)
        request.reset(issuer: "i")
        for place in places {
            request.begin(limits[place])
            if place != 1 { request.add(key: "acme") }
        }
        return (request, store.decide(request, now: shards.now, wall: shards.wall))
    }

    @Test("each slot is asked once, all at the same time, and the charge is provisional")
    func groups() throws {
        let store = store()
        let (request, answer) = call(store, [0, 1, 2])
        #expect(answer == .pending && shards.sent.count == 2)
        #expect(shards.sent[0].slot != shards.sent[1].slot)
        #expect(shards.sent[0].text.contains(" 2 martlet:{acme}:") && shards.sent[1].text.contains(" 1 martlet:routes.test:b"))
        #expect(shards.sent.allSatisfy { $0.text.hasSuffix(" 0 p") })
        try shards.reply("*8\r\n:1\r\n:1800000000000000\r\n:3\r\n:1800000060\r\n:0\r\n:2\r\n:1800000060\r\n:0\r\n")
        #expect(decided.outcomes.isEmpty)
        try shards.reply(window(1, hits: 4))
        #expect(decided.outcomes.map(\.decision) == [.allowed])
        #expect((0..<3).map { request.verdict(at: $0).remaining } == [6, 0, 4])
        #expect(shards.sent.isEmpty)
    }

    @Test("one slot alone is one script, which is not provisional")
    func oneGroup() throws {
        let store = store()
        call(store, [0, 2])
        #expect(shards.sent.count == 1 && shards.sent[0].text.hasSuffix(" 0"))
    }

    @Test("what is charged always is not provisional, and another slot's refusal gives nothing back")
    func chargedAlways() throws {
        let store = store()
        let request = LimitRequest(keepsValues: true)
        request.reset(issuer: "i", charging: .always)
        for place in [0, 1] {
            request.begin(limits[place], hits: 2)
            if place != 1 { request.add(key: "acme") }
        }
        #expect(store.decide(request, now: shards.now, wall: shards.wall) == .pending)
        #expect(shards.sent.count == 2 && shards.sent.allSatisfy { $0.text.hasSuffix(" 2 2") })
        try shards.reply(window(1, hits: 3))
        try shards.reply(window(1, hits: 5))
        #expect(decided.outcomes.map(\.decision) == [.refused] && decided.outcomes[0].refusedIndex == 1)
        #expect(request.verdict(at: 0).isAllowed && request.verdict(at: 0).remaining == 5)
        #expect(!request.verdict(at: 1).isAllowed && request.verdict(at: 1).remaining == 0)
        #expect(shards.sent.isEmpty)
    }

    @Test("a request has as many slots as it was made for, each with a group of its own")
    func manyGroups() throws {
        let store = store()
        let request = LimitRequest(keepsValues: true, limitsMax: LimitRequest.groupsMax)
        request.reset(issuer: "i")
        for number in 0..<LimitRequest.groupsMax {
            request.begin(limits[0])
            request.add(key: "tenant \(number)")
        }
        #expect(store.decide(request, now: shards.now, wall: shards.wall) == .pending)
        let groups = shards.sent.count
        // Two tenants may share a slot.
        #expect(groups > 100)
        while let next = shards.sent.first {
            let counters = next.text.split(separator: " ").count { $0.hasPrefix("martlet:{") }
            try shards.reply(
                "*\(2 + 3 * counters)\r\n:1\r\n:1800000000000000\r\n"
                    + String(repeating: ":3\r\n:1800000060\r\n:0\r\n", count: counters))
        }
        #expect(decided.outcomes.map(\.decision) == [.allowed])
        #expect((0..<LimitRequest.groupsMax).allSatisfy { request.verdict(at: $0).remaining == 6 })
    }

    @Test("what was charged is given back where another slot refuses, and nobody waits for it")
    func givesBack() throws {
        let store = store()
        let (request, _) = call(store)
        try shards.reply(window(1, hits: 3))
        try shards.reply(window(0, hits: 5))
        #expect(decided.outcomes.map(\.decision) == [.refused] && decided.outcomes[0].refusedIndex == 1)
        #expect(request.verdict(at: 0).remaining == 7)
        #expect(shards.sent.count == 1 && shards.sent[0].text.contains("EVAL "))
        #expect(shards.sent[0].text.hasSuffix(" 1 martlet:{acme}:routes.test:a:1min:tenant:i w 1 1800000060 1800000060"))
        try shards.reply(":1\r\n")
        #expect(decided.outcomes.count == 1)
    }

    @Test("a refusal that may pass is tried once more, after what was charged has been given back")
    func repeats() throws {
        let store = store()
        call(store)
        try shards.reply(window(1, hits: 3))
        try shards.reply(window(2, hits: 5))
        #expect(decided.outcomes.isEmpty)
        #expect(shards.sent.map { $0.text.contains("EVAL ") } == [true, false, false])
        #expect(shards.sent[1].pause > .zero && shards.sent[2].pause > .zero)
        try shards.reply(":1\r\n")
        try shards.reply(window(1, hits: 3))
        try shards.reply(window(1, hits: 4))
        #expect(decided.outcomes.map(\.decision) == [.allowed])
    }

    @Test("and once only")
    func repeatsOnce() throws {
        let store = store()
        call(store, [1])
        try shards.reply(window(2, hits: 5))
        #expect(shards.sent.count == 1)
        try shards.reply(window(2, hits: 5))
        #expect(decided.outcomes.map(\.decision) == [.refused] && shards.sent.isEmpty)
    }

    @Test("there is no second try where one slot refuses for good, or no time is left")
    func refusesAtOnce() throws {
        let store = store()
        call(store)
        try shards.reply(window(2, hits: 10))
        try shards.reply(window(0, hits: 5))
        #expect(decided.outcomes.map(\.decision) == [.refused] && shards.sent.isEmpty)
        call(store, [1])
        shards.now = shards.now + .milliseconds(15)
        try shards.reply(window(2, hits: 5))
        #expect(decided.outcomes.count == 2 && shards.sent.isEmpty)
    }

    @Test("a server that does not know the script is sent it; the others are not asked again")
    func sendsScript() throws {
        let store = store()
        call(store)
        try shards.reply("-NOSCRIPT No matching script.\r\n")
        #expect(shards.sent.count == 2 && shards.sent[1].text.contains("EVAL "))
        #expect(shards.sent[1].text.contains("martlet:{acme}") && shards.sent[1].text.hasSuffix(" p"))
        try shards.reply(window(1, hits: 0))
        try shards.reply(window(1, hits: 0))
        #expect(decided.outcomes.map(\.decision) == [.allowed])
    }

    @Test("a slot without an answer leaves the call to when_unavailable; a denied call has used nothing")
    func unavailable() throws {
        let store = store(.deny)
        call(store)
        try shards.reply(window(1, hits: 3))
        shards.fail(.timedOut)
        #expect(decided.outcomes.map(\.decision) == [.unavailable])
        #expect(shards.sent.count == 1 && shards.sent[0].text.contains("EVAL "))
    }

    @Test("where the call is allowed without that answer, its charges stay")
    func allowedWithout() throws {
        let store = store(.allow)
        call(store)
        try shards.reply(window(1, hits: 3))
        shards.fail(.timedOut)
        #expect(decided.outcomes.map(\.decision) == [.allowed] && shards.sent.isEmpty)
    }

    @Test("a slot that cannot be asked at all fails the decision once the others have answered")
    func partlySent() throws {
        let store = store(.deny)
        call(store)
        shards.refusing = [shards.sent[1].slot]
        shards.sent = []
        let (_, answer) = call(store)
        #expect(answer == .pending)
        try shards.reply(window(1, hits: 3))
        #expect(decided.outcomes.map(\.decision) == [.unavailable])
    }

    @Test("a call that one slot refuses for good is refused, whatever became of the others, of which nothing is told")
    func refusedWithout() throws {
        for isFirst in [true, false] {
            let store = store(.allow)
            let (request, _) = call(store)
            if !isFirst { shards.sent.swapAt(0, 1) }
            let silent = isFirst ? 0 : 1
            shards.fail(.timedOut)
            try shards.reply(window(0, hits: 10))
            let outcome = try #require(decided.outcomes.last)
            #expect(outcome.decision == .refused && outcome.source == .redis && outcome.refusedIndex == 1 - silent)
            #expect(outcome.tightestIndex == 1 - silent)
            #expect(!request.verdict(at: silent).isKnown && request.verdict(at: 1 - silent).isKnown)
        }
        #expect(decided.outcomes.count == 2 && shards.sent.isEmpty)
    }

    @Test("a refusal that may pass is none where another slot has no answer")
    func passingWithout() throws {
        let store = store(.deny)
        call(store)
        try shards.reply(window(2, hits: 10))
        shards.fail(.timedOut)
        #expect(decided.outcomes.map(\.decision) == [.unavailable])
    }

    @Test("one server that is silent leaves the others' slots as they are")
    func silentServer() throws {
        let store = store(.deny)
        for _ in 0..<20 {
            call(store, [0])
            shards.fail(.timedOut)
        }
        #expect(!store.isSkipping && store.timeouts == 20)
        #expect(call(store, [1]).1 == .pending)
        try shards.reply(window(1, hits: 0))
        #expect(decided.outcomes.last?.decision == .allowed)
    }

    @Test("keys that are on their way from one server to another say nothing of other slots")
    func tryAgain() {
        let store = store(.deny)
        for _ in 0..<20 {
            call(store, [0])
            shards.fail(.unfit("TRYAGAIN Multiple keys request during rehashing of slot"))
        }
        #expect(!store.isSkipping && decided.troubles.count == 1)
    }

    @Test("each probe is of another slot, all its keys of one, as the server may be silent that has a slot")
    func probes() throws {
        let store = store(.deny)
        var slots: Set<ClusterSlot> = []
        for number in 1...4 {
            #expect(store.probe(now: shards.now) && shards.sent.count == 1)
            #expect(shards.sent[0].text.contains(" 2 martlet:{trial-\(number)}:1 martlet:{trial-\(number)}:2 r "))
            "martlet:{trial-\(number)}:2".utf8.withContiguousStorageIfAvailable {
                #expect(shards.sent[0].slot == ClusterSlot(of: UnsafeRawBufferPointer($0)))
            }
            slots.insert(shards.sent[0].slot)
            shards.fail(.timedOut)
        }
        #expect(slots.count == 4)
    }

    @Test("a queue that is full is no trouble of the store's, also where that shows only after a wait")
    func queueFull() {
        let store = store(.deny)
        shards.lastFailure = .unfit("of another primary: +switch-master")
        call(store)
        shards.fail(.queueFull)
        shards.fail(.queueFull)
        #expect(decided.outcomes.map(\.decision) == [.unavailable] && decided.troubles.isEmpty)
    }

    @Test("waits for a slot without a server are told, in the cluster's words, and have no other slot skipped")
    func down() {
        let store = store(.local)
        for _ in 0..<5 {
            call(store, [1])
            shards.fail(.unfit("CLUSTERDOWN Hash slot not served"))
        }
        #expect(!store.isSkipping && decided.troubles == [.refusing("CLUSTERDOWN Hash slot not served")])
    }
}
