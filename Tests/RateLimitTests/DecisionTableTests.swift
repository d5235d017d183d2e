import Bytes
import Net
import Reactor
import Redis
import RedisServer
import Sockets
import Testing
import Time

@testable import RateLimit

/// The same calls at the same moments, asked of the memory store and of a real Redis.
///
/// The script runs as it is but for two lines: time comes from a key that the test sets, and nothing expires by the
/// server's own clock.
@Suite(.enabled(if: RedisServer.program != nil)) struct DecisionTableTests {
    struct Call: Sendable {
        var rules: [String]
        var hits: UInt64 = 1
        var key = "acme"
        /// How far time moves before it.
        var after = Duration.zero
        var charging = LimitRequest.Charging.allOrNone
        var allowed: Bool
    }

    static let stories: [[Call]] = [
        // A rate: its burst, its pace, its rest.
        [
            Call(rules: ["10/s burst 3"], allowed: true), Call(rules: ["10/s burst 3"], hits: 2, allowed: true),
            Call(rules: ["10/s burst 3"], allowed: false),
            Call(rules: ["10/s burst 3"], after: .microseconds(99_999), allowed: false),
            Call(rules: ["10/s burst 3"], after: .microseconds(1), allowed: true),
            Call(rules: ["10/s burst 3"], hits: 3, after: .seconds(3600), allowed: true),
            Call(rules: ["10/s burst 3"], hits: 0, allowed: false),
        ],
        // A third of a second is no whole number of nanoseconds.
        [
            Call(rules: ["3/s"], hits: 3, allowed: true), Call(rules: ["3/s"], after: .microseconds(333_333), allowed: false),
            Call(rules: ["3/s"], after: .microseconds(1), allowed: true),
            Call(rules: ["3/s"], after: .microseconds(333_333), allowed: true),
        ],
        // A slow rate, and a fast one, and hits beyond all measure.
        [
            Call(rules: ["1/86400s"], allowed: true), Call(rules: ["1/86400s"], after: .seconds(86_399), allowed: false),
            Call(rules: ["1/86400s"], after: .seconds(1), allowed: true),
            Call(rules: ["1000000/s"], hits: 1_000_000, allowed: true),
            Call(rules: ["1000000/s"], after: .microseconds(1), allowed: true),
            Call(rules: ["1000000/s"], allowed: false), Call(rules: ["1000000/s"], hits: 1_000_001, allowed: false),
            Call(rules: ["1000000/s"], hits: .max, allowed: false),
        ],
        // Windows of every unit.
        [
            Call(rules: ["2/min"], hits: 2, allowed: true), Call(rules: ["2/min"], allowed: false),
            Call(rules: ["2/min"], after: .seconds(59), allowed: false), Call(rules: ["2/min"], after: .seconds(1), allowed: true),
            Call(rules: ["2/7h"], hits: 2, allowed: true), Call(rules: ["2/7h"], hits: 0, allowed: false),
            Call(rules: ["5/day"], hits: 4, allowed: true), Call(rules: ["5/day"], hits: 2, allowed: false),
            Call(rules: ["5/day"], after: .seconds(57_600), allowed: true),
            Call(rules: ["1/month"], allowed: true), Call(rules: ["1/month"], after: .seconds(86_400 * 15), allowed: false),
            Call(rules: ["1/month"], after: .seconds(86_400), allowed: true),
            Call(rules: ["10_000_000_000/3month"], hits: 10_000_000_000, allowed: true),
            Call(rules: ["10_000_000_000/3month"], after: .seconds(86_400 * 28), allowed: false),
            Call(rules: ["10_000_000_000/3month"], after: .seconds(86_400 * 31), allowed: true),
        ],
        // All or none, over both algorithms; another key is another counter.
        [
            Call(rules: ["10/day per tenant", "2/s per tenant", "7/10min"], allowed: true),
            Call(rules: ["10/day per tenant", "2/s per tenant", "7/10min"], allowed: true),
            Call(rules: ["10/day per tenant", "2/s per tenant", "7/10min"], allowed: false),
            Call(rules: ["10/day per tenant"], hits: 9, allowed: false),
            Call(rules: ["10/day per tenant", "2/s per tenant", "7/10min"], hits: 2, key: "other", allowed: true),
            Call(rules: ["7/10min"], hits: 4, allowed: false), Call(rules: ["7/10min"], hits: 3, allowed: true),
            Call(rules: ["10/day per tenant"], hits: 8, allowed: true),
        ],
        // Shadow limits are charged with the call, and only with it.
        [
            Call(rules: ["shadow 1/day", "3/min"], allowed: true), Call(rules: ["shadow 1/day", "3/min"], allowed: true),
            Call(rules: ["shadow 5/day", "3/min"], allowed: true), Call(rules: ["shadow 5/day", "3/min"], allowed: false),
            Call(rules: ["shadow 5/day"], hits: 5, allowed: true), Call(rules: ["shadow 5/day"], hits: 4, allowed: true),
        ],
        // The same counter twice.
        [
            Call(rules: ["3/min", "3/min"], allowed: true), Call(rules: ["3/min", "3/min"], allowed: false),
            Call(rules: ["3/min"], allowed: true),
        ],
        // Clocks that go back: a little, into the window before; then far.
        [
            Call(rules: ["3/min"], hits: 3, after: .seconds(61), allowed: true),
            Call(rules: ["3/min"], after: .seconds(-30), allowed: false),
            Call(rules: ["3/min"], after: .seconds(-86_400), allowed: true),
        ],
        // Sliding windows: a share of the window before counts, rounded up; 08:00:00 is the start of a minute.
        [
            Call(rules: ["10/min sliding"], hits: 10, after: .seconds(30), allowed: true),
            Call(rules: ["10/min sliding"], allowed: false), Call(rules: ["10/min sliding"], hits: 0, allowed: false),
            // Half a minute later the window before counts whole, and after 6 s more nine tenths of it.
            Call(rules: ["10/min sliding"], after: .seconds(30), allowed: false),
            Call(rules: ["10/min sliding"], after: .microseconds(5_999_999), allowed: false),
            Call(rules: ["10/min sliding"], after: .microseconds(1001), allowed: true),
            Call(rules: ["10/min sliding"], allowed: false),
            Call(rules: ["10/min sliding"], hits: 4, after: .seconds(24), allowed: true),
            Call(rules: ["10/min sliding"], hits: 11, allowed: false),
            // Two windows later nothing is left.
            Call(rules: ["10/min sliding"], hits: 10, after: .seconds(120), allowed: true),
            Call(rules: ["10/min sliding"], after: .seconds(-40), allowed: false),
        ],
        [
            Call(rules: ["100/month sliding", "7/10s fixed"], hits: 7, allowed: true),
            Call(rules: ["100/month sliding", "7/10s fixed"], allowed: false),
            Call(rules: ["100/month sliding"], hits: 93, after: .seconds(86_400 * 16), allowed: true),
            Call(rules: ["100/month sliding"], after: .seconds(86_400 * 2), allowed: true),
            Call(rules: ["100/month sliding"], hits: 11, allowed: false),
            Call(rules: ["7/10s fixed", "5/week", "5/2week"], hits: 5, allowed: true),
            Call(rules: ["5/week"], after: .seconds(86_400 * 6), allowed: true),
            Call(rules: ["5/2week"], after: .seconds(86_400 * 1), allowed: false),
        ],
        // A token bucket of any length, and a burst larger or smaller than its count.
        [
            Call(rules: ["60/min token_bucket"], hits: 60, allowed: true),
            Call(rules: ["60/min token_bucket"], after: .milliseconds(999), allowed: false),
            Call(rules: ["60/min token_bucket"], after: .milliseconds(1), allowed: true),
            Call(rules: ["24/day token_bucket burst 2"], hits: 2, allowed: true),
            Call(rules: ["24/day token_bucket burst 2"], allowed: false),
            Call(rules: ["24/day token_bucket burst 2"], after: .seconds(3600), allowed: true),
        ],
        [
            Call(rules: ["1000/s sliding"], hits: 1000, after: .milliseconds(500), allowed: true),
            Call(rules: ["1000/s sliding"], after: .milliseconds(600), allowed: true),
            Call(rules: ["1000/s sliding"], hits: 100, allowed: false),
            Call(rules: ["1000/s sliding"], hits: 99, after: .milliseconds(1), allowed: true),
        ],
        // Calls in flight, none of which ends; with windows it is one decision.
        [
            Call(rules: ["3 at once per tenant"], hits: 2, allowed: true),
            Call(rules: ["3 at once per tenant"], hits: 2, allowed: false),
            Call(rules: ["3 at once per tenant", "5/min"], allowed: true),
            Call(rules: ["5/min", "3 at once per tenant"], allowed: false),
            Call(rules: ["3 at once per tenant"], hits: 0, allowed: false),
            Call(rules: ["3 at once per tenant"], hits: 4, allowed: false),
            Call(rules: ["3 at once per tenant", "5/min"], hits: 3, key: "other", after: .seconds(1), allowed: true),
            Call(rules: ["shadow 1 at once", "5/min"], allowed: true), Call(rules: ["shadow 1 at once", "5/min"], allowed: false),
            Call(rules: ["shadow 1 at once"], allowed: true), Call(rules: ["2 at once", "2 at once"], allowed: true),
            Call(rules: ["2 at once"], allowed: false),
        ],
    ]

    /// Charges whatever the level: what is over stands as debt, for calls of either kind.
    static let debts: [[Call]] = [
        ["10/min", "10/day per tenant", "10/3s fixed"].flatMap { rule in
            [
                Call(rules: [rule], hits: 9, charging: .always, allowed: true),
                Call(rules: [rule], hits: 1, charging: .always, allowed: true),
                Call(rules: [rule], hits: 0, charging: .always, allowed: true), Call(rules: [rule], hits: 0, allowed: false),
                Call(rules: [rule], hits: 1, charging: .always, allowed: false),
                Call(rules: [rule], hits: 0, charging: .always, allowed: false),
                Call(rules: [rule], hits: .max, charging: .always, allowed: false),
                Call(rules: [rule], hits: .max, charging: .always, allowed: false), Call(rules: [rule], allowed: false),
            ]
        },
        [
            Call(rules: ["10/s burst 3"], hits: 3, charging: .always, allowed: true),
            Call(rules: ["10/s burst 3"], hits: 2, charging: .always, allowed: false),
            Call(rules: ["10/s burst 3"], hits: 0, charging: .always, allowed: false),
            Call(rules: ["10/s burst 3"], hits: 0, after: .milliseconds(200), charging: .always, allowed: true),
            Call(rules: ["10/s burst 3"], allowed: false),
            Call(rules: ["10/s burst 3"], after: .milliseconds(100), allowed: true),
            Call(rules: ["10/s burst 3"], hits: .max, charging: .always, allowed: false),
            // Ninety days is the most that it owes.
            Call(rules: ["10/s burst 3"], after: .seconds(90 * 86_400 - 1), allowed: false),
            Call(rules: ["10/s burst 3"], after: .seconds(1), allowed: true),
            Call(rules: ["1/31day token_bucket"], hits: 1, charging: .always, allowed: true),
            Call(rules: ["1/31day token_bucket"], hits: 1, charging: .always, allowed: false),
        ],
        [
            Call(rules: ["10/min sliding"], hits: 30, charging: .always, allowed: false),
            Call(rules: ["10/min sliding"], hits: 0, charging: .always, allowed: false),
            // Of 30 hits three tenths count, rounded up, with so much left of the next window.
            Call(rules: ["10/min sliding"], hits: 0, after: .seconds(102), charging: .always, allowed: true),
            Call(rules: ["10/min sliding"], allowed: false),
            Call(rules: ["10/min sliding"], after: .seconds(4), allowed: true),
            Call(rules: ["10/min sliding"], hits: .max, charging: .always, allowed: false),
            Call(rules: ["10/min sliding"], after: .seconds(60), allowed: false),
        ],
        // Each for itself: one that is over holds up no other. A shadow limit decides nothing, and is charged as well.
        [
            Call(rules: ["2/min", "5/h", "shadow 1/day"], hits: 2, charging: .always, allowed: true),
            Call(rules: ["2/min", "5/h", "shadow 1/day"], hits: 2, charging: .always, allowed: false),
            Call(rules: ["5/h"], hits: 1, charging: .always, allowed: true), Call(rules: ["5/h"], allowed: false),
            // The same counter twice.
            Call(rules: ["3/2min", "3/2min"], hits: 2, charging: .always, allowed: false),
            Call(rules: ["3/2min"], hits: 0, charging: .always, allowed: false),
        ],
    ]

    private struct Seen: Equatable {
        var outcome: LimitOutcome
        var verdicts: [LimitVerdict]
    }

    private func limits(of story: [Call]) throws -> [String: Limit] {
        var limits: [String: Limit] = [:]
        for text in Set(story.flatMap(\.rules)) {
            let isShadow = text.hasPrefix("shadow ")
            let rule = isShadow ? String(text.dropFirst(7)) : text
            limits[text] = try limit(rule, name: rule, isShadow: isShadow)
        }
        return limits
    }

    private func play(
        _ story: [Call], on store: any LimitStore,
        _ wait: (LimitAnswer, LimitRequest) -> LimitOutcome, setClock: (WallTime) -> Void
    ) throws -> [Seen] {
        let limits = try limits(of: story)
        var now = start
        var wall = startWall
        return story.map { call in
            now = now + call.after
            wall = WallTime(nanoseconds: UInt64(Int64(wall.nanoseconds) + call.after.nanoseconds))
            setClock(wall)
            let request = LimitRequest(keepsValues: true)
            request.reset(issuer: "i", charging: call.charging)
            for text in call.rules {
                guard let limit = limits[text] else { continue }
                request.begin(limit, hits: call.hits)
                for _ in 0..<limit.keyCount { request.add(key: call.key) }
            }
            var outcome = wait(store.decide(request, now: now, wall: wall), request)
            outcome.source = .none
            return Seen(outcome: outcome, verdicts: call.rules.indices.map { request.verdict(at: $0) })
        }
    }

    @Test("memory and Redis decide, and say, the same", arguments: (stories + debts).indices)
    func same(index: Int) throws {
        let story = (Self.stories + Self.debts)[index]
        let memory = MemoryStore()
        let inMemory = try play(story, on: memory) { answer, request in
            if case .decided = answer { return request.outcome }
            return .uncounted(.unavailable)
        } setClock: { _ in
        }
        #expect(inMemory.map(\.outcome.isAllowed) == story.map(\.allowed))

        let server = try #require(RedisServer())
        let script = RedisScript(
            RedisScript.decision.text
                .replacing("redis.call('TIME')", with: "redis.call('HMGET', 'clock', 'seconds', 'microseconds')")
                .replacing("math.max(1, life)", with: "math.max(600000, life)"))
        let connection = try Connection(to: server)
        let store = RedisStore(
            connection.client, fallback: memory, whenUnavailable: .deny, prefix: "martlet", lease: nil, id: 1, script: script)
        store.delegate = connection
        let inRedis = try play(story, on: store) { answer, request in
            if answer == .pending { connection.waitForDecision() }
            return request.outcome
        } setClock: { wall in
            connection.ask(
                "HSET", "clock", "seconds", "\(wall.seconds)", "microseconds",
                "\(wall.nanoseconds / 1000 % 1_000_000)")
        }
        #expect(store.lastError == nil)
        for (step, (one, other)) in zip(inMemory, inRedis).enumerated() { #expect(one == other, "call \(step)") }
    }

    @Test("every counter carries its time to live and is written in whole digits")
    func expires() throws {
        let server = try #require(RedisServer())
        let connection = try Connection(to: server)
        let store = RedisStore(
            connection.client, fallback: MemoryStore(),
            whenUnavailable: .deny, prefix: "martlet", lease: nil, id: 1)
        store.delegate = connection
        let request = LimitRequest(keepsValues: true)
        let slow = try limit("1/86400s per tenant", name: "slow")
        let month = try limit("100/month", name: "month")
        let sliding = try limit("100/day sliding", name: "sliding")
        request.reset(issuer: "i")
        request.begin(slow)
        request.add(key: "acme")
        request.begin(month)
        request.begin(sliding)
        // The server's clock decides, among the windows around the gateway's.
        #expect(store.decide(request, now: start, wall: WallTime.now()) == .pending)
        connection.waitForDecision()
        #expect(request.outcome.isAllowed && request.outcome.source == .redis)
        let key = "martlet:{acme}:routes.test:slow:86400s:tenant:i"
        let milliseconds = Int(connection.ask("PTTL", key)) ?? -1
        #expect(milliseconds > 86_300_000 && milliseconds <= 86_400_000)
        let parts = connection.ask("GET", key).split(separator: " ")
        #expect(parts.first == "86400000000000" && parts.last?.count == 16)
        let until = Int(connection.ask("PTTL", "martlet:routes.test:month:1month:")) ?? -1
        #expect(until > 0 && until <= 31 * 86_400_000)
        #expect(connection.ask("GET", "martlet:routes.test:month:1month:").hasPrefix("1 "))
        let whileSliding = Int(connection.ask("PTTL", "martlet:routes.test:sliding:1day/sliding:")) ?? -1
        #expect(whileSliding > 86_400_000 && whileSliding <= 2 * 86_400_000)
        #expect(connection.ask("GET", "martlet:routes.test:sliding:1day/sliding:").hasPrefix("1 "))
    }
}

/// A client on a loop of its own, turned until what was asked for is there.
private final class Connection: LimitDelegate, RedisReplyHandler {
    // Ends first, as it stands on the loop and its buffers.
    let client: RedisClient
    private let loop: EventLoop
    private let scratch = ScratchBuffers(chunks: ChunkPool())
    private var isDecided = false
    private var answer: String?

    init(to server: RedisServer) throws {
        loop = try EventLoop()
        var settings = RedisSettings()
        // A loop that waits for its turn on a busy machine has an old clock.
        settings.timeout = .seconds(600)
        client = RedisClient(
            settings, dialer: Dialer(KnownAddresses(.unix(server.path)), on: loop, scratch: scratch), on: loop, seed: 1)
    }

    func limitDecided(_ request: LimitRequest) { isDecided = true }

    func limitStoreChanged(_ trouble: StoreTrouble?) {}

    func limitStoreLeased() {}

    func waitForDecision() {
        // What was sent from outside a tick leaves at the end of the next one.
        loop.tick(wait: false)
        while !isDecided { loop.tick(wait: true) }
        isDecided = false
    }

    @discardableResult
    func ask(_ words: String...) -> String {
        let command = RESPCommand()
        for word in words { command.add(word) }
        answer = nil
        guard client.send(command, self, tag: 1) == nil else { return "not sent" }
        loop.tick(wait: false)
        while answer == nil { loop.tick(wait: true) }
        return answer ?? ""
    }

    func redisReplied(_ reply: RedisReply, to tag: UInt) {
        answer = reply.kind == .integer ? "\(reply.integer)" : reply.text
    }

    func redisFailed(_ failure: RedisFailure, for tag: UInt) { answer = "\(failure)" }
}
