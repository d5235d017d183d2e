package import Config

/// The section `stores`: each Redis under the name that it is used by.
package struct NamedStores {
    /// All that are written, those with mistakes among them.
    let names: [String]
    let locations: [String: RedisLocation]
    /// It is written as something else: nothing is known of its names.
    private(set) var isBroken = false
    private let places: [String: Place]

    package static let none = NamedStores([])

    fileprivate init(_ entries: [(name: Located<String>, location: RedisLocation?)]) {
        names = entries.map(\.name.value)
        locations = Dictionary(entries.compactMap { name, location in location.map { (name.value, $0) } }) { first, _ in first }
        places = Dictionary(entries.map { ($0.name.value, $0.name.place) }) { first, _ in first }
    }

    /// Reads `stores`, and then `rate_limits`, which may name one of them.
    package static func readWithUse(in section: Section) -> StoreConfiguration {
        var stores = section.value("stores", .stores, default: .none)
        stores.isBroken = section.node("stores").map { $0.entries == nil } ?? false
        let use = section.value("rate_limits", .store(among: stores), default: .defaults)
        var used: String?
        if case .redis(let redis) = use.store { used = redis.name }
        let hasRateLimits = section.has("rate_limits")
        for name in stores.locations.keys.sorted() where name != used {
            guard let place = stores.places[name] else { continue }
            section.reader.report(
                hasRateLimits
                    ? "nothing is counted in this store: rate_limits.store does not name it"
                    : "nothing is counted in this store: expected rate_limits: { store: \(name) }",
                at: place, severity: .warning)
        }
        return use
    }
}

extension Grammar where Value == NamedStores {
    fileprivate static var stores: Grammar {
        Grammar(expected: "a mapping of names to stores, such as { main: { redis: [10.0.0.1:6379] } }") { node, reader, expected in
            guard let entries = node.entries else {
                reader.reportMismatch(node, expected: expected)
                return nil
            }
            return NamedStores(
                entries.map { entry in
                    var location = Grammar<RedisLocation>.redisStore.read(entry.value, reader)
                    let name = entry.key.value
                    location?.name = name
                    reader.checkName(entry.key)
                    if name == "memory" {
                        reader.report(
                            "found the name \"memory\", expected another: it means counters in this process", at: entry.key.place)
                    }
                    return (entry.key, location)
                })
        }
    }
}

extension Grammar where Value == RedisLocation {
    fileprivate static var redisStore: Grammar {
        .section(expected: "a mapping with redis, the addresses of its servers") { section in
            let seeds = section.required("redis", .list(of: .redisSeed))
            let mode = section.value("mode", .choice, default: .auto) as RedisLocation.Mode
            let sentinel = section.optional("sentinel", .sentinel)
            let location = RedisLocation(
                seeds: seeds ?? [], mode: section.has("sentinel") && mode == .auto ? .sentinel : mode, sentinel: sentinel,
                database: section.value("database", .count(0...RedisLocation.databaseMax), default: 0),
                user: section.optional("user", .text), password: section.optional("password", .secret),
                tls: section.optional("tls", .peerTLS))
            for key in ["url", "address", "addresses", "host", "hosts", "nodes", "servers", "seeds", "endpoints", "sentinels"] {
                section.hint(key, for: "redis") { _ in "expected redis, a list of addresses" }
            }
            for key in ["db", "index"] { section.hint(key) { _ in "expected database" } }
            for key in ["username", "auth", "requirepass"] { section.hint(key) { _ in "expected user and password" } }
            for key in ["master", "master_name", "sentinel_password"] { section.hint(key) { _ in "expected it in sentinel" } }
            for key in ["timeout", "domain", "prefix", "when_unavailable"] {
                section.hint(key) { _ in "expected it in rate_limits" }
            }
            location.check(section)
            return seeds.map { _ in location }
        }
    }
}

extension RedisLocation {
    static let databaseMax = 1_000_000

    /// What its keys say of each other.
    fileprivate func check(_ section: Section) {
        if mode == .sentinel, !section.has("sentinel") {
            section.report("expected sentinel: { master: NAME } beside it", about: "mode")
        }
        if mode != .sentinel, section.has("sentinel") {
            section.report("found beside mode: \(mode.rawValue), expected it only with mode: sentinel or auto", about: "sentinel")
        }
        if mode == .single, seeds.count > 1 {
            section.report("found \(seeds.count) addresses, expected one with mode: single", about: "redis")
        }
        if mode == .cluster, database != 0 {
            section.report("found \(database), expected none with mode: cluster: a cluster has only database 0", about: "database")
        }
        if user != nil, password == nil, !section.has("password") {
            section.report("found a user without a password, expected both", about: "user")
        }
        guard seeds.contains(where: { $0.port == nil }) else { return }
        if mode == .cluster || mode == .sentinel || seeds.count > 1 {
            section.report("found a Unix socket, which leads to one server, expected addresses with ports", about: "redis")
        } else if section.has("tls") {
            section.report("expected no tls here: a Unix socket has none", about: "tls")
        }
    }
}

extension Grammar where Value == RedisLocation.Sentinel {
    fileprivate static var sentinel: Grammar {
        .section(expected: "a mapping with master, the name under which the Sentinels know the primary") { section in
            let master = section.required("master", .text("the name under which the Sentinels know the primary, such as mymaster"))
            let user = section.optional("user", .text)
            let password = section.optional("password", .secret)
            for key in ["name", "master_name", "service", "primary"] { section.hint(key, for: "master") { _ in "expected master" } }
            if user != nil, password == nil, !section.has("password") {
                section.report("found a user without a password, expected both", about: "user")
            }
            return master.map { RedisLocation.Sentinel(master: $0, user: user, password: password) }
        }
    }
}

extension Grammar where Value == NetworkAddress {
    /// One server, or one Sentinel.
    fileprivate static var redisSeed: Grammar {
        Grammar(expected: "an address such as 10.0.0.1:6379, redis.internal:6379 or unix:/run/redis.sock") { (text: String) in
            if let address = NetworkAddress(text), address.port != 0 { return .value(address) }
            if text.contains("://") {
                return .mismatch(hint: "; TLS, user, password and database have keys of their own")
            }
            return .mismatch(hint: text.contains(":") ? "" : "; the port is missing")
        }
    }
}
