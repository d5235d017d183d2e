internal import Config
internal import RateLimit
internal import Reactor
internal import Redis
internal import Time
internal import Transport

/// Looks at every server of a store once, and tells in words what keeps it from counting limits.
///
///     Sentinels ──the primary──▶ server ─┐
///     seeds ──CLUSTER SLOTS──▶ servers ──┼──INFO──▶ a trial of what counting needs ──▶ found
///     one address ──────────▶ server ────┘
///
/// Waits for nothing: all is asked on the loop, and each answer has its timeout.
final class StoreInspection {
    struct Finding: Equatable {
        /// Which server, and what is found there.
        var text: String
        /// It cannot serve; else it may lose counters.
        var isError: Bool
    }

    private let location: RedisLocation
    private let prefix: String
    private let isThorough: Bool
    private let keepsDays: Bool
    private let dialers: any RedisDialers
    private let loop: EventLoop
    private let completion: ([Finding]) -> Void
    private var findings: [Finding] = []
    private var clients: [RedisClient] = []
    private var seen: Set<RedisEndpoint> = []
    /// What Sentinels have not answered as they should: only a warning where another names the primary.
    private var sentinelFindings: [Int] = []
    private var hasPrimary = false
    /// A server does not let this user see the slots of a cluster.
    private var isRefusedSlots = false
    private var outstanding = 0
    private var isOver = false
    private var end: Timer?
    /// For one answer, the connection to its server included.
    static let answerMax = Duration.seconds(3)

    /// - Parameters:
    ///   - prefix: what all keys begin with.
    ///   - isThorough: tries counting too, on keys of its own, and tells what cannot be reached or looked at: what workers find out
    ///     by themselves once they serve.
    ///   - keepsDays: limits of a day and longer are counted in it.
    ///   - completion: called once, later. What was found, each once.
    init(
        _ location: RedisLocation, prefix: String, isThorough: Bool, keepsDays: Bool = false, dialers: any RedisDialers,
        on loop: EventLoop,
        completion: @escaping ([Finding]) -> Void
    ) {
        self.location = location
        self.prefix = prefix
        self.isThorough = isThorough
        self.keepsDays = keepsDays
        self.dialers = dialers
        self.loop = loop
        self.completion = completion
        // Not from within a reply: the connections are closed there.
        end = Timer(on: loop) { [unowned self] in finish() }
        begin()
    }

    private func begin() {
        let seeds = location.seeds.map(RedisEndpoint.init)
        outstanding += 1
        switch location.mode {
        case .single: inspect(seeds[0])
        case .sentinel: for seed in seeds { askSentinel(seed) }
        case .cluster, .auto: askForSlots(seeds[...])
        }
        answered()
    }

    private func answered() {
        outstanding -= 1
        if outstanding == 0 { end?.arm(after: .zero) }
    }

    /// Ends it with nothing told: another store has been taken into service. Not from within a reply.
    func cancel() {
        // First, as each client that closes fails its questions.
        isOver = true
        end?.disarm()
        for client in clients { client.close() }
        clients = []
    }

    private func finish() {
        cancel()
        if hasPrimary { for index in sentinelFindings { findings[index].isError = false } }
        var told: [Finding] = []
        for finding in findings where !told.contains(finding) { told.append(finding) }
        completion(told.sorted { ($0.isError ? 0 : 1, $0.text) < ($1.isError ? 0 : 1, $1.text) })
    }

    /// What a worker notices too.
    private func noAnswer(_ client: RedisClient, at endpoint: RedisEndpoint, isError: Bool = true) {
        guard isThorough else { return }
        let text =
            switch client.lastFailure {
            case nil where location.tls != nil: StoreTrouble.insecure("no answer to the handshake").text(timeout: Self.answerMax)
            case .connectionLost? where location.tls == nil, .unreachable("Connection reset by peer")? where location.tls == nil,
                .unreachable("closed by the peer")? where location.tls == nil:
                "closes the connection without an answer: it may speak TLS on this port"
            case let failure: StoreTrouble(failure ?? .timedOut).text(timeout: Self.answerMax)
            }
        found(text, at: endpoint, isError: isError)
    }

