internal import Balancing
package import Config
internal import Crypto
internal import Filters
internal import Gateway
package import GatewayModel
internal import Glibc
internal import HTTPModel
internal import Metrics
internal import QuotaService
internal import Random
internal import RateLimit
internal import Reactor
internal import Schemas
internal import Snapshots
internal import TLS
internal import Telemetry
internal import Time
internal import Transport
internal import Upstreams

/// Where a configuration comes from: only the executable knows files and environment.
package struct ConfigurationSource {
    package var read: () -> ConfigurationReading<GatewayConfiguration>
    package var readFile: (String) -> Result<[UInt8], FileFailure>
    /// NOTIFY_SOCKET: where the service manager hears of the process.
    package var serviceManager: String?

    package init(
        read: @escaping () -> ConfigurationReading<GatewayConfiguration>,
        readFile: @escaping (String) -> Result<[UInt8], FileFailure>, serviceManager: String? = nil
    ) {
        self.read = read
        self.readFile = readFile
        self.serviceManager = serviceManager
    }
}

/// `martlet serve`: the workers, and the control thread that starts, changes and ends them.
///
///     starting ──listeners open──▶ serving ──SIGTERM──▶ leaving ──no connection left, or time is up──▶ ended
///
/// Runs on the main thread, on a loop of its own: signals, the admin address, key sets and host names are its business, so
/// that no worker ever waits for them.
package final class GatewayProcess {
    private let source: ConfigurationSource
    private let diagnostics: Diagnostics
    private var configuration: GatewayConfiguration
    /// Where the parts of it were written.
    private var places: PlaceIndex
    private var generation: UInt64 = 1
    private let loop: EventLoop
    private let context: WorkerContext
    private let manager: ServiceManager?
    private let maker: SnapshotMaker
    private let ticketKeys: TicketKeys
    private let counters: CounterRegistry
    private let counterWatch: CounterWatch
    private let metrics: GatewayMetrics
    private let schemas: SchemaStore
    private let schemaHints: SchemaHints
    private let schemaRefresher: SchemaRefresher
    private let monitor: HealthMonitor
    private let log: AccessLogWatch
    private let descriptors: DescriptorWatch
    private let connectionCounts: ConnectionCounts
    private let hints: KeyHints
    private let storeWatch: StoreWatch
    private let storePasswords: StorePasswords
    private let storeInspections: StoreInspections
    private let quotas: QuotaManager
    private let usageReports: UsageReports
    private let quotaStore: QuotaStore
    private let group: WorkerGroup<ServingWorker>
    private let listeners: ProcessListeners<ServingWorker>
    private var phase = Phase.starting
    private var signals: SignalSource?
    private let relay: SignalRelay
    private var admin: Admin?
    private var watch: RepeatingTimer?
    private var shutdown: GracefulShutdown<ServingWorker>?
    private var watched: FileWatch
    private var names: NameRefresher?
    private var keys: KeySetRefresher?
    private let resolver: NameResolver
    /// What host names stand for.
    private var resolved = ResolvedNames()
    private let sought: SoughtNames
    private let memoryWatch: MemoryWatch
    private let heapRelease: HeapRelease
    private var codeRelease: CodeRelease?
    private var awaited = Awaited()
    /// Some issuer has had keys, or none is configured. It stays so: a reload takes no readiness away.
    private var hasKeys = false
    private var reloads = ReloadQueue()
    private var currentSnapshot: Snapshot?

    package enum Phase: Sendable { case starting, serving, leaving }

    /// Reads and builds everything, starts the workers, opens the listeners.
    package init(_ source: ConfigurationSource, diagnostics: Diagnostics) throws {
        self.source = source
        self.diagnostics = diagnostics
        let loop = try EventLoop()
        self.loop = loop
        // Before anything that takes its time, and before any other thread: they inherit what is blocked.
        let relay = SignalRelay()
        self.relay = relay
        signals = try ProcessSignals.listen(ProcessSignals.all, on: loop) { relay.hear($0) }
        manager = ServiceManager(socket: source.serviceManager, on: loop, diagnostics: diagnostics)
        let reading = source.read()
        diagnostics.report(reading.issues)
        guard let configuration = reading.value else { throw StartFailure(message: "the configuration has mistakes") }
        self.configuration = configuration
        places = reading.places
        context = WorkerContext(index: -1, loop: loop)
        ticketKeys = TicketKeys(now: loop.now)
        counters = CounterRegistry(pool: configuration.rateLimits.counters)
        counterWatch = CounterWatch(counters, on: loop, diagnostics: diagnostics)
        metrics = GatewayMetrics(registry: MetricRegistry())
        watched = FileWatch()
        let schemas = SchemaStore()
        self.schemas = schemas
        maker = SnapshotMaker(
            readFile: source.readFile, loop: loop, counters: counters, ticketKeys: ticketKeys, metrics: metrics,
            clusters: ClusterRegistry(), schemas: schemas)
        var outcome: SnapshotMaker.Outcome?
        maker.make(configuration, writtenAt: places, generation: generation, watching: watched) { outcome = $0 }
        while outcome == nil, !relay.isEnding { loop.tick(wait: true) }
        guard let (built, mistakes) = outcome else {
            maker.stop()
            throw StartFailure(message: "told to end before it was ready")
        }
        let problems = mistakes + PlaceCheck.issues(of: configuration, places)
        diagnostics.report(problems)
        guard let product = built, !problems.hasErrors else { throw StartFailure(message: "the configuration has mistakes") }

        let workerCount = configuration.workers ?? Processors.available
        let log = try AccessLogWatch(configuration.accessLog, workers: workerCount, diagnostics: diagnostics)
        self.log = log
        descriptors = DescriptorWatch(diagnostics: diagnostics)
        let connectionCounts = ConnectionCounts(workers: workerCount)
        self.connectionCounts = connectionCounts
        let (counters, metrics, sink) = (counters, metrics, log.sink)
        let sought = SoughtNames(configuration.resolver)
        self.sought = sought
        let resolver = NameResolver(on: loop, scratch: context.scratch) {
            NameFiles.source(sought.configuration, readFile: source.readFile)
        }
        self.resolver = resolver
        let names = NameRefresher(lookup: resolver, loop: loop) { diagnostics.log($0) }
        names.keep(NameRefresher.names(in: product.snapshot))
        Self.wait(for: names, unless: relay, on: loop)
        let resolved = names.resolved
        self.resolved = resolved
        monitor = HealthMonitor(context: context, seed: RandomBytes.uint64())
        schemaRefresher = SchemaRefresher(store: schemas, context: context, seed: RandomBytes.uint64()) { diagnostics.log($0) }
        let schemaHints = SchemaHints(mailbox: loop.mailbox)
        schemaHints.refresher = schemaRefresher
        self.schemaHints = schemaHints
        self.names = names
        let snapshot = product.snapshot
        currentSnapshot = snapshot
        let hints = KeyHints(mailbox: loop.mailbox)
        self.hints = hints
        let storeWatch = StoreWatch(
            StoreWatch.Subject(snapshot.store), generation: snapshot.generation, mailbox: loop.mailbox, diagnostics: diagnostics)
        self.storeWatch = storeWatch
        storePasswords = StorePasswords(readFile: source.readFile) { diagnostics.log($0) }
        storePasswords.keep(configuration.rateLimits.store)
        storeInspections = StoreInspections(context, readFile: source.readFile) { diagnostics.log($0) }
        storeInspections.inspect(InspectedStore(snapshot.store, lookingUp: configuration.resolver))
        quotas = QuotaManager(
            on: loop, random: { [context] in context.random.next() }, counters: counters, audit: .init(diagnostics)
        ) {
            diagnostics.log($0)
        }
        quotaStore = QuotaStore(quotas, counters: counters, context: context, readFile: source.readFile)
        quotaStore.passwordRefused = { diagnostics.log(StorePasswords.refusal(of: $0, $1)) }
        let storeHosts = HostHints(mailbox: loop.mailbox, refresher: names)
        let faultWatch = FaultWatch(mailbox: loop.mailbox, diagnostics: diagnostics)
        let usageReports = UsageReports(quotas, mailbox: loop.mailbox)
        self.usageReports = usageReports
        let overload = OverloadMonitor(workers: workerCount)
        memoryWatch = MemoryWatch(limit: snapshot.overload.memory, on: loop)
        heapRelease = HeapRelease(on: loop)
        group = try WorkerGroup(count: workerCount) { context in
            let gateway = GatewayWorker(
                context: context, serving: snapshot, counters: counters, metrics: metrics,
                accessLog: AccessLogger(ring: sink.ring(context.index), loop: context.loop), resolved: resolved,
                overload: overload)
            hints.attach(to: gateway, on: context.loop)
            schemaHints.attach(to: gateway)
            faultWatch.attach(to: gateway)
            usageReports.attach(to: gateway)
            let worker = context.index
            gateway.limitStoreChanged = { storeWatch.report($0, worker: worker, generation: $1) }
            gateway.storeHostSeen = { storeHosts.seen($0) }
            return ServingWorker(gateway: gateway, context: context, connectionCounts: connectionCounts)
        }
        listeners = ProcessListeners(group, diagnostics: diagnostics)
        relay.handler = { [unowned self] in received(signal: $0) }
        try listeners.adopt(product.listeners)
        admin = try Admin.open(
            configuration.admin, registry: metrics.registry, lost: { log.linesLost }, context: context)
        admin?.clusters = { [unowned self] in
            ClusterReport(
                currentSnapshot?.clusters ?? [], names: self.resolved, troubles: self.names?.troubles ?? [:], schemas: schemas)
        }
        admin?.moreFamilies = { [counterWatch, quotas] in counterWatch.families + quotas.families }
        admin?.quotas = AdminQuotas(quotas, context: context)
        diagnostics.log("admin address=\(admin!.address)")
    }

    /// Before anything is served, but not for ever: what is not known by then comes later.
    private static func wait(for names: NameRefresher, unless relay: SignalRelay, on loop: EventLoop) {
        var isOver = false
        let timer = Timer(on: loop) { isOver = true }
        timer.arm(after: .seconds(5))
        while !isOver, !names.isSettled, relay.early.isEmpty { loop.tick(wait: true) }
    }

    // MARK: Running

    /// Serves until it is told to end. Returns the exit status.
    package func run() -> Int32 {
        names?.changed = { [unowned self] names in
            resolved = names
            group.postToAll { $0.gateway.resolve(names) }
            monitor.resolve(names)
            schemaRefresher.resolve(names)
        }
        monitor.changed = { [unowned self] name in group.postToAll { $0.gateway.refresh(cluster: name) } }
        if let snapshot = currentSnapshot { monitor.keep(snapshot.clusters, names: resolved) }
        watch = RepeatingTimer(every: .seconds(1), on: loop) { [unowned self] in
            let changed = watched.changed()
            if !changed.isEmpty { reload(Reload(rereading: false, changed: changed)) }
            if let store = storePasswords.changed() { renew(store) }
            _ = ticketKeys.rotate(now: loop.now)
            log.look()
            descriptors.look()
        }
        counterWatch.start()
        keepQuotas()
        keepSchemas()
        memoryWatch.changed = { [unowned self] pressure in group.postToAll { $0.gateway.setResidentPressure(pressure) } }
        memoryWatch.start()
        keepKeys()
        for signal in relay.early { received(signal: signal) }
        loop.run()
        maker.stop()
        monitor.stop()
        schemaRefresher.stop()
        group.runOnAll { $0.gateway.usage.gather() }
        usageReports.take()
        quotas.settle(within: .seconds(1))
        group.stop()
        log.stop()
        return 0
    }

    /// Connections that are open are told too. What is configured is the same: another snapshot is not needed.
    private func renew(_ store: RedisLocation) {
        configuration.rateLimits.store = .redis(store)
        group.postToAll { $0.gateway.renewStorePasswords(store.passwords) }
        quotaStore.renew(store.passwords)
    }

    /// Workers take what is done about tenants into service, with the limits of the configuration that they serve.
    private func keepQuotas() {
        quotas.tableChanged = { [unowned self] table in group.postToAll { $0.gateway.adopt(table) } }
        quotas.counterReset = { [unowned self] counter in group.postToAll { $0.gateway.forget(counter) } }
        quotas.keeper.settled = { [unowned self] in settled(\.acts) }
        if let snapshot = currentSnapshot { quotaStore.adopt(snapshot, lookingUp: configuration.resolver) }
    }

    /// Workers take a schema that was told into service by itself.
    private func keepSchemas() {
        schemaRefresher.changed = { [unowned self] cluster, plan in
            guard let snapshot = currentSnapshot else { return }
            generation += 1
            let next = snapshot.with(plan, of: cluster, generation: generation)
            group.postToAll { $0.gateway.adopt(next) }
            for conflict in next.schemaConflicts { diagnostics.log("warning: \(conflict)") }
            for issue in next.unknownNames(in: configuration, writtenAt: places, of: cluster) { diagnostics.log("\(issue)") }
            currentSnapshot = next
        }
        schemaRefresher.settled = { [unowned self] in settled(\.schemas) }
        if let snapshot = currentSnapshot { schemaRefresher.keep(snapshot.clusters, names: resolved) }
    }

    /// Ready when every key set, every schema and the list of acts have come or failed: until then good tokens and calls would be turned away,
    /// and blocked tenants let in.
    private func settled(_ what: WritableKeyPath<Awaited, Bool>) {
        awaited[keyPath: what] = false
        guard phase == .starting, !awaited.keys, !awaited.schemas, !awaited.acts else { return }
        enter(.serving)
        if !hasKeys { diagnostics.log("serving, but /ready answers 503: \(Self.noKeys)") }
        diagnostics.log("ready")
        codeRelease = CodeRelease(on: loop)
        manager?.notify(.ready, status: "serving generation=\(generation)")
    }

    private struct Awaited {
        var keys = true
        var schemas = true
        var acts = true
    }

    private func keepKeys() {
        let refresher = KeySetRefresher(
            context: context, resolver: resolver, diagnostics: diagnostics, random: .seeded())
        refresher.fetched = { [unowned self] keys, source in
            group.postToAll { $0.gateway.setKeys(keys, from: source) }
            let hadNone = !hasKeys
            updateReadiness()
            if hadNone, hasKeys, phase == .serving { diagnostics.log("/ready answers 200: an issuer's keys have been fetched") }
        }
        refresher.settled = { [unowned self] in settled(\.keys) }
        hints.refresher = refresher
        keys = refresher
        if let snapshot = currentSnapshot { refresher.keep(snapshot.keySetSources) }
    }

    private func enter(_ phase: Phase) {
        self.phase = phase
        updateReadiness()
    }

    private static let noKeys = "no issuer's keys have been fetched yet"

    /// While no issuer has keys every token would be rejected, so the process is not ready. One issuer with keys is enough: its
    /// callers do not depend on the others.
    private func updateReadiness() {
        let issuers = currentSnapshot?.authentication?.issuers ?? []
        hasKeys =
            hasKeys || issuers.isEmpty
            || issuers.contains { $0.keys != nil || $0.source.map { keys?.hasKeys(of: $0) == true } == true }
        admin?.isReady = phase == .serving && hasKeys
        admin?.notReadyReason = phase == .serving ? Self.noKeys : nil
    }

    // MARK: Changes

    private func received(signal: Int32) {
        switch signal {
        case SIGHUP: reload(Reload(rereading: true))
        case SIGUSR1: if log.open(configuration.accessLog) { diagnostics.log("access log opened anew") }
        default:
            if let shutdown { return shutdown.forceNow() }
            enter(.leaving)
            quotaStore.presence.leave()
            manager?.notify(.stopping, status: "leaving: running calls finish")
            shutdown = GracefulShutdown(
                configuration.drain, group: group, connectionCounts: connectionCounts, loop: loop, diagnostics: diagnostics)
        }
    }

    /// A bad configuration changes nothing and says why. One reload after the other: what is asked for meanwhile comes next.
    private func reload(_ reload: Reload) {
        guard phase != .leaving else { return }
        if reload.rereading, phase == .serving { manager?.notify(.reloading, status: "reading the configuration") }
        guard reloads.begin(reload) else { return }
        var (wanted, places) = (configuration, places)
        if reload.rereading {
            let reading = source.read()
            diagnostics.report(reading.issues)
            guard let read = reading.value else {
                return reloaded("reload refused: the configuration in service stays", reload)
            }
            (wanted, places) = (read, reading.places)
        }
        let files = FileWatch()
        maker.make(wanted, writtenAt: places, generation: generation + 1, watching: files) { [unowned self] outcome in
            guard phase != .leaving else { return }
            reloaded(take(outcome, of: wanted, writtenAt: places, files, reload), reload)
        }
    }

    /// - Returns: what became of it.
    private func take(
        _ outcome: SnapshotMaker.Outcome, of wanted: GatewayConfiguration, writtenAt places: PlaceIndex, _ files: FileWatch,
        _ reload: Reload
    ) -> String {
        let problems = outcome.issues + (reload.rereading ? PlaceCheck.issues(of: wanted, places) : [])
        diagnostics.report(problems)
        guard let product = outcome.product, !problems.hasErrors else {
            // Among them may be new ones with the mistake in them.
            watched.add(files)
            return "reload refused\(reload.cause): the configuration in service stays"
        }
        do {
            try takeIntoService(product, wanted)
        } catch {
            return "reload refused\(reload.cause): \(error.message)"
        }
        watched = files
        self.places = places
        return "reloaded generation=\(generation)\(reload.cause)"
    }

    private func reloaded(_ outcome: String, _ reload: Reload) {
        diagnostics.log(outcome)
        // Anew even where nothing changed: the file may have been moved away.
        if reload.rereading { log.open(configuration.accessLog) }
        if let next = reloads.ended() { return self.reload(next) }
        manager?.notify(phase == .serving ? .ready : .unchanged, status: outcome)
    }

    private func takeIntoService(
        _ product: SnapshotBuilder.Product, _ wanted: GatewayConfiguration
    ) throws(StartFailure) {
        let snapshot = product.snapshot
        try listeners.adopt(product.listeners) { $0.adopt(snapshot) }
        counters.cells.setPool(wanted.rateLimits.counters)
        generation += 1
        for (what, differs) in [
            ("workers", wanted.workers != configuration.workers), ("admin", wanted.admin != configuration.admin),
        ] where differs {
            diagnostics.log("\(what): the change takes effect at the next start")
        }
        configuration = wanted
        storePasswords.keep(wanted.rateLimits.store)
        sought.configuration = wanted.resolver
        names?.keep(NameRefresher.names(in: snapshot))
        keys?.keep(snapshot.keySetSources)
        if let former = currentSnapshot?.store, !snapshot.store.isServed(byConnectionsOf: former) {
            storeWatch.watch(StoreWatch.Subject(snapshot.store), generation: snapshot.generation)
            storeInspections.inspect(InspectedStore(snapshot.store, lookingUp: wanted.resolver))
        }
        quotaStore.adopt(snapshot, lookingUp: wanted.resolver)
        memoryWatch.limit = snapshot.overload.memory
        monitor.keep(snapshot.clusters, names: resolved)
        currentSnapshot = snapshot
        schemaRefresher.keep(snapshot.clusters, names: resolved)
        updateReadiness()
    }
}

/// How names are looked up at present.
private final class SoughtNames {
    var configuration: ResolverConfiguration
    init(_ configuration: ResolverConfiguration) { self.configuration = configuration }
}
