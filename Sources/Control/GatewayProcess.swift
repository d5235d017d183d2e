internal import Balancing
package import Config
internal import Crypto
package import Gateway
internal import Glibc
internal import HTTPModel
internal import Metrics
internal import RateLimit
internal import Reactor
internal import Sockets
internal import TLS
internal import Telemetry
internal import Time
internal import Transport

/// Where a configuration comes from: the executable knows files and environment, nobody else does.
package struct ConfigurationSource {
    package var read: () -> (GatewayConfiguration?, [Issue])
    package var readFile: (String) -> Result<[UInt8], FileFailure>

    package init(
        read: @escaping () -> (GatewayConfiguration?, [Issue]),
        readFile: @escaping (String) -> Result<[UInt8], FileFailure>
    ) {
        self.read = read
        self.readFile = readFile
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
    private let notices: Notices
    private var configuration: GatewayConfiguration
    private var generation: UInt64 = 1
    private let loop: EventLoop
    private let context: WorkerContext
    private let ticketKeys: TicketKeys
    private let counters: CounterTable
    private let metrics: GatewayMetrics
    private let clusters = ClusterBoard()
    private let schemas = SchemaBoard()
    private let schemaHints: SchemaHints
    private let schemaKeeper: SchemaKeeper
    private let monitor: HealthMonitor
    private let log: AccessLogSink
    private let board: LoadBoard
    private let hints: KeyHints
    private let storeWatch: StoreWatch
    private let group: WorkerGroup<ServingWorker>
    private let listeners: ProcessListeners<ServingWorker>
    private var phase = Phase.starting
    private var signals: SignalSource?
    private let relay: SignalRelay
    private var admin: Admin?
    private var timers: [Timer] = []
    private var departure: Departure<ServingWorker>?
    private var watched: FileWatch
    private var names: NameKeeper?
    private var keys: KeySetKeeper?
    private let resolver: NameResolver
    private let sought: SoughtNames
    private let memoryWatch: MemoryWatch

    package enum Phase: Sendable { case starting, serving, leaving }

    /// Reads and builds everything, starts the workers, opens the listeners.
    package init(_ source: ConfigurationSource, notices: Notices) throws {
        self.source = source
        self.notices = notices
        let (read, issues) = source.read()
        notices.report(issues)
        guard let configuration = read else { throw StartFailure(message: "the configuration has mistakes") }
        self.configuration = configuration
        loop = try EventLoop()
        context = WorkerContext(index: -1, loop: loop)
        // Before any other thread: they inherit what is blocked.
        let relay = SignalRelay()
        self.relay = relay
        signals = try SignalSource([SIGTERM, SIGINT, SIGHUP], on: loop) { relay.hear($0) }
        ticketKeys = TicketKeys(now: loop.now)
        counters = CounterTable(seed: .random())
        metrics = GatewayMetrics(registry: MetricRegistry())
        watched = FileWatch()
        var builder = SnapshotBuilder(
            configuration,
            .init(
                readFile: watched.watching(source.readFile), counterSeed: counters.seed, ticketKeys: ticketKeys, metrics: metrics,
                now: loop.wall, clusters: clusters, schemas: schemas, folders: .onDisk(noting: watched.note)))
        let (built, mistakes) = builder.build(generation: 1)
        let problems = mistakes + PlaceCheck.issues(of: configuration)
        notices.report(problems)
        guard let product = built, !problems.hasErrors else { throw StartFailure(message: "the configuration has mistakes") }

        let workerCount = configuration.workers ?? Processors.available
        do {
            log = try AccessLogSink(configuration.accessLog.sinkTarget, workers: workerCount)
        } catch {
            throw StartFailure(
                message: "the access log cannot be opened: \(error.subject): \(String(cString: strerror(error.errno)))")
        }
        let board = LoadBoard(workers: workerCount)
        self.board = board
        let (counters, metrics, log) = (counters, metrics, log)
        let sought = SoughtNames(configuration.resolver)
        self.sought = sought
        let resolver = NameResolver(on: loop, scratch: context.scratch) {
            NameFiles.source(sought.configuration, readFile: source.readFile)
        }
        self.resolver = resolver
        let names = NameKeeper(lookup: resolver, loop: loop) { notices.say($0) }
        names.keep(NameKeeper.names(in: product.snapshot))
        Self.wait(for: names, unless: relay, on: loop)
        let resolved = names.resolved
        self.resolved = resolved
        monitor = HealthMonitor(context: context, seed: RandomBytes.uint64())
        schemaKeeper = SchemaKeeper(board: schemas, context: context, seed: RandomBytes.uint64()) { notices.say($0) }
        let schemaHints = SchemaHints(mailbox: loop.mailbox)
        schemaHints.keeper = schemaKeeper
        self.schemaHints = schemaHints
        self.names = names
        let snapshot = product.snapshot
        currentSnapshot = snapshot
        let hints = KeyHints(mailbox: loop.mailbox)
        self.hints = hints
        let storeWatch = StoreWatch(
            StoreWatch.Subject(snapshot.store), generation: snapshot.generation, mailbox: loop.mailbox, notices: notices)
        self.storeWatch = storeWatch
        let faultWatch = FaultWatch(mailbox: loop.mailbox, notices: notices)
        let overload = OverloadBoard(workers: workerCount)
        memoryWatch = MemoryWatch(limit: snapshot.overload.memory, on: loop)
        group = try WorkerGroup(count: workerCount) { context in
            let gateway = GatewayWorker(
                context: context, serving: snapshot, counters: counters, metrics: metrics,
                accessLog: AccessLogger(ring: log.ring(context.index), loop: context.loop), resolved: resolved,
                overload: overload)
            hints.attach(to: gateway, on: context.loop)
            schemaHints.attach(to: gateway)
            faultWatch.attach(to: gateway)
            let worker = context.index
            gateway.limitStoreChanged = { storeWatch.report($0, worker: worker, generation: $1) }
            return ServingWorker(gateway: gateway, context: context, board: board)
        }
        listeners = ProcessListeners(group, notices: notices)
        relay.handler = { [unowned self] in received(signal: $0) }
        try listeners.adopt(product.listeners)
        admin = try Admin.open(
            configuration.admin.value, registry: metrics.registry, lost: { [log] in log.linesDropped &+ log.linesLost },
            context: context)
        admin?.clusters = { [unowned self] in
            ClusterReport(
                currentSnapshot?.clusters ?? [], names: self.resolved, troubles: self.names?.troubles ?? [:], schemas: schemas)
        }
        notices.say("admin address=\(admin!.address)")
    }

    /// Before anything is served, but not for ever: what is not known by then comes later.
    private static func wait(for names: NameKeeper, unless relay: SignalRelay, on loop: EventLoop) {
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
            schemaKeeper.resolve(names)
        }
        monitor.changed = { [unowned self] name in group.postToAll { $0.gateway.refresh(cluster: name) } }
        if let snapshot = currentSnapshot { monitor.keep(snapshot.clusters, names: resolved) }
        every(.seconds(1)) { [unowned self] in
            let changed = watched.changed()
            if !changed.isEmpty { reload(rereading: false, changed: changed) }
            _ = ticketKeys.rotate(now: loop.now)
        }
        keepSchemas()
        memoryWatch.changed = { [unowned self] pressure in group.postToAll { $0.gateway.setResidentPressure(pressure) } }
        memoryWatch.start()
        keepKeys()
        for signal in relay.early { received(signal: signal) }
        loop.run()
        monitor.stop()
        schemaKeeper.stop()
        group.stop()
        _ = log.stop(withinMilliseconds: 2000)
        return 0
    }

    /// Workers take a schema that was told into service by itself.
    private func keepSchemas() {
        schemaKeeper.changed = { [unowned self] cluster, plan in
            guard let snapshot = currentSnapshot else { return }
            generation += 1
            let next = snapshot.with(plan, of: cluster, generation: generation)
            group.postToAll { $0.gateway.adopt(next) }
            for conflict in next.schemaConflicts { notices.say("warning: \(conflict)") }
            for issue in next.unknownNames(in: configuration, of: cluster) { notices.say("\(issue)") }
            currentSnapshot = next
        }
        schemaKeeper.settled = { [unowned self] in settled(\.schemas) }
        if let snapshot = currentSnapshot { schemaKeeper.keep(snapshot.clusters, names: resolved) }
    }

    /// Ready when every key set and every schema has come or failed: until then good tokens and calls would be turned away.
    private func settled(_ what: WritableKeyPath<Awaited, Bool>) {
        awaited[keyPath: what] = false
        guard phase == .starting, !awaited.keys, !awaited.schemas else { return }
        enter(.serving)
        notices.say("ready")
    }

    private struct Awaited {
        var keys = true
        var schemas = true
    }

    private func keepKeys() {
        let seed = (RandomBytes.uint64(), RandomBytes.uint64(), RandomBytes.uint64(), RandomBytes.uint64())
        let keeper = KeySetKeeper(
            context: context, resolver: resolver, notices: notices, seed: seed)
        keeper.fetched = { [unowned self] keys, source in
            group.postToAll { $0.gateway.setKeys(keys, from: source) }
        }
        keeper.settled = { [unowned self] in settled(\.keys) }
        hints.keeper = keeper
        keys = keeper
        if let snapshot = currentSnapshot { keeper.keep(snapshot.keySetSources) }
    }

    private func every(_ period: Duration, _ action: @escaping () -> Void) {
        var timer: Timer?
        timer = Timer(on: loop) {
            action()
            timer?.arm(after: period)
        }
        timer?.arm(after: period)
        if let timer { timers.append(timer) }
    }

    private func enter(_ phase: Phase) {
        self.phase = phase
        admin?.isReady = phase == .serving
    }

    // MARK: Changes

    private func received(signal: Int32) {
        switch signal {
        case SIGHUP:
            reload(rereading: true)
            // Anew even where nothing changed: the file may have been moved away.
            do throws(AccessLogFailure) {
                try log.open(configuration.accessLog.sinkTarget)
            } catch {
                notices.say("the access log stays as it was: \(error.subject): \(String(cString: strerror(error.errno)))")
            }
        default:
            if let departure { return departure.hurry() }
            enter(.leaving)
            departure = Departure(configuration.drain, group: group, board: board, loop: loop, notices: notices)
        }
    }

    /// Takes a new configuration, or changed files, into service. A bad one changes nothing and says why.
    /// - Parameter changed: the files that the configuration names, where it is they.
    private func reload(rereading: Bool, changed: [String] = []) {
        guard phase != .leaving else { return }
        let names = changed.prefix(3).joined(separator: ", ") + (changed.count > 3 ? " and \(changed.count - 3) more" : "")
        let cause = changed.isEmpty ? "" : " (changed: \(names))"
        var wanted = configuration
        if rereading {
            let (read, issues) = source.read()
            notices.report(issues)
            guard let read else { return notices.say("reload refused: the configuration in service stays") }
            wanted = read
        }
        let files = FileWatch()
        var builder = SnapshotBuilder(
            wanted,
            .init(
                readFile: files.watching(source.readFile), counterSeed: counters.seed, ticketKeys: ticketKeys, metrics: metrics,
                now: loop.wall, clusters: clusters, schemas: schemas, folders: .onDisk(noting: files.note)))
        let (built, mistakes) = builder.build(generation: generation + 1)
        let problems = mistakes + (rereading ? PlaceCheck.issues(of: wanted) : [])
        notices.report(problems)
        guard let product = built, !problems.hasErrors else {
            // Among them may be new ones with the mistake in them.
            watched.add(files)
            return notices.say("reload refused\(cause): the configuration in service stays")
        }
        do {
            try takeIntoService(product, wanted)
        } catch {
            return notices.say("reload refused\(cause): \(error.message)")
        }
        watched = files
        notices.say("reloaded generation=\(generation)\(cause)")
    }

    private func takeIntoService(
        _ product: SnapshotBuilder.Product, _ wanted: GatewayConfiguration
    ) throws(StartFailure) {
        try listeners.adopt(product.listeners)
        generation += 1
        for (what, differs) in [
            ("workers", wanted.workers != configuration.workers), ("admin", wanted.admin.value != configuration.admin.value),
        ] where differs {
            notices.say("\(what): the change takes effect at the next start")
        }
        configuration = wanted
        sought.configuration = wanted.resolver
        let snapshot = product.snapshot
        names?.keep(NameKeeper.names(in: snapshot))
        keys?.keep(snapshot.keySetSources)
        if snapshot.store != currentSnapshot?.store {
            storeWatch.watch(StoreWatch.Subject(snapshot.store), generation: snapshot.generation)
        }
        group.postToAll { $0.adopt(snapshot) }
        memoryWatch.limit = snapshot.overload.memory
        monitor.keep(snapshot.clusters, names: resolved)
        currentSnapshot = snapshot
        schemaKeeper.keep(snapshot.clusters, names: resolved)
    }

    private var awaited = Awaited()
    private var currentSnapshot: Snapshot?
    /// What host names stand for.
    private var resolved = ResolvedNames()
}

/// How names are looked up at present.
private final class SoughtNames {
    var configuration: ResolverConfiguration
    init(_ configuration: ResolverConfiguration) { self.configuration = configuration }
}

extension Gateway.AccessLogTarget {
    fileprivate var sinkTarget: Telemetry.AccessLogTarget {
        switch self {
        case .off: .off
        case .stdout: .stdout
        case .file(let path): .path(path.value)
        }
    }
}
