internal import Config
internal import Crypto
internal import GatewayModel
internal import Net
internal import RateLimit
internal import RateLimitService
internal import Redis
internal import Snapshots
internal import Sockets
internal import Transport

/// Where the service counts, and how a worker gets its store.
struct LimitServiceStore: Sendable {
    private let location: Location
    private let configuration: StoreConfiguration

    private enum Location: Sendable {
        case memory
        case redis(RedisLocation, tls: UpstreamTLS?)
    }

    /// `nil` where a file it needs has a mistake, which has been reported.
    init?(_ configuration: StoreConfiguration, _ files: inout FileOpener) {
        self.configuration = configuration
        switch configuration.store {
        case .memory: location = .memory
        // The configuration's own check has refused it.
        case .service: return nil
        case .redis(let redis):
            let tls = files.storeTLS(redis)
            if redis.tls != nil, tls == nil { return nil }
            location = .redis(redis, tls: tls)
        }
    }

    /// `nil` where the limits are counted in memory.
    var inspected: InspectedStore? {
        guard case .redis(let location, let tls) = location else { return nil }
        return InspectedStore(
            location: location, tls: tls, prefix: configuration.domain, heartbeatTimeout: configuration.heartbeatTimeout)
    }

    /// - Parameter readFile: for the files that say how names are looked up.
    func make(
        _ context: WorkerContext, counters: CounterRegistry, readFile: @escaping (String) -> Result<[UInt8], FileFailure>
    ) -> (store: any LimitStore, redis: (any RedisConnector)?) {
        let memory = MemoryStore()
        guard case .redis(let location, let tls) = location else { return (memory, nil) }
        let redis = location.target(timeout: configuration.timeout).connect(
            through: LookedUpHosts(tls, context, readFile), on: context.loop, seed: RandomBytes.uint64())
        let store = RedisStore(
            redis, fallback: memory, whenUnavailable: configuration.whenUnavailable, prefix: configuration.domain,
            lease: configuration.lease, id: UInt32(truncatingIfNeeded: RandomBytes.uint64()),
            heartbeatTimeout: configuration.heartbeatTimeout, on: context.loop)
        store.processes = { counters.processCount }
        return (store, redis)
    }
}

/// Makes what opens connections to Redis where names are looked up on the same loop.
final class LookedUpHosts: RedisDialers {
    private let tls: UpstreamTLS?
    private let context: WorkerContext
    private let resolver: NameResolver

    /// - Parameter readFile: for the files that say how names are looked up.
    init(
        _ tls: UpstreamTLS?, _ context: WorkerContext, lookingUp configuration: ResolverConfiguration = .defaults,
        _ readFile: @escaping (String) -> Result<[UInt8], FileFailure>
    ) {
        self.tls = tls
        self.context = context
        resolver = NameResolver(on: context.loop, scratch: context.scratch) { NameFiles.source(configuration, readFile: readFile) }
    }

    func dialer(for endpoint: RedisEndpoint) -> Dialer {
        switch endpoint {
        case .unix(let path): known(.unix(path))
        case .host(let host, let port):
            SocketAddress(host: host, port: port).map(known)
                ?? Dialer(
                    LookedUpAddresses(host, port: port, resolver: resolver), tls: tls?.securing(host), on: context.loop,
                    scratch: context.scratch)
        }
    }

    private func known(_ address: SocketAddress) -> Dialer {
        Dialer(KnownAddresses(address), tls: tls?.securing(address.host), on: context.loop, scratch: context.scratch)
    }
}
