import Bytes
import Redis
import Testing
import Time

@testable import RateLimit

/// A session whose bytes the test reads and answers itself.
private final class Wire: RedisSender {
    var now = start
    var wall = startWall
    var session = RedisSession(.defaults, seed: 1)

    init() {
        _ = session.tick(now: now)
        session.opened()
    }

    var timeout: Duration { session.timeout }
    func generation(of slot: ClusterSlot) -> UInt64 { UInt64(session.losses) }
    var lastFailure: RedisFailure? { session.lastFailure }

    func send(
        _ command: RESPCommand, _ handler: any RedisReplyHandler, tag: UInt, by deadline: Instant?
    ) -> RedisFailure? {
        session.send(command, handler, tag: tag, by: deadline, now: now)
    }

    func sent() -> String {
        var output = ByteBuffer()
        session.produce(into: &output, limit: .max)
        return String(decoding: output.readable, as: UTF8.self)
    }

    func reply(_ text: String) throws {
        try Array(text.utf8).withUnsafeBytes { try session.received($0, now: now) }
    }

    /// Lets every command in flight expire.
    func expire() {
        now = now + .milliseconds(20)
        #expect(session.tick(now: now) == .nothing)
    }
}

private final class Answers: LimitDelegate {
    var outcomes: [LimitOutcome] = []
    var abandoned = 0
    var troubles: [StoreTrouble?] = []

    func limitStoreChanged(_ trouble: StoreTrouble?) { troubles.append(trouble) }

    func limitStoreLeased() {}

    func limitDecided(_ request: LimitRequest) {
        if request.isAbandoned { abandoned += 1 } else { outcomes.append(request.outcome) }
    }
}

@Suite struct RedisStoreTests {
    private let wire = Wire()
    private let answers = Answers()
    private let tenth: Limit

    init() throws { tenth = try limit("10/s burst 2 per tenant") }

    private func store(_ whenUnavailable: StoreConfiguration.WhenUnavailable) -> RedisStore {
        let fallback = MemoryStore()
        let store = RedisStore(wire, fallback: fallback, whenUnavailable: whenUnavailable, prefix: "martlet", lease: nil, id: 1)
        store.delegate = answers
        return store
    }

    private func call(_ store: RedisStore) -> (LimitRequest, LimitAnswer) {
        let request = LimitRequest(keepsValues: true)
        request.reset(issuer: "i")
        request.begin(tenth)
        request.add(key: "acme")
        return (request, store.decide(request, now: wire.now, wall: wire.wall))
    }

    private func decided(_ answer: LimitAnswer) -> LimitOutcome? {
        guard case .decided(let outcome) = answer else { return nil }
        return outcome
    }