    /// The server's, as much as is told of them.
    private static func words(_ reply: RedisReply) -> String {
        reply.kind == .error ? StoreTrouble.line(of: reply.text) : "a reply of another shape"
    }

    private func found(_ text: String, at endpoint: RedisEndpoint, isError: Bool = true) {
        findings.append(Finding(text: "\(endpoint) \(text)", isError: isError))
    }

    // MARK: Which servers

    /// Every Sentinel: one that is wrong is found out only when it is asked.
    private func askSentinel(_ seed: RedisEndpoint) {
        guard let sentinel = location.sentinel else { return }
        var settings = RedisSettings()
        settings.user = sentinel.user
        settings.password = sentinel.password?.text
        let client = client(to: seed, settings)
        ask(client, ["SENTINEL", "get-master-addr-by-name", sentinel.master]) { [unowned self] reply in
            let before = findings.count
            defer { sentinelFindings += before..<findings.count }
            guard let reply else { return noAnswer(client, at: seed) }
            if reply.kind == .error { return found("answers \(Self.words(reply)): expected a Sentinel", at: seed) }
            guard let host = reply.first, let port = host.next.flatMap({ UInt16($0.text) }) else {
                return found("knows no primary named \(sentinel.master)", at: seed)
            }
            hasPrimary = true
            inspect(.host(host.text, port: port))
        }
    }

    /// The first that answers: what one knows, all know.
    private func askForSlots(_ seeds: ArraySlice<RedisEndpoint>) {
        guard let seed = seeds.first else { return }
        let client = client(to: seed, settings)
        ask(client, ["CLUSTER", "SLOTS"]) { [unowned self] reply in
            guard let reply else {
                noAnswer(client, at: seed, isError: seeds.count == 1)
                return askForSlots(seeds.dropFirst())
            }
            guard let topology = ClusterTopology(reply, askedAt: seed.host) else {
                isRefusedSlots = reply.kind == .error && reply.hasPrefix("NOPERM")
                if location.mode != .cluster { return inspect(seed, beside: seeds.dropFirst()) }
                let expected = isRefusedSlots ? Self.slotsExpected : "a server of a cluster"
                return found("answers \(Self.words(reply)): expected \(expected)", at: seed)
            }
            if location.database != 0 { found("is of a cluster, which has only database 0: found \(location.database)", at: seed) }
            if !topology.isComplete { found("is of a cluster in which not all slots have a server", at: seed) }
            for (place, primary) in topology.primaries.enumerated() {
                inspect(primary) { topology.owners[Int($0.number)] == Int16(place) }
            }
        }
    }

    // MARK: One server

    private var settings: RedisSettings {
        var settings = location.target(timeout: Self.answerMax).settings
        if location.mode == .auto { settings.database = 0 }
        return settings
    }

    private static let slotsExpected = "the permission +cluster|slots for this user"

    /// - Parameter seeds: others of the same store, one of which may be the primary where this is a replica.
    private func inspect(
        _ endpoint: RedisEndpoint, beside seeds: ArraySlice<RedisEndpoint> = [],
        having slots: @escaping (ClusterSlot) -> Bool = { _ in true }
    ) {
        guard seen.insert(endpoint).inserted else { return }
        let client = client(to: endpoint, location.target(timeout: Self.answerMax).settings)
        ask(client, ["INFO"]) { [unowned self] reply in
            guard let reply else { return noAnswer(client, at: endpoint) }
            if reply.kind == .error {
                if isThorough { found("cannot be looked at: \(Self.words(reply))", at: endpoint, isError: false) }
            } else {
                let facts = ServerFacts(reply.text)
                if facts["role"] == "slave", !seeds.isEmpty {
                    found(
                        "is a replica, which counts nothing: another of the addresses has to be its primary", at: endpoint,
                        isError: false)
                    return askForSlots(seeds)
                }
                if isRefusedSlots, facts["redis_mode"] == "cluster" {
                    return found("is of a cluster, and does not tell its slots: expected \(Self.slotsExpected)", at: endpoint)
                }
                look(at: facts, endpoint)
            }
            if isThorough { tryCounting(client, endpoint, slots) }
        }
    }

