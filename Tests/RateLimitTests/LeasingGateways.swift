import Bytes
import Net
import Reactor
import Redis
import RedisServer
import Sockets
import Testing
import Time

@testable import RateLimit

/// Several gateways on one Redis, all on a clock that the test moves.
final class LeasingGateways: RedisReplyHandler {
    /// A worker's store and its connection.
    final class Gateway: LimitDelegate, RedisSender {
        let client: RedisClient
        private unowned let world: LeasingGateways
        private(set) var store: RedisStore!
        var commands = 0
        var isAway = false
        var isDecided = false

        init(_ client: RedisClient, _ world: LeasingGateways, lease: Duration?, id: UInt32) {
            self.client = client
            self.world = world
            store = RedisStore(
                self, fallback: MemoryStore(), whenUnavailable: world.whenUnavailable, prefix: "martlet", lease: lease, id: id,
                script: LeasingGateways.script)
            store.delegate = self
        }

        var now: Instant { world.now }
        var wall: WallTime { world.wall }
        var timeout: Duration { client.timeout }
        var losses: UInt64 = 0

        func generation(of slot: ClusterSlot) -> UInt64 { losses }
        var lastFailure: RedisFailure? { client.lastFailure }

        func send(_ command: RESPCommand, _ handler: any RedisReplyHandler, tag: UInt, by deadline: Instant?) -> RedisFailure? {
            if isAway { return .notConnected }
            commands += 1
            return client.send(command, handler, tag: tag, by: nil)
        }

        func limitDecided(_ request: LimitRequest) { isDecided = true }
        func limitStoreChanged(_ trouble: StoreTrouble?) {}
        func limitStoreLeased() {}

        func call(_ limits: [Limit], hits: UInt64 = 1, charging: LimitRequest.Charging = .allOrNone) -> LimitRequest {
            let request = LimitRequest(keepsValues: true)
            request.reset(issuer: "i", charging: charging)
            for limit in limits {
                request.begin(limit, hits: hits)
                for _ in 0..<limit.keyCount { request.add(key: "acme") }
            }
            isDecided = false
            if store.decide(request, now: now, wall: wall) == .pending { world.turn { self.isDecided } }
            return request
        }
    }

    private(set) var gateways: [Gateway] = []
    private(set) var now = start
    private(set) var wall = startWall
    private let loop: EventLoop
    private let scratch = ScratchBuffers(chunks: ChunkPool())
    private let server: RedisServer
    private var answer: String?

    static let script = RedisScript(
        RedisScript.decision.text
            .replacing("redis.call('TIME')", with: "redis.call('HMGET', 'clock', 's', 'u')")
            .replacing("math.max(1, life)", with: "math.max(600000, life)"))

    let whenUnavailable: StoreConfiguration.WhenUnavailable

    init(
        _ count: Int, lease: Duration? = .seconds(1), whenUnavailable: StoreConfiguration.WhenUnavailable = .deny
    ) throws {
        self.whenUnavailable = whenUnavailable
        server = try #require(RedisServer())
        loop = try EventLoop()
        var settings = RedisSettings()
        settings.timeout = .seconds(600)
        for number in 0..<count {
            let client = RedisClient(
                settings, dialer: Dialer(KnownAddresses(.unix(server.path)), on: loop, scratch: scratch), on: loop,
                seed: UInt64(number))
            gateways.append(Gateway(client, self, lease: lease, id: UInt32(number + 1)))
        }
        advance(.zero)
        ask("SCRIPT", "LOAD", Self.script.text)
    }

    func turn(until isDone: () -> Bool) {
        loop.tick(wait: false)
        while !isDone() { loop.tick(wait: true) }
    }

    @discardableResult
    func ask(_ words: String...) -> String {
        let command = RESPCommand()
        for word in words { command.add(word) }
        answer = nil
        guard gateways[0].client.send(command, self, tag: 1) == nil else { return "not sent" }
        turn { answer != nil }
        return answer ?? ""
    }

    /// Another server takes the place of the one that all are connected to, with that value of a counter, or without one.
    func failOver(_ key: String, to value: String?) {
        if let value { ask("SET", key, value) } else { ask("DEL", key) }
        for gateway in gateways { gateway.losses += 1 }
    }

    /// All that was sent before has been answered.
    func settle() {
        for gateway in gateways {
            answer = nil
            let command = RESPCommand()
            command.add("PING")
            guard gateway.client.send(command, self, tag: 1) == nil else { continue }
            turn { answer != nil }
        }
    }

    /// In steps, so that leases end as they do in a worker; after two seconds there are none.
    func advance(_ duration: Duration) {
        var left = duration
        while left > CounterLeases.sweepInterval, left > duration - .seconds(2) {
            step(CounterLeases.sweepInterval)
            left -= CounterLeases.sweepInterval
        }
        step(left)
    }

    private func step(_ duration: Duration) {
        now = now + duration
        wall = WallTime(nanoseconds: UInt64(Int64(wall.nanoseconds) + duration.nanoseconds))
        ask("HSET", "clock", "s", "\(wall.seconds)", "u", "\(wall.nanoseconds / 1000 % 1_000_000)")
        for gateway in gateways where !gateway.isAway { _ = gateway.store.sweepLeases() }
        settle()
    }

    func redisReplied(_ reply: RedisReply, to tag: UInt) { answer = reply.kind == .integer ? "\(reply.integer)" : reply.text }
    func redisFailed(_ failure: RedisFailure, for tag: UInt) { answer = "\(failure)" }
}
