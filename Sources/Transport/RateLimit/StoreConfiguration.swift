package import Config
package import Redis

/// The section `rate_limits`: where limits are counted, and what happens when that place does not answer.
package struct StoreConfiguration: Sendable, Equatable {
    package var store: StoreLocation
    /// The first part of every key in a shared store, and the `domain` that an RLS service is asked about.
    package var domain: String
    /// How long one decision may take.
    package var timeout: Duration
    package var whenUnavailable: WhenUnavailable
    /// For how long hits are leased from Redis ahead of need; `nil` where every call asks.
    package var lease: Duration?
    /// After so long without a word from a process that shares the store it is dead: its calls in flight count no more.
    package var heartbeatTimeout: Duration
    /// How many counters this process keeps in memory above what each limit is guaranteed.
    package var counters: Int
    /// Which answers of `martlet serve` say where limits stand.
    package var headers: LimitHeadersConfiguration
    /// How much of a limit is used when answers warn of it, in percent, where the limit says nothing of it; zero for never.
    package var warnPercent: Int

    /// What a request meets while the store is slow or gone.
    package enum WhenUnavailable: String, CaseIterable, Sendable {
        case allow
        case deny
        /// Each process counts for itself.
        case local
    }

    package init(
        store: StoreLocation, domain: String = "martlet", timeout: Duration = .milliseconds(20),
        whenUnavailable: WhenUnavailable = .local, lease: Duration? = .seconds(1), heartbeatTimeout: Duration = .seconds(10),
        counters: Int = CounterRegistry.poolDefault,
        headers: LimitHeadersConfiguration = LimitHeadersConfiguration(), warnPercent: Int = 0
    ) {
        self.store = store
        self.domain = domain
        self.timeout = timeout
        self.whenUnavailable = whenUnavailable
        self.lease = lease
        self.heartbeatTimeout = heartbeatTimeout
        self.counters = counters
        self.headers = headers
        self.warnPercent = warnPercent
    }

    package static let defaults = StoreConfiguration(store: .memory)
}

/// `rate_limits.headers`.
package struct LimitHeadersConfiguration: Sendable, Equatable {
    package enum Presence: String, CaseIterable, Sendable {
        case always
        /// On refusals of limits alone.
        case refused
        case off
    }

    /// `ratelimit` and `ratelimit-policy`.
    package var standard = Presence.refused
    /// `x-ratelimit-limit`, `-remaining` and `-reset`.
    package var prefixed = Presence.refused

    package init(standard: Presence = .refused, prefixed: Presence = .refused) {
        self.standard = standard
        self.prefixed = prefixed
    }
}

/// Where counters live.
package enum StoreLocation: Sendable, Equatable {
    /// In this process.
    case memory
    case redis(RedisLocation)
    /// A service that speaks RLS v3.
    case service(NetworkAddress, tls: PeerTLS?)

    /// As `RedisLocation.withoutRenewable`.
    package var withoutRenewable: StoreLocation {
        guard case .redis(let redis) = self else { return self }
        return .redis(redis.withoutRenewable)
    }
}

/// A Redis, in whichever shape it runs: one server, one behind Sentinels, or a cluster.
package struct RedisLocation: Sendable, Equatable {
    package enum Mode: String, CaseIterable, Sendable {
        /// A cluster where the first server that answers says so, else that one server.
        case auto
        case single
        /// `seeds` are Sentinels; they know which server is the primary.
        case sentinel
        case cluster
    }

    package struct Sentinel: Sendable, Equatable {
        /// The name under which the Sentinels know the primary.
        package var master: String
        /// To the Sentinels themselves.
        package var user: String?
        package var password: Secret?

        package init(master: String, user: String? = nil, password: Secret? = nil) {
            self.master = master
            self.user = user
            self.password = password
        }
    }

    /// As it is called under `stores`; `nil` for one that was written as a URL.
    package var name: String?
    package var seeds: [NetworkAddress]
    package var mode: Mode
    package var sentinel: Sentinel?
    package var database: Int
    package var user: String?
    package var password: Secret?
    package var tls: PeerTLS?

    package init(
        name: String? = nil, seeds: [NetworkAddress], mode: Mode, sentinel: Sentinel? = nil, database: Int = 0, user: String? = nil,
        password: Secret? = nil, tls: PeerTLS? = nil
    ) {
        self.name = name
        self.seeds = seeds
        self.mode = mode
        self.sentinel = sentinel
        self.database = database
        self.user = user
        self.password = password
        self.tls = tls
    }

    /// One server.
    package init(
        address: NetworkAddress, database: Int = 0, user: String? = nil, password: Secret? = nil, tls: PeerTLS? = nil
    ) {
        self.init(seeds: [address], mode: .single, database: database, user: user, password: password, tls: tls)
    }
}

extension RedisLocation {
    /// As those who run the process know it; never with its password.
    package var description: String {
        if let name { return name }
        let address = seeds.map(\.description).joined(separator: ",")
        return address.hasPrefix("unix:") ? address : (tls == nil ? "redis://" : "rediss://") + address
    }

    /// What connections to it are made from.
    package func target(timeout: Duration) -> RedisTarget {
        var settings = RedisSettings()
        settings.user = user
        settings.password = password?.text
        settings.database = database
        settings.timeout = timeout
        return RedisTarget(seeds: seeds.map(RedisEndpoint.init), shape: shape, settings: settings)
    }

    /// What open connections cannot be told: all but passwords that come from files, whose text may change while they serve.
    package var withoutRenewable: RedisLocation {
        var location = self
        if password?.file != nil { location.password?.text = "" }
        if sentinel?.password?.file != nil { location.sentinel?.password?.text = "" }
        return location
    }

    /// Those passwords of it that connections are made with from now on.
    package var passwords: RedisPasswords { RedisPasswords(server: password?.text, sentinel: sentinel?.password?.text) }

    private var shape: RedisTarget.Shape {
        switch mode {
        case .auto: .auto
        case .single: .single
        case .cluster: .cluster
        case .sentinel:
            .sentinel(.init(master: sentinel?.master ?? "", user: sentinel?.user, password: sentinel?.password?.text))
        }
    }
}

extension RedisEndpoint {
    package init(_ address: NetworkAddress) {
        switch address {
        case .ip(let host, let port), .name(let host, let port): self = .host(host, port: port)
        case .unix(let path): self = .unix(path)
        }
    }
}
