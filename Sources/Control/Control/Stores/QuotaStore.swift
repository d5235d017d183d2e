internal import Config
internal import GatewayModel
internal import QuotaService
internal import Random
internal import RateLimit
internal import Reactor
internal import Redis
internal import Snapshots
internal import TLS
internal import Transport
internal import Upstreams

/// The control loop's own connection to the store of the limits: for the list of acts, and to look at counters.
final class QuotaStore {
    private let manager: QuotaManager
    private let counters: CounterRegistry
    /// Tells on the same connection that the process lives.
    let presence: StorePresence
    /// The store does not accept another password that it is told.
    var passwordRefused: ((_ store: String, _ words: String) -> Void)?
    private let context: WorkerContext
    private let readFile: (String) -> Result<[UInt8], FileFailure>
    private var plan: StorePlan?
    private var redis: (any RedisConnector)?
    /// Connections ask it for their hosts as long as they live.
    private var hosts: LookedUpHosts?

    init(
        _ manager: QuotaManager, counters: CounterRegistry, context: WorkerContext,
        readFile: @escaping (String) -> Result<[UInt8], FileFailure>
    ) {
        self.manager = manager
        self.counters = counters
        presence = StorePresence(counters, on: context.loop)
        self.context = context
        self.readFile = readFile
    }

    /// Another configuration; where its store is another, with connections of its own.
    func adopt(_ snapshot: Snapshot, lookingUp resolver: ResolverConfiguration) {
        let wanted = snapshot.store
        defer { plan = wanted }
        if let plan, wanted.isServed(byConnectionsOf: plan) {
            if case .redis(let location, _) = wanted.location { renew(location.passwords) }
            return manager.adopt(view(snapshot))
        }
        defer { presence.use(redis, prefix: wanted.domain, heartbeatTimeout: wanted.heartbeatTimeout) }
        // What is in flight fails while its reader is there to hear of it.
        redis?.close()
        redis = nil
        hosts = nil
        switch wanted.location {
        case .memory: manager.use(nil, CounterReader(MemoryStore(), counters: counters, on: context.loop), view(snapshot))
        case .service: manager.use(nil, nil, view(snapshot))
        case .redis(let location, let tls):
            let hosts = LookedUpHosts(tls, context, lookingUp: resolver, readFile)
            let redis = location.target(timeout: wanted.timeout).connect(
                through: hosts, on: context.loop, seed: context.random.next())
            self.hosts = hosts
            self.redis = redis
            redis.onRefusedPassword = { [unowned self] in passwordRefused?(location.description, $0) }
            let store = RedisStore(
                redis, fallback: MemoryStore(), whenUnavailable: .deny, prefix: wanted.domain, lease: nil,
                id: UInt32(truncatingIfNeeded: context.random.next()))
            store.remembers = false
            manager.use(redis, CounterReader(store, counters: counters, on: context.loop), view(snapshot))
        }
    }

    func renew(_ passwords: RedisPasswords) { redis?.renew(passwords) }

    private func view(_ snapshot: Snapshot) -> QuotaManager.View {
        switch snapshot.store.location {
        case .memory: .init(snapshot, store: nil, isCountedByService: false)
        case .redis(let location, _): .init(snapshot, store: location.description, isCountedByService: false)
        case .service: .init(snapshot, store: nil, isCountedByService: true)
        }
    }
}