    private func look(at facts: ServerFacts, _ endpoint: RedisEndpoint) {
        switch facts["redis_mode"] {
        case "sentinel": return found("is a Sentinel, expected sentinel: { master: NAME } for the store", at: endpoint)
        case "cluster" where location.mode == .single || location.mode == .sentinel:
            found("is of a cluster, expected mode: cluster for the store", at: endpoint)
        default: break
        }
        if facts["role"] == "slave" { found("is a replica, expected a primary", at: endpoint) }
        if let policy = facts["maxmemory_policy"], policy != "noeviction", let bytes = facts["maxmemory"], bytes != "0" {
            found(
                "has maxmemory-policy \(policy): counters are lost once \(bytes) bytes are used, expected noeviction", at: endpoint,
                isError: false)
        }
        if isThorough, keepsDays, facts["aof_enabled"] == "0" {
            found(
                "has appendonly no: what limits of a day and longer have counted is lost when it is started anew", at: endpoint,
                isError: false)
        }
        if isThorough, let replicas = facts["connected_slaves"], replicas != "0", facts["min_slaves_good_slaves"] == nil {
            found(
                "has replicas, but min-replicas-to-write or min-replicas-max-lag is 0: one that a partition has cut off goes on counting",
                at: endpoint, isError: false)
        }
    }

    /// Does what counting does, on a key of its own that this server has.
    private func tryCounting(_ client: RedisClient, _ endpoint: RedisEndpoint, _ slots: (ClusterSlot) -> Bool) {
        let key = (0..<ClusterSlot.count * 4).lazy.map { "\(self.prefix):{trial-\($0)}" }.first { key in
            var key = key
            return key.withUTF8 { slots(ClusterSlot(of: UnsafeRawBufferPointer($0))) }
        }
        guard let key else { return }
        func expectDecision(_ words: [String]) {
            ask(client, words) { [unowned self] reply in
                if let reply, reply.kind != .error { return }
                guard let reply else { return noAnswer(client, at: endpoint) }
                if isRefusedSlots, reply.hasPrefix("MOVED") {
                    return found("is of a cluster, and does not tell its slots: expected \(Self.slotsExpected)", at: endpoint)
                }
                found("answers \(Self.words(reply))", at: endpoint)
            }
        }
        expectDecision(["EVAL", RedisScript.decision.text, "1", key, "r", "1000000", "1000", "1", "0"])
    }

    // MARK: Asking

    private func client(to endpoint: RedisEndpoint, _ settings: RedisSettings) -> RedisClient {
        var settings = settings
        settings.timeout = Self.answerMax
        settings.isClusterNode = true
        let client = RedisClient(settings, dialer: dialers.dialer(for: endpoint), on: loop, seed: UInt64(clients.count))
        clients.append(client)
        return client
    }

    /// - Parameter body: is given `nil` where there is no answer.
    private func ask(_ client: RedisClient, _ words: [String], _ body: @escaping (RedisReply?) -> Void) {
        let command = RESPCommand()
        for word in words { command.add(word) }
        outstanding += 1
        // The client keeps it, and may outlive us.
        let question = Question { [weak self] reply in
            guard let self, !isOver else { return }
            body(reply)
            answered()
        }
        if client.send(command, question, tag: 0, by: nil) != nil { question.body(nil) }
    }

    private final class Question: RedisReplyHandler {
        let body: (RedisReply?) -> Void
        init(_ body: @escaping (RedisReply?) -> Void) { self.body = body }
        func redisReplied(_ reply: RedisReply, to tag: UInt) { body(reply) }
        func redisFailed(_ failure: RedisFailure, for tag: UInt) { body(nil) }
    }
}

/// What INFO says: `name:value` lines.
struct ServerFacts {
    private var values: [Substring: Substring] = [:]

    init(_ text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            values[line[..<colon]] = line[line.index(after: colon)...]
        }
    }

    subscript(name: Substring) -> Substring? { values[name] }
}
