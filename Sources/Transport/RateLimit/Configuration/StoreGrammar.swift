package import Config

extension Grammar where Value == StoreConfiguration {
    /// The keys of `rate_limits`.
    package static func store(among stores: NamedStores) -> Grammar {
        .section { section in
            let defaults = StoreConfiguration.defaults
            return StoreConfiguration(
                store: StoreLocation.read(in: section, among: stores) ?? defaults.store,
                domain: section.value("domain", .name, default: defaults.domain),
                timeout: section.value("timeout", .timeout, default: defaults.timeout),
                whenUnavailable: section.value("when_unavailable", .choice, default: defaults.whenUnavailable),
                lease: section.value(
                    "lease", .word("off", or: .duration(.milliseconds(10) ... .seconds(10))), default: defaults.lease),
                heartbeatTimeout: section.value(
                    "heartbeat_timeout", .duration(.seconds(1) ... .seconds(60)), default: defaults.heartbeatTimeout),
                counters: section.value("counters", .count(0...CounterRegistry.poolMax), default: defaults.counters),
                headers: section.value("headers", .limitHeaders, default: defaults.headers),
                warnPercent: section.value("warn_at", .warnAt, default: defaults.warnPercent))
        }
    }
}

extension Grammar where Value == Int {
    /// How much of a limit is used when answers warn of it, in percent; zero for `off`.
    package static var warnAt: Grammar {
        let share = Grammar(expected: "a percentage from 1% to 100%") { (text: String) in
            guard text.last == "%", let percent = Number.count(String(text.dropLast())), 1...100 ~= percent else {
                return .mismatch
            }
            return .value(percent)
        }
        return Grammar<Int?>.word("off", or: share).map { $0 ?? 0 }
    }
}

extension Grammar where Value == LimitHeadersConfiguration {
    fileprivate static var limitHeaders: Grammar {
        .section { section in
            LimitHeadersConfiguration(
                standard: section.value("ratelimit", .choice, default: .refused),
                prefixed: section.value("x_ratelimit", .choice, default: .refused))
        }
    }
}

extension StoreLocation {
    /// Reads `store`, and `user`, `password` and `tls` beside it, which must suit it.
    fileprivate static func read(in section: Section, among stores: NamedStores) -> StoreLocation? {
        let store = section.optional("store", .storeLocation(among: stores))
        let user = section.optional("user", .text)
        let password = section.optional("password", .secret)
        let tls = section.optional("tls", .peerTLS)
        guard let store else { return nil }
        switch store {
        case .memory:
            refuse(["user", "password", "tls"], in: section, why: "the store is in this process")
            return store
        case .service(let address, _):
            refuse(["user", "password"], in: section, why: "an RLS service takes none")
            return .service(address, tls: tls)
        case .redis(let redis) where redis.name != nil:
            refuse(["user", "password", "tls"], in: section, why: "it belongs to the store, under stores")
            return store
        case .redis(var redis):
            if redis.user != nil { refuse(["user"], in: section, why: "the store's URL has one") }
            if redis.password != nil { refuse(["password"], in: section, why: "the store's URL has one") }
            if redis.tls == nil { refuse(["tls"], in: section, why: "TLS to Redis is written rediss://") }
            redis.user = redis.user ?? user
            redis.password = redis.password ?? password
            if redis.user != nil, redis.password == nil, !section.has("password") {
                section.report("found a user without a password, expected both", about: section.has("user") ? "user" : "store")
            }
            if redis.tls != nil { redis.tls = tls ?? .defaults }
            return .redis(redis)
        }
    }

    private static func refuse(_ keys: [String], in section: Section, why: String) {
        for key in keys where section.has(key) { section.report("expected no \(key) here: \(why)", about: key) }
    }
}

extension Grammar where Value == StoreLocation {
    /// `memory`, the name of a store, or the URL of a service.
    static func storeLocation(among stores: NamedStores) -> Grammar {
        let expected =
            "memory, a name under stores, redis://host:port/db, rediss://host:port/db, unix:///path/of/redis.sock or grpc://host:port"
        let url = Grammar.serviceURL(expected, parse: StoreLocation.init)
        return Grammar(expected: expected) { node, reader, expected in
            guard let scalar = node.scalar, !scalar.isBroken, !scalar.isAbsent, !scalar.text.contains(":") else {
                return url.read(node, reader)
            }
            if scalar.text == "memory" { return .memory }
            if let store = stores.locations[scalar.text] { return .redis(store) }
            // What is wrong with it has been reported where it stands.
            if stores.isBroken || stores.names.contains(scalar.text) { return nil }
            guard !stores.names.isEmpty else { return url.read(node, reader) }
            let names = stores.names.sorted()
            reader.report(
                "found \(Quoted.text(scalar.text)), expected memory, a URL, or a name under stores: \(Quoted.alternatives(names))"
                    + Spelling.hint(for: scalar.text, among: names), at: node.place)
            return nil
        }
    }
}

extension StoreLocation {
    fileprivate init?(_ url: ServiceURL) {
        switch url.scheme {
        case "redis", "rediss":
            guard let address = url.address(defaultPort: 6379), let database = Self.database(url.path) else { return nil }
            self = .redis(
                RedisLocation(
                    address: address, database: database, user: url.user, password: url.password,
                    tls: url.scheme == "rediss" ? .defaults : nil))
        case "unix":
            guard url.host.isEmpty, let address = NetworkAddress("unix:\(url.path)"), url.path.count > 1 else { return nil }
            self = .redis(RedisLocation(address: address))
        case "grpc":
            guard let address = url.address(), url.user == nil, url.password == nil, url.path.isEmpty || url.path == "/"
            else { return nil }
            self = .service(address, tls: nil)
        default: return nil
        }
    }

    private static func database(_ path: String) -> Int? {
        if path.isEmpty || path == "/" { return 0 }
        guard path.first == "/", let number = Number.count(path.dropFirst()), number <= 1_000_000 else { return nil }
        return number
    }
}
