package import Reactor
internal import Sockets
package import Time

/// A connection to the primary that Sentinels name, made again to whichever server they name then.
///
/// They are asked before each connection, and the server is asked for its role: a Sentinel may be behind. Of a failover we hear
/// from the one that we subscribed to, and from errors: READONLY, or the end of the connection. One per worker.
package final class SentinelClient: RedisConnector {
    private let client: RedisClient
    private let source: SentinelSource

    init(_ target: RedisTarget, _ sentinel: RedisTarget.Sentinel, dialers: any RedisDialers, on loop: EventLoop, seed: UInt64) {
        let source = SentinelSource(target.seeds, sentinel, dialers: dialers, on: loop, seed: seed)
        self.source = source
        var settings = target.settings
        settings.requiresPrimary = true
        client = RedisClient(settings, dialer: source, on: loop, seed: seed)
        source.primaryChanged = { [unowned client] in client.leave(.unfit("of another primary: +switch-master")) }
    }

    package func send(
        _ command: RESPCommand, _ handler: any RedisReplyHandler, tag: UInt, by deadline: Instant?
    ) -> RedisFailure? {
        client.send(command, handler, tag: tag, by: deadline)
    }

    package func renew(_ passwords: RedisPasswords) {
        client.renew(passwords)
        source.renew(passwords)
    }

    package func close() {
        client.close()
        source.close()
    }

    package var onRefusedPassword: ((String) -> Void)? {
        get { client.onRefusedPassword }
        set { client.onRefusedPassword = newValue }
    }

    package func generation(of slot: ClusterSlot) -> UInt64 { client.generation(of: slot) }

    package var timeout: Duration { client.timeout }
    package var lastFailure: RedisFailure? { client.lastFailure }
    package var now: Instant { client.now }
    package var wall: WallTime { client.wall }
}

/// Opens connections to the primary that Sentinels name.
private final class SentinelSource: ChannelSource, RedisReplyHandler {
    private let seeds: [RedisEndpoint]
    private let master: String
    private let dialers: any RedisDialers
    private unowned(unsafe) let loop: EventLoop
    private let seed: UInt64
    private var settings = RedisSettings()
    private var inquiry: SentinelInquiry
    /// Connections to those Sentinels that have been asked.
    private var sentinels: [RedisClient?]
    /// A connection that listens to the Sentinel that answered last, and may ask nothing else.
    private var listening: (sentinel: Int, client: RedisClient)?
    /// Looks after that connection, on which silence is the rule.
    private var listeningTimer: RepeatingTimer?
    private var asked = -1
    /// Distinguishes the answer to an abandoned inquiry from the current one's.
    private var number: UInt = 0
    private var completion: ((ByteChannel?) -> Void)?
    private(set) var failure: RedisFailure?
    private var primary: RedisEndpoint?
    /// Keeps the dialer of the connection that is being made.
    private var dialer: Dialer?
    /// A failover has been announced. Not called from within a reply of the primary's.
    var primaryChanged: (() -> Void)?

    /// For a Sentinel's answer, the connection to it included: the next one is asked then.
    private static let answerMax = Duration.milliseconds(500)
    private static let switchMaster = "+switch-master"
    /// A Sentinel that does not answer for `RedisSettings.silenceMax` is taken for dead, and another is listened to.
    private static let listeningInterval = Duration.seconds(5)

    init(
        _ seeds: [RedisEndpoint], _ sentinel: RedisTarget.Sentinel, dialers: any RedisDialers, on loop: EventLoop, seed: UInt64
    ) {
        self.seeds = seeds
        master = sentinel.master
        self.dialers = dialers
        self.loop = loop
        self.seed = seed
        settings.user = sentinel.user
        settings.password = sentinel.password
        settings.timeout = Self.answerMax
        settings.commandsInFlightMax = 16
        inquiry = SentinelInquiry(sentinels: seeds.count, master: sentinel.master)
        sentinels = Array(repeating: nil, count: seeds.count)
    }

    func renew(_ passwords: RedisPasswords) {
        settings.password = passwords.sentinel
        let own = RedisPasswords(server: passwords.sentinel, sentinel: nil)
        for sentinel in sentinels { sentinel?.renew(own) }
        // It may not ask: the next connection begins with the new one.
    }

