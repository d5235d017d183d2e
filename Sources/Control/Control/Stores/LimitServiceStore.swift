internal import Config
internal import Crypto
internal import Net
internal import RateLimit
internal import RateLimitService
internal import Redis
internal import Sockets
internal import Transport

/// Where the service counts, and how a worker gets its store.
struct LimitServiceStore: Sendable {
    private let location: Location
    private let configuration: StoreConfiguration

    private enum Location: Sendable {
        case memory
        case redis(NetworkAddress, database: Int, user: String?, password: String?, tls: UpstreamTLS?)
    }

    /// `nil` where a file it needs has a mistake, which has been reported.
    init?(_ configuration: StoreConfiguration, _ files: inout FileOpener) {
        self.configuration = configuration
        switch configuration.store {
        case .memory: location = .memory
        // The configuration's own check has refused it.
        case .service: return nil
        case .redis(let redis):
            var tls: UpstreamTLS?
            if let settings = redis.tls {
                let path = ConfigurationPath("rate_limits")
                tls = files.upstreamTLS(settings, protocols: [], at: path["tls"], of: path["store"])
                if tls == nil { return nil }
            }
            location = .redis(
                redis.address, database: redis.database, user: redis.user, password: redis.password?.text, tls: tls)
        }
    }

    /// - Parameter readFile: for the files that say how names are looked up.
    func make(
        _ context: WorkerContext, readFile: @escaping (String) -> Result<[UInt8], FileFailure>
    ) -> any WindowStore {
        let memory = MemoryWindowStore()
        guard case .redis(let address, let database, let user, let password, let tls) = location,
            let dialer = dialer(address, tls, context, readFile)
        else { return memory }
        var settings = RedisSettings()
        settings.user = user
        settings.password = password
        settings.database = database
        settings.timeout = configuration.timeout
        let client = RedisClient(settings, dialer: dialer, on: context.loop, seed: RandomBytes.uint64())
        return RedisWindowStore(
            client, fallback: memory, whenUnavailable: configuration.whenUnavailable, prefix: configuration.domain,
            seed: RandomBytes.uint64())
    }

    private func dialer(
        _ address: NetworkAddress, _ tls: UpstreamTLS?, _ context: WorkerContext,
        _ readFile: @escaping (String) -> Result<[UInt8], FileFailure>
    ) -> Dialer? {
        switch address {
        case .name(let name, let port):
            let resolver = NameResolver(on: context.loop, scratch: context.scratch) {
                NameFiles.source(readFile: readFile)
            }
            return Dialer(
                LookedUpAddresses(name, port: port, resolver: resolver), tls: tls?.securing(name), on: context.loop,
                scratch: context.scratch)
        case .ip, .unix:
            guard let socket = SocketAddress(address) else { return nil }
            return Dialer(KnownAddresses(socket), tls: tls?.securing(socket.host), on: context.loop, scratch: context.scratch)
        }
    }
}
