internal import Bridging
internal import Bytes
internal import Crypto
package import Filters
internal import GRPC
internal import HTTPModel
package import JOSE
internal import Metrics
internal import Random
package import RateLimit
internal import Reactor
package import Redis
internal import Routing
package import Snapshots
internal import Sockets
internal import Telemetry
internal import Time
package import Transport
package import Upstreams

/// One worker's gateway: owns its calls, and joins the downstream half, the filters and the upstream half.
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
    /// What new calls are served from.
    package private(set) var current: WorkerSnapshot {
        didSet { recordCurrent() }
    }
    /// `current`, and its caps, for every call: read without counting references.
    private(set) var serving: Borrowed<WorkerSnapshot>
    private(set) var memoryLimits: MemoryLimits
    /// Older ones that calls still run on.
    private var draining: [(snapshot: WorkerSnapshot, limiter: Limiter)] = []
    let calls: CallManager
    /// One of every call's own, and what hedged calls have beside.
    let attempts: Slab<Attempt>
    let replies: ReplyWriter
    let resolver = Resolver()
    private let ownBridges = Bridges()
    /// Reached at every event of a converted call without counting references.
    let bridges: Borrowed<Bridges>
    package let metrics: WorkerMetrics
    /// The metrics' own, reached at every call without counting references.
    let callTable: Borrowed<CallTable>
    let shard: Borrowed<MetricShard>
    private let accessLog: AccessLogger?
    /// `accessLog`, reached at every call without counting references.
    private let counters: CounterRegistry
    let accessLogReference: Borrowed<AccessLogger>?
    let filters: FilterChain
    private var resolved = ResolvedNames()
    /// Asks for an issuer's keys anew: a token was signed with one we do not know.
    package var unknownKeySeen: ((KeySetSource) -> Void)? {
        get { filters.authentication.unknownKeySeen }
        set { filters.authentication.unknownKeySeen = newValue }
    }
    /// A method was called that an endpoint of this cluster does not have, or that its schema does not.
    package var schemaMissed: ((_ cluster: String) -> Void)?
    /// The limit store of the snapshot with this generation does not decide, or with `nil` decides again.
    package var limitStoreChanged: ((StoreTrouble?, UInt64) -> Void)?
    /// A connection was ended because of what came on it.
    package var connectionFaulted: ((ConnectionFault) -> Void)?
    /// A state machine received an event that its state does not allow.
    package var internalErrorSeen: ((_ text: String) -> Void)?
    /// The connections of the limit store, and the hosts of its Redis: names come to stand for others, and passwords change.
    private var serviceLink: ServiceLink?
    private var storeHosts: StoreHosts?
    private var redis: (any RedisConnector)?
    /// A store that is a cluster, or has Sentinels, has told of a host by this name.
    package var storeHostSeen: ((_ name: String) -> Void)?
    /// Probes the limit store until it has decided, and whenever it is in trouble.
    private lazy var limitStoreTimer: RepeatingTimer = RepeatingTimer(every: StoreHealth.probeInterval, on: context.loop) {
        [unowned self] in
        if !limiter.store.probe(now: now) { limitStoreTimer.stop() }
    }
    private lazy var leaseTimer: RepeatingTimer = RepeatingTimer(every: CounterLeases.sweepInterval, on: context.loop) {
        [unowned self] in
        if !limiter.store.sweepLeases() { leaseTimer.stop() }
    }

    /// - Parameters:
    ///   - counters: shared by all workers, as `overload` is.
    ///   - accessLog: `nil` where none is kept.
    package init(
        context: WorkerContext, serving snapshot: Snapshot, counters: CounterRegistry, metrics: GatewayMetrics,
        accessLog: AccessLogger?, resolved: ResolvedNames, overload: OverloadMonitor = OverloadMonitor(workers: 1)
    ) {
        self.context = context
        chunks = context.chunks
        timers = context.loop.timers
        counters.join(context.loop)
        self.counters = counters
        self.accessLog = accessLog
        accessLogReference = accessLog.map { Borrowed($0) }
        self.resolved = resolved
        self.metrics = WorkerMetrics(metrics, worker: context.index, seed: RandomBytes.uint64())
        callTable = Borrowed(self.metrics.table)
        shard = Borrowed(self.metrics.shard)
        overload.register(.init(shard: self.metrics.shard, activeCalls: self.metrics.activeCalls))
        replies = ReplyWriter()
        bridges = Borrowed(ownBridges)
        let limiter = Limiter(store: MemoryStore(), generation: snapshot.generation)
        current = WorkerSnapshot(snapshot, clusters: [])
        serving = Borrowed(current)
        memoryLimits = snapshot.memory
        let attempts = Slab<Attempt>(
            recordsPerBlock: 16,
            makeValue: { [unowned upstream] record in
                Attempt(
                    timer: RecordTimer(of: record.opaque) { upstream.timeIsUp(Record<Attempt>(opaque: $0)) }, owner: upstream)
            },
            dispose: { $0.timer.deallocate() })
        self.attempts = attempts
        calls = CallManager(
            context, attempts: attempts, noCall: NoCall(calls: metrics.unrouted), activeCalls: self.metrics.activeCalls)
        let admission = Admission(overload, chunks: chunks, calls: calls.records, metrics: self.metrics)
        let services = FilterServices(context, metrics: self.metrics, admission: admission)
        filters = FilterChain(services, limiter: limiter)
        // Connections may outlive it.
        context.connectionFaulted = { [weak self, shard = self.metrics.shard] fault in
            shard.add(metrics.counter(fault))
            self?.connectionFaulted?(fault)
        }
        calls.bind(to: self)
        services.bind(to: calls)
        downstream.bind(to: self)
        upstream.bind(to: self)
        ownBridges.bind(to: self)
        adopt(snapshot)
    }

    private var limiter: Limiter { filters.limits.limiter }

    var now: Instant { context.loop.now }

    /// Calls that are not over.
    package var callCount: Int { calls.records.liveCount }

    // MARK: Snapshots

    /// Serves new calls from `snapshot`; those that run finish on theirs. Clusters that did not change stay as they are.
    package func adopt(_ snapshot: Snapshot) {
        var kept: [String: Cluster] = [:]
        for cluster in current.clusters { kept[cluster.plan.name] = cluster }
        let clusters = snapshot.clusters.map { plan in
            if let cluster = kept[plan.name], cluster.adopt(plan, resolved) { return cluster }
            return Cluster(plan, seed: context.random.next(), resolved: resolved, context: context) { [unowned upstream] in
                upstream.count(.upstreamPingTimeout)
            }
        }
        let former = limiter
        if snapshot.generation == current.snapshot.generation || !snapshot.store.isServed(byConnectionsOf: current.snapshot.store) {
            let limiter = makeLimiter(snapshot.store, generation: snapshot.generation)
            limiter.storeChanged = { [unowned self, unowned limiter] in limitStoreChanged($0, of: limiter) }
            limiter.leased = { [unowned self] in leaseTimer.start() }
            former.store.endLeases()
            limiter.storeReleased = { [unowned self] in retireSnapshots() }
            filters.limits.limiter = limiter
            // Nothing is known of it yet.
            metrics.shard.set(metrics.limitStoreDown, to: 0)
            limitStoreTimer.start(after: .zero)
        } else if case .redis(let store, _) = snapshot.store.location, snapshot.store != current.snapshot.store {
            renewStorePasswords(store.passwords)
        }
        // Only schemas differ: tokens that were verified stay so.
        let isSameConfiguration = snapshot.rules === current.snapshot.rules && snapshot.generation != current.snapshot.generation
        if !isSameConfiguration { filters.authentication.adopt(snapshot) }
        ownBridges.dropPairs()
        metrics.table.adoptKnown()
        resolver.invalidateRoutes()
        draining.append((current, former))
        current = WorkerSnapshot(snapshot, clusters: clusters)
        retireDrained()
    }

    /// The process is to end: what is leased of limits is given back.
    package func endLeases() { limiter.store.endLeases() }

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
        storeHosts = nil
        redis = nil
        switch plan.location {
        case .memory: return Limiter(store: memory, generation: generation)
        case .redis(let location, let tls):
            let hosts = StoreHosts(tls, resolved: resolved, context: context) { [unowned self] in storeHostSeen?($0) }
            storeHosts = hosts
            let redis = location.target(timeout: plan.timeout).connect(
                through: hosts, on: context.loop, seed: context.random.next())
            self.redis = redis
            let store = RedisStore(
                redis, fallback: memory, whenUnavailable: plan.whenUnavailable, prefix: plan.domain, lease: plan.lease,
                id: UInt32(truncatingIfNeeded: context.random.next()), heartbeatTimeout: plan.heartbeatTimeout, on: context.loop)
            store.processes = { [counters] in counters.processCount }
            // Its connections may ask for their hosts as long as it lives.
            return Limiter(store: store, generation: generation) { withExtendedLifetime(hosts) { redis.close() } }
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
        storeHosts?.resolved = names
        forEachCluster { $0.resolve(names) }
    }

    /// Takes passwords of the limit store's that have changed into service.
    package func renewStorePasswords(_ passwords: RedisPasswords) { redis?.renew(passwords) }

    /// Takes what is known of the health of a cluster's endpoints now.
    package func refresh(cluster name: String) {
        forEachCluster { if $0.plan.name == name { $0.refresh() } }
    }

    /// Each once, those of draining snapshots too.
    private func forEachCluster(_ body: (Cluster) -> Void) {
        var seen: Set<ObjectIdentifier> = []
        for snapshot in draining.map(\.snapshot) + [current] {
            for cluster in snapshot.clusters where seen.insert(ObjectIdentifier(cluster)).inserted { body(cluster) }
        }
    }

    private func recordCurrent() {
        serving = Borrowed(current)
        memoryLimits = current.snapshot.memory
        filters.services.admission.adopt(current.snapshot.overload, memoryLimits)
        chunks.setLimit(memoryLimits.workerBytesMax)
    }

    /// Lets go of the snapshots that no call runs on any more.
    @inline(__always)
    func retireSnapshots() { if !draining.isEmpty { retireDrained() } }

    private func retireDrained() {
        let done = draining.filter { isOver($0.snapshot, $0.limiter) }
        guard !done.isEmpty else { return }
        draining.removeAll { isOver($0.snapshot, $0.limiter) }
        let inUse = Set((draining.map(\.snapshot) + [current]).flatMap { $0.clusters }.map { ObjectIdentifier($0) })
        for cluster in done.flatMap({ $0.snapshot.clusters }) where !inUse.contains(ObjectIdentifier(cluster)) {
            cluster.retire()
        }
        for (_, old) in done where old !== limiter && !draining.contains(where: { $0.limiter === old }) {
            old.retire()
        }
    }

    /// No call runs on it, and no store of its own will still come back with an answer.
    private func isOver(_ snapshot: WorkerSnapshot, _ old: Limiter) -> Bool {
        snapshot.callCount == 0 && (old === limiter || old.isIdle)
    }

    /// Takes keys that were fetched into service.
    package func setKeys(_ keys: KeySet, from source: KeySetSource) { filters.authentication.setKeys(keys, from: source) }

    /// A method was called that is not there: perhaps the cluster has another schema by now.
    func methodMissed(_ call: Record<Call>) {
        guard call.isRouted, call.route.leadsToCluster else { return }
        call.cluster { cluster in
            if cluster.missesMethod() { schemaMissed?(cluster.plan.name) }
        }
    }

    /// Takes what operators have done about tenants into service, and ends the running calls of those that are blocked.
    package func adopt(_ tenants: TenantTable) {
        filters.services.adopt(tenants)
        if tenants.hasBlocks { calls.endBlocked() }
    }

    /// What tenants have used of their limits.
    package var usage: UsageRecorder { filters.limits.usage }

    /// Counters have been reset.
    package func forget(_ counter: CounterName) {
        let request = LimitRequest(keepsValues: true)
        counter.fill(request)
        MemoryStore().forget(request)
        limiter.store.forget(request.counter(at: 0))
    }

    /// What the whole process takes of the machine's memory has come nearer to its limit, or gone farther from it.
    package func setResidentPressure(_ pressure: Pressure) { filters.services.admission.setResident(pressure) }

    /// Ends every call that runs, as well as it can be told.
    package func endAll() { calls.endAll() }
}