    func close() {
        completion = nil
        for sentinel in sentinels { sentinel?.close() }
        listening?.client.close()
        listening = nil
        listeningTimer?.stop()
    }

    // MARK: Asking

    func dial(_ completion: @escaping (ByteChannel?) -> Void) {
        number &+= 1
        self.completion = completion
        take(inquiry.begin())
    }

    private func take(_ step: SentinelInquiry.Step) {
        var step = step
        while true {
            switch step {
            case .ask(let sentinel):
                guard let failure = ask(sentinel) else { return }
                step = inquiry.failed(failure)
            case .failed(let reason): return finish(nil, reason)
            case .found(let endpoint):
                primary = endpoint
                listen(to: asked)
                let dialer = dialers.dialer(for: endpoint)
                self.dialer = dialer
                let number = number
                return dialer.dial { [weak self] channel in
                    guard let self, number == self.number else { channel?.abort(); return }
                    self.finish(channel, channel == nil ? .unreachable("no address of the primary \(endpoint)") : nil)
                }
            }
        }
    }

    private func finish(_ channel: ByteChannel?, _ reason: RedisFailure?) {
        failure = reason
        let completion = completion
        self.completion = nil
        completion?(channel)
    }

    private func ask(_ sentinel: Int) -> RedisFailure? {
        asked = sentinel
        let client =
            sentinels[sentinel]
            ?? RedisClient(
                settings, dialer: dialers.dialer(for: seeds[sentinel]), on: loop, seed: seed &+ UInt64(sentinel))
        sentinels[sentinel] = client
        let command = RESPCommand()
        command.add("SENTINEL")
        command.add("get-master-addr-by-name")
        command.add(master)
        guard client.send(command, self, tag: number, by: nil) != nil else { return nil }
        return client.lastFailure ?? .notConnected
    }

    func redisReplied(_ reply: RedisReply, to tag: UInt) {
        guard tag == number, completion != nil else { return }
        take(inquiry.replied(reply))
    }

    func redisFailed(_ failure: RedisFailure, for tag: UInt) {
        guard tag == number, completion != nil else { return }
        take(inquiry.failed(failure == .timedOut ? .timedOut : sentinels[asked]?.lastFailure ?? failure))
    }

    // MARK: Listening

    /// To one Sentinel at a time. Where that ends, the next inquiry begins anew.
    private func listen(to sentinel: Int) {
        if let listening {
            if listening.client.isReady { return }
            listening.client.close()
        }
        var settings = settings
        // Silence is the rule.
        settings.commandsInFlightMax = 1
        let client = RedisClient(
            settings, dialer: dialers.dialer(for: seeds[sentinel]), on: loop, seed: seed &+ 0x5e &+ UInt64(sentinel))
        let ignoring = Ignoring()
        client.onReady = { [unowned client] in
            let command = RESPCommand()
            command.add("SUBSCRIBE")
            command.add(Self.switchMaster)
            _ = client.send(command, ignoring, tag: 0, by: nil)
        }
        client.onMessage = { [weak self] payload in self?.published(String(decoding: payload, as: UTF8.self)) }
        listening = (sentinel, client)
        listeningTimer =
            listeningTimer ?? RepeatingTimer(every: Self.listeningInterval, on: loop) { [unowned self] in lookAfterListening() }
    }

    private func lookAfterListening() {
        guard let listening else { return }
        guard listening.client.isReady else { return listen(to: (listening.sentinel + 1) % seeds.count) }
        let command = RESPCommand()
        command.add("PING")
        _ = listening.client.send(command, pinging, tag: 0, by: nil)
    }

    private let pinging = Ignoring()

    /// `NAME OLD-HOST OLD-PORT NEW-HOST NEW-PORT`
    private func published(_ text: String) {
        let words = text.split(separator: " ")
        guard words.count == 5, words[0] == master, let port = UInt16(words[4]) else { return }
        guard primary != .host(String(words[3]), port: port) else { return }
        primaryChanged?()
    }
}

/// For commands whose reply says nothing.
final class Ignoring: RedisReplyHandler {
    func redisReplied(_ reply: RedisReply, to tag: UInt) {}
    func redisFailed(_ failure: RedisFailure, for tag: UInt) {}
}
