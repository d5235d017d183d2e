import Bytes
import GRPC
import LimitRules
import RateLimit
import RateLimitService
import Redis
import Time

extension FuzzEntry {
    static let limits: [FuzzEntry] = [
        FuzzEntry("redis replies") { input in
            let reader = RESPReader()
            let text = ":\(input.text())\r\n*\(input.text())\r\n:\(input.text())\r\n$\(input.text())\r\nabc\r\n"
            withBytes(text) { bytes in
                guard (try? reader.feed(bytes)) != nil else { return }
                while let reply = try? reader.next() { _ = reply.integer.clamped(to: 0...9) }
            }
        },
        FuzzEntry("slots of a cluster") { input in
            let node = "*2\r\n$1\r\nh\r\n:\(input.text())\r\n"
            let slots = "*1\r\n*3\r\n:\(input.text())\r\n:\(input.text())\r\n\(node)"
            let moved = "-\(input.index % 2 == 0 ? "MOVED" : "ASK") \(input.text()) h:\(input.text())\r\n"
            for text in [slots, moved] {
                let reader = RESPReader()
                withBytes(text) { bytes in
                    guard (try? reader.feed(bytes)) != nil else { return }
                    while let reply = try? reader.next() {
                        _ = ClusterTopology(reply, askedAt: "a")?.isComplete
                        _ = Redirection(reply, from: "a")
                    }
                }
            }
        },
        FuzzEntry("answers of a rate-limit service") { input in
            var time = ByteWriter()
            time.field(1, input.number())
            time.field(2, input.index % 2 == 0 ? 0 : input.number())
            var limit = ByteWriter()
            limit.field(1, input.number())
            limit.field(2, input.number())
            var status = ByteWriter()
            status.field(1, input.number() & 3)
            status.field(2, bytes: limit.bytes)
            status.field(3, input.number())
            status.field(4, bytes: time.bytes)
            var message = ByteWriter()
            message.field(1, 2)
            message.field(2, bytes: status.bytes)
            withBytes(message.bytes) { bytes in
                guard let response = try? RateLimitResponse(bytes) else { return }
                response.forEachStatus { status in
                    let reset = status.nanosecondsUntilReset ?? 0
                    _ =
                        LimitVerdict(
                            isAllowed: false, limit: 1, remaining: status.limitRemaining.clamped(as: UInt64.self),
                            retryAfterNanoseconds: reset,
                            resetAfterNanoseconds: reset
                        ).resetAfterSeconds
                }
            }
        },
        FuzzEntry("requests to a rate-limit service") { input in
            var entry = ByteWriter()
            entry.field(1, text: "k")
            entry.field(2, text: "v")
            var override = ByteWriter()
            override.field(1, input.number())
            override.field(2, input.number())
            var hits = ByteWriter()
            hits.field(1, input.number())
            var descriptor = ByteWriter()
            descriptor.field(1, bytes: entry.bytes)
            descriptor.field(2, bytes: override.bytes)
            if input.index % 2 == 0 { descriptor.field(3, bytes: hits.bytes) }
            var message = ByteWriter()
            message.field(1, text: "d")
            message.field(2, bytes: descriptor.bytes)
            message.field(3, input.number())
            withBytes(message.bytes) { bytes in
                var query = LimitQuery()
                guard (try? query.read(bytes)) != nil else { return }
                for descriptor in query.descriptors { _ = query.hits(of: descriptor).clamped(to: 0...1) }
            }
        },
        FuzzEntry("answers of the limit script") { input in
            let asked = ScriptedRedis()
            asked.ask(input.index % 5)
            let time = input.index % 2 == 0 ? "1800000000000000" : input.text()
            let numbers = (0..<3).map { _ in ":\(input.text())\r\n" }.joined()
            asked.answer("*5\r\n:\(input.index / 5 % 4)\r\n:\(time)\r\n\(numbers)")
        },
    ]
}

/// A limit store whose Redis answers what it is told to.
private final class ScriptedRedis: RedisSender, LimitDelegate {
    let timeout = Duration.milliseconds(10)
    let lastFailure: RedisFailure? = nil
    let now = Instant(nanoseconds: 5_000_000_000_000)
    let wall = WallTime(seconds: 1_800_000_000)
    private var asked: (handler: any RedisReplyHandler, tag: UInt)?
    private let limits = ["10/s burst 20", "10/h", "10/month", "10/s sliding", "10/month sliding"].map {
        Limit(try! LimitRule.parse($0), name: "a", place: "b", counters: CounterRegistry(seed: HashSeed(1, 2)))
    }
    private let request = LimitRequest(keepsValues: true)
    private var store: RedisStore!

    func send(_ command: RESPCommand, _ handler: any RedisReplyHandler, tag: UInt, by deadline: Instant?) -> RedisFailure? {
        asked = (handler, tag)
        return nil
    }

    func generation(of slot: ClusterSlot) -> UInt64 { 0 }

    func limitDecided(_ request: LimitRequest) {}
    func limitStoreChanged(_ trouble: StoreTrouble?) {}

    func limitStoreLeased() {}

    func ask(_ limit: Int) {
        store = RedisStore(
            self, fallback: MemoryStore(), whenUnavailable: .allow, prefix: "a", lease: nil, id: 1)
        store.delegate = self
        request.reset()
        request.begin(limits[limit])
        _ = store.decide(request, now: now, wall: wall)
    }

    func answer(_ text: String) {
        let reader = RESPReader()
        guard withBytes(text, { (try? reader.feed($0)) != nil }), let reply = try? reader.next(), let asked else {
            if let asked { asked.handler.redisFailed(.timedOut, for: asked.tag) }
            return drop()
        }
        asked.handler.redisReplied(reply, to: asked.tag)
        drop()
    }

    /// It and its store hold each other.
    private func drop() { store = nil }
}