    @Test("asks by the script's digest, and reads the verdict from the state that comes back")
    func asks() throws {
        let store = store(.deny)
        let (request, answer) = call(store)
        #expect(answer == .pending)
        let sent = wire.sent()
        #expect(sent.hasPrefix("*9\r\n$7\r\nEVALSHA\r\n$40\r\n\(RedisScript.decision.name)\r\n$1\r\n1\r\n"))
        #expect(sent.hasSuffix("$1\r\nr\r\n$9\r\n100000000\r\n$1\r\n2\r\n$1\r\n1\r\n$1\r\n0\r\n"))
        try wire.reply("*5\r\n:1\r\n:1800000000000000\r\n:30000000\r\n:0\r\n:0\r\n")
        #expect(answers.outcomes.map(\.decision) == [.allowed])
        #expect(request.outcome.source == .redis)
        #expect(
            request.verdict(at: 0)
                == LimitVerdict(
                    isAllowed: true, limit: 2, remaining: 0, retryAfterNanoseconds: 0,
                    resetAfterNanoseconds: 130_000_000))
        _ = call(store)
        try wire.reply("*5\r\n:0\r\n:1800000000000000\r\n:130000000\r\n:0\r\n:0\r\n")
        #expect(answers.outcomes.last?.refusedIndex == 0)
        #expect(answers.outcomes.last?.retryAfterNanoseconds == 30_000_000)
    }

    @Test("a server that does not know the script is sent it, once")
    func sendsScript() throws {
        let store = store(.deny)
        _ = call(store)
        _ = wire.sent()
        try wire.reply("-NOSCRIPT No matching script.\r\n")
        #expect(answers.outcomes.isEmpty)
        #expect(wire.sent().contains("$4\r\nEVAL\r\n"))
        try wire.reply("*5\r\n:1\r\n:1800000000000000\r\n:0\r\n:0\r\n:0\r\n")
        #expect(answers.outcomes.map(\.decision) == [.allowed])
        _ = call(store)
        #expect(wire.sent().contains("EVALSHA"))
    }

    @Test("a call that had to send the script has no more time than any other")
    func sendsScriptInTime() throws {
        let store = store(.allow)
        _ = call(store)
        wire.now = wire.now + .milliseconds(15)
        // Sent in between, and with later to go.
        _ = call(store)
        try wire.reply("-NOSCRIPT No matching script.\r\n")
        wire.now = wire.now + .milliseconds(5)
        #expect(wire.session.tick(now: wire.now) == .nothing)
        #expect(answers.outcomes.count == 1 && store.timeouts == 1)
        // The replies still find their own calls.
        try wire.reply("*5\r\n:1\r\n:1800000000000000\r\n:0\r\n:0\r\n:0\r\n*5\r\n:1\r\n:1\r\n:0\r\n:0\r\n:0\r\n")
        #expect(answers.outcomes.map(\.source) == [.none, .redis])
    }

    @Test("that it is gone is news once, and so is that it decides again")
    func news() throws {
        let store = store(.local)
        for _ in 0..<4 { _ = call(store) }
        wire.expire()
        #expect(answers.troubles.isEmpty)
        for _ in 0..<3 { _ = call(store) }
        wire.expire()
        wire.session.closed(.connectionLost, now: wire.now)
        _ = call(store)
        #expect(answers.troubles == [.silent])
        // Nobody calls, and still its return is seen.
        wire.now = wire.now + .seconds(1)
        _ = wire.session.tick(now: wire.now)
        wire.session.opened()
        #expect(store.probe(now: wire.now))
        #expect(wire.sent().contains("martlet:trial:1"))
        try wire.reply(Self.trialAnswer)
        #expect(answers.troubles == [.silent, nil])
        #expect(!store.probe(now: wire.now))
        #expect(wire.session.commandsInFlight == 0)
    }

    @Test("a lost connection is news at once")
    func lost() throws {
        let store = store(.local)
        wire.session.closed(.connectionLost, now: wire.now)
        for _ in 0..<3 { _ = call(store) }
        #expect(answers.troubles == [.unreachable(nil)])
        wire.now = wire.now + .seconds(1)
        _ = wire.session.tick(now: wire.now)
        wire.session.opened()
        _ = call(store)
        try wire.reply("*5\r\n:1\r\n:1800000000000000\r\n:0\r\n:0\r\n:0\r\n")
        #expect(answers.troubles == [.unreachable(nil), nil])
    }

    private static let trialAnswer = "*8\r\n:1\r\n:1800000000000000\r\n" + String(repeating: ":0\r\n", count: 6)

    @Test("a server's error is repeated without what it quotes of ours, and only a decision ends it")
    func refusing() throws {
        let store = store(.local)
        _ = call(store)
        try wire.reply("-ERR unknown command `EVALSHA`, with args beginning with: `martlet:{acme}`\r\n")
        #expect(answers.troubles == [.refusing("ERR unknown command `EVALSHA`")])
        #expect(store.probe(now: wire.now))
        try wire.reply("-NOPERM this user has no permissions to run the \"evalsha\" command\nmore\r\n")
        #expect(answers.troubles.last == .refusing("NOPERM this user has no permissions to run the 'evalsha' command"))
        #expect(store.probe(now: wire.now))
        wire.now = wire.now + .milliseconds(19)
        try wire.reply("-NOPERM once more\r\n")
        #expect(answers.troubles.count == 2)
        wire.now = wire.now + .seconds(1)
        #expect(store.probe(now: wire.now))
        try wire.reply(Self.trialAnswer)
        #expect(answers.troubles.count == 3 && answers.troubles.last == .some(nil))
        wire.session.closed(.refused("WRONGPASS invalid username-password pair"), now: wire.now)
        #expect(StoreTrouble(wire.lastFailure) == .notAdmitted("WRONGPASS invalid username-password pair"))
    }

    @Test("before the first call a trial of the script shows what stands against it, and waits for the connection")
    func trial() throws {
        let store = store(.local)
        #expect(store.probe(now: wire.now))
        #expect(wire.sent().hasPrefix("*15\r\n$7\r\nEVALSHA\r\n"))
        #expect(store.probe(now: wire.now) && wire.sent() == "", "one at a time")
        wire.expire()
        try wire.reply("-NOSCRIPT No matching script.\r\n")
        #expect(wire.sent().contains("$4\r\nEVAL\r\n"))
        try wire.reply("-CROSSSLOT Keys in request don't hash to the same slot\r\n")
        #expect(answers.troubles == [.refusing("CROSSSLOT Keys in request don't hash to the same slot")])
        #expect(store.probe(now: wire.now))
    }

    @Test("after a failover the calls of one batch fall back, and the next connection decides")
    func failover() throws {
        let store = store(.local)
        for _ in 0..<3 { _ = call(store) }
        #expect(throws: RedisFailure.self) { try wire.reply("-READONLY You can't write against a read only replica.\r\n") }
        wire.session.closed(.unfit("READONLY You can't write against a read only replica."), now: wire.now)
        #expect(answers.outcomes.map(\.source) == [.fallback, .fallback, .fallback])
        #expect(answers.troubles == [.refusing("READONLY You can't write against a read only replica.")])
        wire.now = wire.now + .seconds(1)
        #expect(wire.session.tick(now: wire.now) == .dial)
        wire.session.opened()
        _ = call(store)
        try wire.reply("*5\r\n:1\r\n:1800000000000000\r\n:0\r\n:0\r\n:0\r\n")
        #expect(answers.outcomes.last?.source == .redis && answers.troubles.last == .some(nil))
    }

    @Test("a store that decides some calls and not others is in trouble, and no news with every call")
    func mixed() throws {
        let store = store(.local)
        for _ in 0..<20 {
            wire.now = wire.now + .milliseconds(100)
            _ = call(store)
            try wire.reply("-CROSSSLOT Keys in request don't hash to the same slot\r\n")
            _ = call(store)
            try wire.reply("*5\r\n:1\r\n:1800000000000000\r\n:0\r\n:0\r\n:0\r\n")
        }
        #expect(answers.troubles.count == 1)
    }

    @Test("without an answer the configured way decides", arguments: StoreConfiguration.WhenUnavailable.allCases)
    func unavailable(way: StoreConfiguration.WhenUnavailable) {
        let store = store(way)
        for _ in 0..<3 {
            #expect(call(store).1 == .pending)
            wire.expire()
        }
        switch way {
        case .allow: #expect(answers.outcomes.map(\.decision) == [.allowed, .allowed, .allowed])
        case .deny: #expect(answers.outcomes.map(\.decision) == [.unavailable, .unavailable, .unavailable])
        case .local:
            #expect(answers.outcomes.map(\.decision) == [.allowed, .allowed, .refused])
            #expect(answers.outcomes.allSatisfy { $0.source == .fallback })
        }
        #expect(store.timeouts == 3 && store.fallbackCount == 3)
    }

    @Test("an error, or a reply of another shape, is no decision")
    func errors() throws {
        let store = store(.deny)
        let replies = [
            "-WRONGTYPE Operation against a key\r\n", "+OK\r\n", "*1\r\n:1\r\n", "*5\r\n:1\r\n:1\r\n:1\r\n:1\r\n", "$-1\r\n",
        ]
        for reply in replies.prefix(3) + replies.suffix(1) {
            _ = call(store)
            try wire.reply(reply)
            #expect(answers.outcomes.last?.decision == .unavailable)
        }
        #expect(store.errors == 4)
    }

    @Test(
        "an element that is no integer is a reply of another shape, wherever it stands",
        arguments: [
            "-ERR x\r\n", "$-1\r\n", "*-1\r\n", "+OK\r\n", "*0\r\n", "$1\r\n1\r\n", "*1\r\n:1\r\n",
        ])
    func kinds(element: String) throws {
        let good = [":0\r\n", ":1800000000000000\r\n", ":0\r\n", ":0\r\n", ":0\r\n"]
        for place in 0...5 {
            let store = store(.deny)
            _ = call(store)
            // The first time none is replaced.
            try wire.reply("*5\r\n" + good.enumerated().map { $0.offset + 1 == place ? element : $0.element }.joined())
            #expect(answers.outcomes.last?.decision == (place == 0 ? .refused : .unavailable))
            #expect(store.errors == (place == 0 ? 0 : 1))
        }
    }

    @Test("a trial that is answered with other than integers is no sign of health")
    func trialKinds() throws {
        let store = store(.local)
        #expect(store.probe(now: wire.now))
        try wire.reply("*8\r\n" + String(repeating: "$1\r\n1\r\n", count: 8))
        #expect(answers.troubles == [.refusing("a reply of another shape")])
        wire.now = wire.now + .seconds(1)
        #expect(store.probe(now: wire.now))
        try wire.reply(Self.trialAnswer)
        #expect(answers.troubles.last == .some(nil))
    }

    /// `[charged, µs, level, 0]` and a zero, each time one of the numbers at its limit and one above.
    @Test(
        "numbers that the script cannot come to are a reply of another shape",
        arguments: [
            (["1", "9223372036854775", "0", "0"], true), (["1", "9223372036854776", "0", "0"], false),
            (["1", "18500000000000000", "0", "0"], false), (["1", "9223372036854775807", "0", "0"], false),
            (["0", "10000000000000000", "9223372036854775807", "0"], false), (["0", "-1", "0", "0"], false),
            (["0", "1000", "9223372036853775807", "0"], true), (["0", "1000", "9223372036853775808", "0"], false),
            (["0", "1000", "9223372036854775807", "0"], false), (["0", "1000", "-1", "0"], false),
            (["2", "1000", "0", "0"], true), (["3", "1000", "0", "0"], false),
            (["-9223372036854775808", "1000", "0", "0"], false), (["1", "-9223372036854775808", "0", "0"], false),
        ])
    func extremes(numbers: [String], isReply: Bool) throws {
        let store = store(.deny)
        _ = call(store)
        let reply = "*5\r\n" + (numbers + ["0"]).map { ":\($0)\r\n" }.joined()
        do { try wire.reply(reply) } catch {
            // Beyond 64 bits hiredis gives the connection up.
            #expect(!isReply)
            return
        }
        #expect((answers.outcomes.last?.source == .redis) == isReply)
        #expect(store.errors == (isReply ? 0 : 1))
    }

    @Test(
        "a window's numbers are held to what a counter can be",
        arguments: [
            ("68719476735", "1800000000", true), ("68719476736", "1800000000", false), ("9223372036854775807", "1800000000", false),
            ("-1", "1800000000", false), ("1", "8000000000", true), ("1", "8000000001", false), ("1", "9223372036854775807", false),
            ("1", "-60", false),
        ])
    func windowExtremes(hits: String, end: String, isReply: Bool) throws {
        let store = store(.deny)
        let (hourly, sliding) = (try limit("10/h"), try limit("10/h sliding"))
        for mark in [0, 1] {
            let request = LimitRequest(keepsValues: true)
            request.reset(issuer: "i")
            request.begin(hourly)
            _ = store.decide(request, now: wire.now, wall: wire.wall)
            try wire.reply("*5\r\n:\(mark)\r\n:1800000000000000\r\n:\(hits)\r\n:\(end)\r\n:0\r\n")
            #expect((answers.outcomes.last?.source == .redis) == isReply)
            request.reset(issuer: "i")
            request.begin(sliding)
            _ = store.decide(request, now: wire.now, wall: wire.wall)
            try wire.reply("*5\r\n:\(mark)\r\n:1800000000000000\r\n:1\r\n:\(end)\r\n:\(hits)\r\n")
            #expect((answers.outcomes.last?.source == .redis) == isReply)
        }
    }

    @Test("after five timeouts calls no longer wait; a trial each second finds the store again")
    func skips() throws {
        let store = store(.allow)
        for _ in 0..<5 { #expect(call(store).1 == .pending) }
        wire.expire()
        _ = wire.sent()
        for _ in 0..<10 { #expect(decided(call(store).1)?.source == LimitOutcome.Source.none) }
        #expect(wire.sent() == "" && store.isSkipping)
        wire.now = wire.now + .seconds(1)
        #expect(decided(call(store).1) != nil)
        #expect(decided(call(store).1) != nil)
        #expect(wire.sent().components(of: "EVALSHA") == 1)
        // The late replies of the five are no sign of health; the probe's own is.
        for _ in 0..<5 { try wire.reply("*5\r\n:1\r\n:1\r\n:0\r\n:0\r\n:0\r\n") }
        #expect(store.isSkipping)
        try wire.reply(Self.trialAnswer)
        #expect(call(store).1 == .pending && !store.isSkipping)
    }

    @Test("without a connection nobody waits")
    func disconnected() {
        let store = store(.local)
        #expect(call(store).1 == .pending)
        wire.session.closed(.connectionLost, now: wire.now)
        #expect(answers.outcomes.map(\.source) == [.fallback])
        #expect(decided(call(store).1)?.decision == .allowed)
        #expect(decided(call(store).1)?.decision == .refused)
        #expect(store.timeouts == 0)
    }

    @Test("an abandoned request comes back for use again and is not answered, however its command ends")
    func abandoned() throws {
        let store = store(.local)
        for (index, end) in ["*5\r\n:1\r\n:1\r\n:0\r\n:0\r\n:0\r\n", "-NOSCRIPT\r\n", ""].enumerated() {
            let (request, _) = call(store)
            request.abandon()
            if end.isEmpty { wire.expire() } else { try wire.reply(end) }
            #expect(answers.abandoned == index + 1)
        }
        #expect(answers.outcomes.isEmpty)
    }

    @Test("a call without limits asks nobody")
    func nothing() {
        let request = LimitRequest(keepsValues: true)
        request.reset()
        #expect(decided(store(.deny).decide(request, now: start, wall: startWall))?.isAllowed == true)
    }
}

extension String {
    fileprivate func components(of part: String) -> Int { ranges(of: part).count }
}
