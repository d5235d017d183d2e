internal import Bridging
internal import Bytes
internal import Crypto
internal import GRPC
internal import HTTPModel
package import JOSE
internal import Metrics
internal import Random
package import RateLimit
internal import Reactor
internal import Redis
internal import Routing
internal import Sockets
internal import Telemetry
internal import Time
package import Transport

/// One worker's gateway: owns its exchanges, and joins the downstream half, the filters and the upstream half.
///
/// Everything here runs on the worker's thread, and nothing of it is seen by another.
package final class GatewayWorker {
    package let context: WorkerContext
    /// The context's own, reached at every call without counting references.
    let chunks: ChunkPool
    let timers: TimerWheel
    package let downstream = Downstream()
    let upstream = Upstream()
    private(set) lazy var mirrors = Mirrors(self)
    /// What new exchanges are served from.
    package private(set) var current: WorkerSnapshot {
        didSet { recordCurrent() }
    }
    /// `current`, and its caps, for every call: read without counting references.
    private var serving: Unmanaged<WorkerSnapshot>
    private(set) var memoryLimits: MemoryLimits
    var admission: Admission
    /// Older ones that exchanges still run on.
    private var leaving: [WorkerSnapshot] = []
    let exchanges: Slab<Exchange>
    /// One of every exchange's own, and what hedged calls have beside.
    let attempts: Slab<Attempt>
    var randomness: RandomGenerator
    let replies: ReplyWriter
    let heads = HeadCache()
    var transcoding = TranscodingScratch()
    var compression = CompressionPool()
    package let metrics: WorkerMetrics
    /// The metrics' own, reached at every call without counting references.
    let callTable: Unmanaged<CallTable>
    let shard: Unmanaged<MetricShard>
    private let activeCalls: Gauge
    let unrouted: CallGroup
    private let accessLog: AccessLogger?
    /// `accessLog`, reached at every call without counting references.
    let accessLogReference: Unmanaged<AccessLogger>?
    let authenticator: Authenticator
    private(set) var limiter: Limiter
    private var resolved = ResolvedNames()
    /// Asks for an issuer's keys anew: a token was signed with one we do not know.
    package var unknownKeySeen: ((KeySetSource) -> Void)?
    /// A method was called that an endpoint of this cluster does not have, or that its schema does not.
    package var schemaMissed: ((_ cluster: String) -> Void)?
    /// The limit store of the snapshot with this generation does not decide, or with `nil` decides again.
    package var limitStoreChanged: ((StoreTrouble?, UInt64) -> Void)?
    /// A connection was ended because of what came on it.
    package var connectionFaulted: ((ConnectionFault) -> Void)?
    /// The connection of the limit store to its service, or the addresses of its Redis: host names come to stand for others.
    private var serviceLink: ServiceLink?
    private var redisAddresses: EndpointAddresses?
    /// Probes the limit store until it has decided, and whenever it is in trouble.
    private lazy var limitStoreTimer: RepeatingTimer = RepeatingTimer(every: StoreHealth.probeInterval, on: context.loop) {
        [unowned self] in
        if !limiter.store.probe(now: now) { limitStoreTimer.stop() }
    }

    /// - Parameters:
    ///   - counters: shared by all workers, as `overload` is.
    ///   - accessLog: `nil` where none is kept.
    package init(
        context: WorkerContext, serving snapshot: Snapshot, counters: CounterRegistry, metrics: GatewayMetrics,
        accessLog: AccessLogger?, resolved: ResolvedNames, overload: OverloadMonitor = OverloadMonitor(workers: 1)
    ) {
        admission = Admission(overload)
        self.context = context
        chunks = context.chunks
        timers = context.loop.timers
        counters.join(context.loop)
        self.accessLog = accessLog
        accessLogReference = accessLog.map { .passUnretained($0) }
        self.resolved = resolved
        randomness = .seeded()
        self.metrics = WorkerMetrics(metrics, worker: context.index, seed: RandomBytes.uint64())
        callTable = .passUnretained(self.metrics.table)
        shard = .passUnretained(self.metrics.shard)
        activeCalls = self.metrics.activeCalls
        overload.register(.init(shard: self.metrics.shard, activeCalls: activeCalls))
        unrouted = metrics.unrouted
        replies = ReplyWriter()
        authenticator = Authenticator()
        limiter = Limiter(store: MemoryStore(), generation: snapshot.generation)
        current = WorkerSnapshot(snapshot, clusters: [], limiter: limiter)
        serving = .passUnretained(current)
        memoryLimits = snapshot.memory
        let attempts = Slab<Attempt>(
            recordsPerBlock: 16,
            prepare: { record in
                let timer = UnsafeMutablePointer<TimerNode>.allocate(capacity: 1)
                timer.initialize(
                    to: TimerNode(context: UnsafeMutableRawPointer(record)) { context in
                        let attempt = context!.assumingMemoryBound(to: Attempt.self)
                        attempt.pointee.exchange!.pointee.worker!._withUnsafeGuaranteedRef { $0.upstream.trials.timeIsUp(attempt) }
                    })
                record.initialize(to: Attempt(timer: timer))
            },
            dispose: { record in
                record.pointee.timer.deinitialize(count: 1)
                record.pointee.timer.deallocate()
                record.deinitialize(count: 1)
            })
        self.attempts = attempts
        exchanges = Slab(
            recordsPerBlock: 16,
            prepare: { record in
                let timer = UnsafeMutablePointer<TimerNode>.allocate(capacity: 1)
                timer.initialize(
                    to: TimerNode(context: UnsafeMutableRawPointer(record)) { context in
                        let exchange = context!.assumingMemoryBound(to: Exchange.self)
                        exchange.pointee.worker!._withUnsafeGuaranteedRef { $0.deadlinePassed(exchange) }
                    })
                record.initialize(to: Exchange(timer: timer, attempt: attempts.take()))
                record.pointee.attempt.pointee.exchange = record
            },
            dispose: { record in
                record.pointee.timer.deinitialize(count: 1)
                record.pointee.timer.deallocate()
                record.deinitialize(count: 1)
            })
        // Connections may outlive it.
        context.connectionFaulted = { [weak self, shard = self.metrics.shard] fault in
            shard.add(metrics.counter(fault))
            self?.connectionFaulted?(fault)
        }
        downstream.worker = .passUnretained(self)
        upstream.reference = .passUnretained(self)
        adopt(snapshot)
    }

    var now: Instant { context.loop.now }

    /// Exchanges that are not over.
    package var exchangeCount: Int { exchanges.liveCount }

    // MARK: Snapshots

    /// Serves new exchanges from `snapshot`; those that run finish on theirs. Clusters that did not change stay as they are.
    package func adopt(_ snapshot: Snapshot) {
        var kept: [String: Cluster] = [:]
        for cluster in current.clusters { kept[cluster.plan.name] = cluster }
        let clusters = snapshot.clusters.map { plan in
            if let cluster = kept[plan.name], cluster.adopt(plan, resolved) { return cluster }
            return Cluster(
                plan, seed: randomness.next(), resolved: resolved, context: context, client: upstream)
        }
        if snapshot.store != current.snapshot.store || snapshot.generation == current.snapshot.generation {
            limiter = makeLimiter(snapshot.store, generation: snapshot.generation)
            limiter.worker = self
            // Nothing is known of it yet.
            metrics.shard.set(metrics.limitStoreDown, to: 0)
            limitStoreTimer.start(after: .zero)
        }
        // Only schemas differ: tokens that were verified stay so.
        let isSameConfiguration = snapshot.rules === current.snapshot.rules && snapshot.generation != current.snapshot.generation
        if !isSameConfiguration { authenticator.adopt(snapshot) }
        transcoding.idle.removeAll()
        metrics.table.adoptKnown()
        heads.forgetRoutes()
        leaving.append(current)
        current = WorkerSnapshot(snapshot, clusters: clusters, limiter: limiter)
        retireLeft()
    }

    /// Makes what the limits say of the store known: once a change.
    func limitStoreChanged(_ trouble: StoreTrouble?, of limiter: Limiter) {
        guard limiter === self.limiter else { return }
        metrics.shard.set(metrics.limitStoreDown, to: trouble == nil ? 0 : 1)
        if trouble != nil { limitStoreTimer.start() }
        limitStoreChanged?(trouble, limiter.generation)
    }

    private func makeLimiter(_ plan: StorePlan, generation: UInt64) -> Limiter {
        let memory = MemoryStore()
        serviceLink = nil
        redisAddresses = nil
        switch plan.location {
        case .memory: return Limiter(store: memory, generation: generation)
        case .redis(let redis):
            let addresses = EndpointAddresses(redis.endpoint, resolved: resolved)
            redisAddresses = addresses
            let dialer = Dialer(
                addresses, tls: redis.tls?.securing(redis.endpoint.host), on: context.loop, scratch: context.scratch)
            var settings = RedisSettings()
            settings.user = redis.user
            settings.password = redis.password
            settings.database = redis.database
            settings.timeout = plan.timeout
            let client = RedisClient(settings, dialer: dialer, on: context.loop, seed: randomness.next())
            let store = RedisStore(
                client, fallback: memory, whenUnavailable: plan.whenUnavailable, prefix: plan.domain)
            return Limiter(store: store, generation: generation) { client.close() }
        case .service(let endpoint, let authority, let tls):
            let link = ServiceLink(
                endpoint, authority: authority, tls: tls, timeout: plan.timeout, resolved: resolved, context: context)
            serviceLink = link
            let store = ServiceStore(plan, link: link, fallback: memory, context: context)
            return Limiter(store: store, generation: generation) { [unowned store] in store.shutDown() }
        }
    }

    /// Takes what host names stand for now into service.
    package func resolve(_ names: ResolvedNames) {
        resolved = names
        serviceLink?.resolve(names)
        redisAddresses?.resolved = names
        forEachCluster { $0.resolve(names) }
    }

    /// Takes what is known of the health of a cluster's endpoints now.
    package func refresh(cluster name: String) {
        forEachCluster { if $0.plan.name == name { $0.refresh() } }
    }

    /// Each once, those of leaving snapshots too.
    private func forEachCluster(_ body: (Cluster) -> Void) {
        var seen: Set<ObjectIdentifier> = []
        for snapshot in leaving + [current] {
            for cluster in snapshot.clusters where seen.insert(ObjectIdentifier(cluster)).inserted { body(cluster) }
        }
    }

    private func recordCurrent() {
        serving = .passUnretained(current)
        memoryLimits = current.snapshot.memory
        admission.adopt(current.snapshot.overload, memoryLimits)
    }

    /// Lets go of the snapshots that no exchange runs on any more.
    private func retireLeft() {
        let done = leaving.filter { isOver($0) }
        guard !done.isEmpty else { return }
        leaving.removeAll { isOver($0) }
        let inUse = Set((leaving + [current]).flatMap { $0.clusters }.map { ObjectIdentifier($0) })
        for cluster in done.flatMap({ $0.clusters }) where !inUse.contains(ObjectIdentifier(cluster)) {
            cluster.retire()
        }
        for snapshot in done where !(leaving + [current]).contains(where: { $0.limiter === snapshot.limiter }) {
            snapshot.limiter.retire()
        }
    }

    /// No exchange runs on it, and no store of its own will still come back with an answer.
    private func isOver(_ snapshot: WorkerSnapshot) -> Bool {
        snapshot.exchangeCount == 0 && (snapshot.limiter === limiter || snapshot.limiter.outstandingCount == 0)
    }

    /// Takes keys that were fetched into service.
    package func setKeys(_ keys: KeySet, from source: KeySetSource) { authenticator.setKeys(keys, from: source) }

    // MARK: Exchanges

    func take(_ stream: StreamPointer) -> ExchangePointer {
        let exchange = exchanges.take()
        exchange.pointee.begin(on: stream, at: now, worker: Unmanaged.passUnretained(self))
        exchange.pointee.snapshot = serving
        serving._withUnsafeGuaranteedRef { $0.exchangeCount += 1 }
        shard._withUnsafeGuaranteedRef { $0.adjust(activeCalls, by: 1) }
        stream.pointee.context = UnsafeMutableRawPointer(exchange)
        return exchange
    }

    /// The downstream stream is no more, and so the exchange: whatever it still holds is given back.
    func end(_ exchange: ExchangePointer, _ reason: StreamClose) {
        if exchange.pointee.phase != .over || wasCutOff(exchange, reason) { abandoned(exchange, reason) }
        upstream.cancel(exchange)
        if let request = exchange.pointee.limitRequest { request._withUnsafeGuaranteedRef { $0.abandon() } }
        record(exchange)
        shard._withUnsafeGuaranteedRef { $0.adjust(activeCalls, by: -1) }
        exchange.pointee.phase = .over
        timers.disarm(exchange.pointee.timer)
        exchange.pointee.downstream!.pointee.context = nil
        let snapshot = exchange.pointee.snapshot!
        exchange.pointee.endpoint?._withUnsafeGuaranteedRef { $0.release() }
        if let bridge = exchange.pointee.bridge { giveBack(bridge) }
        exchange.pointee.finish(pool: chunks)
        exchanges.give(exchange)
        snapshot._withUnsafeGuaranteedRef { $0.exchangeCount -= 1 }
        if !leaving.isEmpty { retireLeft() }
    }

    /// Ends every call that runs, as well as it can be told.
    package func endAll() {
        exchanges.forEachRecord { exchange in
            guard exchange.pointee.downstream != nil, exchange.pointee.phase != .over else { return }
            fail(exchange, .shuttingDown)
        }
    }

    /// The answer was complete, and not all of it had left when the stream ended.
    private func wasCutOff(_ exchange: ExchangePointer, _ reason: StreamClose) -> Bool {
        guard reason != .complete, exchange.pointee.outcome.flag.utf8CodeUnitCount == 0 else { return false }
        return exchange.pointee.downstream!.pointee.flags.isDisjoint(with: [.localEnded, .resetSent])
    }

    /// The caller went away before the answer was complete.
    private func abandoned(_ exchange: ExchangePointer, _ reason: StreamClose) {
        let (flag, detail): (StaticString, StaticString) =
            switch reason {
            case .limitExceeded: ("DPE", "downstream_limit_exceeded")
            case .malformed: ("DPE", "downstream_protocol_error")
            case .connectionLost: ("DC", "downstream_disconnect")
            case .complete, .reset, .unprocessed: ("DR", "downstream_remote_reset")
            }
        exchange.pointee.outcome.flag = flag
        exchange.pointee.outcome.detail = detail
        switch exchange.pointee.outcome.grpcStatus {
        case nil, .ok: exchange.pointee.outcome.grpcStatus = .cancelled
        default: break
        }
    }
}
