package import Config
internal import Glibc
internal import Metrics
internal import Net
internal import RateLimit
package import RateLimitService
internal import Reactor
internal import Redis
internal import TLS
internal import Time
internal import Transport

/// `martlet ratelimit`: the rate-limit service's workers, and the control thread that starts, changes and ends them.
///
/// SIGHUP takes new rules and listeners into service, and so does a change of a file of rules; where it counts is decided at the start.
package final class LimitServiceProcess {
    /// Reads the configuration, and tells of every file and folder of rules before it is looked at.
    package typealias Source = (_ recording: @escaping (String) -> Void) -> ConfigurationReading<LimitServiceConfiguration>

    private let read: Source
    private let diagnostics: Diagnostics
    private let readFile: @Sendable (String) -> Result<[UInt8], FileFailure>
    private let ticketKeys: TicketKeys
    /// What is in service; where a part of it is not, what the next start brings.
    private var configuration: LimitServiceConfiguration
    private var rules: RuleTree
    private let loop: EventLoop
    private let context: WorkerContext
    private let connectionCounts: ConnectionCounts
    private let group: WorkerGroup<LimitWorker>
    private let listeners: ProcessListeners<LimitWorker>
    private let admin: Admin
    private let counters: CounterRegistry
    private let loads: ConfigurationLoads
    private let counterWatch: CounterWatch
    private let storePasswords: StorePasswords
    private let storeInspections: StoreInspections
    private let presence: StorePresence
    /// The control loop's own connection to the store.
    private let redis: (any RedisConnector)?
    private var signals: SignalSource?
    private let relay: SignalRelay
    private let manager: ServiceManager?
    private var shutdown: GracefulShutdown<LimitWorker>?
    private var watch: RepeatingTimer?
    /// The files of rules.
    private var watched = FileWatch()
    /// Some have changed in the last second: they may not be written to the end.
    private var areRulesChanging = false

    package init(
        _ read: @escaping Source, readFile: @escaping @Sendable (String) -> Result<[UInt8], FileFailure>,
        diagnostics: Diagnostics, serviceManager: String? = nil
    ) throws {
        self.read = read
        self.readFile = readFile
        self.diagnostics = diagnostics
        loop = try EventLoop()
        let relay = SignalRelay()
        self.relay = relay
        manager = ServiceManager(socket: serviceManager, on: loop, diagnostics: diagnostics)
        signals = try ProcessSignals.listen([SIGTERM, SIGINT, SIGHUP], on: loop) { relay.hear($0) }
        let reading = read(watched.record)
        diagnostics.report(reading.issues)
        guard let configuration = reading.value else { throw StartFailure(message: "the configuration has mistakes") }
        self.configuration = configuration
        context = WorkerContext(index: -1, loop: loop)

        var files = FileOpener(read: readFile, places: reading.places, now: loop.wall)
        let ticketKeys = TicketKeys(now: loop.now)
        self.ticketKeys = ticketKeys
        let plans = files.listenerPlans(configuration.listeners, speaking: LimitServer.protocols, ticketKeys: ticketKeys)
        let store = LimitServiceStore(configuration.rateLimits, &files)
        let problems =
            files.issues + PlaceCheck.issues(of: configuration.listeners, admin: configuration.admin, reading.places)
        diagnostics.report(problems)
        guard !problems.hasErrors, let store else { throw StartFailure(message: "the configuration has mistakes") }

        let workerCount = configuration.workers ?? Processors.available
        let connectionCounts = ConnectionCounts(workers: workerCount)
        self.connectionCounts = connectionCounts
        let counters = CounterRegistry(pool: configuration.rateLimits.counters)
        self.counters = counters
        counterWatch = CounterWatch(counters, on: loop, diagnostics: diagnostics)
        let rules = RuleTree(configuration.domains, answers: configuration.answers, counters: counters)
        self.rules = rules
        let registry = MetricRegistry()
        let metrics = LimitServiceMetrics(registry)
        loads = metrics.makeLoads()
        loads.count(isTaken: true)
        // Where it counts does not change: there is one generation.
        let watch = StoreWatch(
            StoreWatch.Subject(configuration.rateLimits), generation: 0, mailbox: loop.mailbox, diagnostics: diagnostics)
        group = try WorkerGroup(count: workerCount) { context in
            let (windows, redis) = store.make(context, counters: counters, readFile: readFile)
            let worker = LimitWorker(
                rules: rules, store: windows, redis: redis, counters: counters, metrics: metrics, context: context,
                connectionCounts: connectionCounts)
            let index = context.index
            worker.server.storeChanged = { watch.report($0, worker: index, generation: 0) }
            return worker
        }
        storePasswords = StorePasswords(readFile: readFile) { diagnostics.log($0) }
        storePasswords.keep(configuration.rateLimits.store)
        storeInspections = StoreInspections(context, readFile: readFile) { diagnostics.log($0) }
        storeInspections.inspect(store.inspected)
        redis = store.make(context, counters: counters, readFile: readFile).redis
        let name = store.inspected?.location.description ?? ""
        redis?.onRefusedPassword = { diagnostics.log(StorePasswords.refusal(of: name, $0)) }
        presence = StorePresence(counters, on: loop)
        presence.use(redis, prefix: configuration.rateLimits.domain, heartbeatTimeout: configuration.rateLimits.heartbeatTimeout)
        listeners = ProcessListeners(group, diagnostics: diagnostics)
        try listeners.adopt(plans)
        admin = try Admin.open(configuration.admin, registry: registry, context: context)
        relay.handler = { [unowned self] in received(signal: $0) }
        admin.moreFamilies = { [counterWatch] in counterWatch.families }
        admin.rules = { [unowned self] in rules.text }
        diagnostics.log("admin address=\(admin.address)")
    }

    /// Serves until it is told to end. Returns the exit status.
    package func run() -> Int32 {
        admin.isReady = true
        counterWatch.start()
        diagnostics.log("ready")
        manager?.notify(.ready, status: "serving")
        let descriptors = DescriptorWatch(diagnostics: diagnostics)
        watch = RepeatingTimer(every: .seconds(1), on: loop) { [unowned self] in
            descriptors.look()
            takeChangedRules()
            guard let store = storePasswords.changed() else { return }
            configuration.rateLimits.store = .redis(store)
            group.postToAll { $0.redis?.renew(store.passwords) }
            redis?.renew(store.passwords)
        }
        for signal in relay.early { received(signal: signal) }
        loop.run()
        group.stop()
        return 0
    }

    private func received(signal: Int32) {
        guard signal == SIGHUP else {
            if let shutdown { return shutdown.forceNow() }
            presence.leave()
            admin.isReady = false
            manager?.notify(.stopping, status: "leaving: running calls finish")
            shutdown = GracefulShutdown(
                configuration.drain, group: group, connectionCounts: connectionCounts, loop: loop, diagnostics: diagnostics)
            return
        }
        reload()
    }

    /// Once none has changed for a second.
    private func takeChangedRules() {
        let isChanging = !watched.changed().isEmpty
        defer { areRulesChanging = isChanging }
        guard areRulesChanging, !isChanging, shutdown == nil else { return }
        diagnostics.log("files of rules have changed")
        reload()
    }

    private func reload() {
        // Once it leaves, the manager is told no more.
        let manager = shutdown == nil ? manager : nil
        manager?.notify(.reloading, status: "reading the configuration")
        let files = FileWatch()
        let reading = read(files.record)
        diagnostics.report(reading.issues)
        let outcome = reading.value.map { take($0, reading.places) }
        // Of a configuration that is refused, a change may mend what is wrong.
        loads.count(isTaken: outcome == Self.success)
        if outcome == Self.success { watched = files } else { watched.add(files) }
        report(outcome ?? Self.refusal, to: manager)
    }

    private func report(_ outcome: String, to manager: ServiceManager?) {
        diagnostics.log(outcome)
        manager?.notify(.ready, status: outcome)
    }

    private static let success = "reloaded"
    private static let refusal = "reload refused: the configuration in service stays"

    /// A configuration with a mistake changes nothing.
    ///
    /// - Returns: what became of it.
    private func take(_ found: LimitServiceConfiguration, _ places: PlaceIndex) -> String {
        guard shutdown == nil else { return "reload refused: the service is leaving" }
        var files = FileOpener(read: readFile, places: places, now: loop.wall)
        let plans = files.listenerPlans(found.listeners, speaking: LimitServer.protocols, ticketKeys: ticketKeys)
        let problems = files.issues + PlaceCheck.issues(of: found.listeners, admin: found.admin, places)
        diagnostics.report(problems)
        guard !problems.hasErrors else { return Self.refusal }
        let rules = RuleTree(found.domains, answers: found.answers, counters: counters)
        do {
            try listeners.adopt(plans) { $0.server.adopt(rules) }
        } catch {
            return "reload refused: \(error.message)"
        }
        for (what, differs) in [
            ("workers", found.workers != configuration.workers), ("admin", found.admin != configuration.admin),
            ("rate_limits", !found.rateLimits.countsAlike(configuration.rateLimits)),
        ] where differs {
            diagnostics.log("\(what): the change takes effect at the next start")
        }
        configuration = found
        self.rules = rules
        counters.cells.setPool(found.rateLimits.counters)
        return Self.success
    }
}

extension StoreConfiguration {
    /// All but the size of the memory, which changes while it counts.
    fileprivate func countsAlike(_ other: StoreConfiguration) -> Bool {
        store.withoutRenewable == other.store.withoutRenewable && domain == other.domain && timeout == other.timeout
            && whenUnavailable == other.whenUnavailable && heartbeatTimeout == other.heartbeatTimeout && lease == other.lease
    }
}

/// A worker of the rate-limit service.
private final class LimitWorker: ListeningProgram {
    let server: LimitServer
    let listeners: WorkerListeners
    /// What the store's passwords are renewed through.
    let redis: (any RedisConnector)?

    init(
        rules: RuleTree, store: any LimitStore, redis: (any RedisConnector)?, counters: CounterRegistry,
        metrics: LimitServiceMetrics, context: WorkerContext,
        connectionCounts: ConnectionCounts
    ) {
        self.redis = redis
        server = LimitServer(
            rules: rules, store: store, counters: counters, metrics: metrics, context: context)
        listeners = WorkerListeners(handler: server.handler, context: context, connectionCounts: connectionCounts)
    }

    func beginDrain() {
        server.beginDrain()
        listeners.beginDrain()
    }
}
