extension WrongConfiguration {
    static let stores = corpus(
        #"""
        --- a store that is not there
        stores: { main: { redis: ["10.0.0.1:6379"] } }
        rate_limits: { store: mian }
        >>> martlet.yaml:1:11: stores.main: warning: nothing is counted in this store: rate_limits.store does not name it
        >>> martlet.yaml:2:23: rate_limits.store: found "mian", expected memory, a URL, or a name under stores: main; did you mean "main"?
        --- stores that nothing uses
        stores: { main: { redis: ["10.0.0.1:6379"] }, memory: { redis: ["10.0.0.1:6379"] }, "a b": { redis: ["10.0.0.1:6379"] } }
        >>> martlet.yaml:1:11: stores.main: warning: nothing is counted in this store: expected rate_limits: { store: main }
        >>> martlet.yaml:1:47: stores.memory: found the name "memory", expected another: it means counters in this process
        >>> martlet.yaml:1:47: stores.memory: warning: nothing is counted in this store: expected rate_limits: { store: memory }
        >>> martlet.yaml:1:85: stores["a b"]: found "a b", expected a name of letters, digits, _, - and .
        >>> martlet.yaml:1:85: stores["a b"]: warning: nothing is counted in this store: expected rate_limits: { store: a b }
        --- a seed that is a URL, one without a port, one that is none
        stores: { main: { redis: ["redis://10.0.0.1:6379", 10.0.0.1, "10.0.0.1:x"] } }
        rate_limits: { store: main }
        >>> martlet.yaml:1:27: stores.main.redis[0]: found "redis://10.0.0.1:6379", expected an address such as 10.0.0.1:6379, redis.internal:6379 or unix:/run/redis.sock; TLS, user, password and database have keys of their own
        >>> martlet.yaml:1:52: stores.main.redis[1]: found "10.0.0.1", expected an address such as 10.0.0.1:6379, redis.internal:6379 or unix:/run/redis.sock; the port is missing
        >>> martlet.yaml:1:62: stores.main.redis[2]: found "10.0.0.1:x", expected an address such as 10.0.0.1:6379, redis.internal:6379 or unix:/run/redis.sock
        --- keys of others
        stores: { main: { url: "10.0.0.1:6379", db: 1, username: u, master: m, timeout: 1s } }
        rate_limits: { store: main }
        >>> martlet.yaml:1:19: stores.main.url: unknown key, expected redis, a list of addresses
        >>> martlet.yaml:1:41: stores.main.db: unknown key, expected database
        >>> martlet.yaml:1:48: stores.main.username: unknown key, expected user and password
        >>> martlet.yaml:1:61: stores.main.master: unknown key, expected it in sentinel
        >>> martlet.yaml:1:72: stores.main.timeout: unknown key, expected it in rate_limits
        --- sentinel without its section, and its section without sentinel
        stores:
          a: { redis: ["10.0.0.1:26379"], mode: sentinel }
          b: { redis: ["10.0.0.1:6379"], mode: cluster, sentinel: { master: m } }
          c: { redis: ["10.0.0.1:26379"], sentinel: { name: m, user: u } }
          d: { redis: ["10.0.0.1:26379"], sentinel: mymaster }
        rate_limits: { store: a }
        >>> martlet.yaml:2:41: stores.a.mode: expected sentinel: { master: NAME } beside it
        >>> martlet.yaml:3:3:  stores.b: warning: nothing is counted in this store: rate_limits.store does not name it
        >>> martlet.yaml:3:59: stores.b.sentinel: found beside mode: cluster, expected it only with mode: sentinel or auto
        >>> martlet.yaml:4:3:  stores.c: warning: nothing is counted in this store: rate_limits.store does not name it
        >>> martlet.yaml:4:47: stores.c.sentinel.name: unknown key, expected master
        >>> martlet.yaml:4:62: stores.c.sentinel.user: found a user without a password, expected both
        >>> martlet.yaml:5:3:  stores.d: warning: nothing is counted in this store: rate_limits.store does not name it
        >>> martlet.yaml:5:45: stores.d.sentinel: found "mymaster", expected a mapping with master, the name under which the Sentinels know the primary
        --- a database of a cluster, several addresses of one server, a user without a password
        stores:
          a: { redis: ["10.0.0.1:6379"], mode: cluster, database: 2 }
          b: { redis: ["10.0.0.1:6379", "10.0.0.2:6379"], mode: single }
          c: { redis: ["10.0.0.1:6379"], user: martlet, mode: clustered }
        rate_limits: { store: a }
        >>> martlet.yaml:2:59: stores.a.database: found 2, expected none with mode: cluster: a cluster has only database 0
        >>> martlet.yaml:3:3:  stores.b: warning: nothing is counted in this store: rate_limits.store does not name it
        >>> martlet.yaml:3:15: stores.b.redis: found 2 addresses, expected one with mode: single
        >>> martlet.yaml:4:3:  stores.c: warning: nothing is counted in this store: rate_limits.store does not name it
        >>> martlet.yaml:4:40: stores.c.user: found a user without a password, expected both
        >>> martlet.yaml:4:55: stores.c.mode: found "clustered", expected auto, single, sentinel or cluster; did you mean "cluster"?
        --- Unix sockets where they lead nowhere
        stores:
          a: { redis: "unix:/run/redis.sock", tls: {} }
          b: { redis: ["unix:/run/a.sock", "10.0.0.1:6379"] }
          c: { redis: "unix:/run/a.sock", mode: cluster }
        rate_limits: { store: a }
        >>> martlet.yaml:2:44: stores.a.tls: expected no tls here: a Unix socket has none
        >>> martlet.yaml:3:3:  stores.b: warning: nothing is counted in this store: rate_limits.store does not name it
        >>> martlet.yaml:3:15: stores.b.redis: found a Unix socket, which leads to one server, expected addresses with ports
        >>> martlet.yaml:4:3:  stores.c: warning: nothing is counted in this store: rate_limits.store does not name it
        >>> martlet.yaml:4:15: stores.c.redis: found a Unix socket, which leads to one server, expected addresses with ports
        --- what belongs to a store beside its name
        stores: { main: { redis: ["10.0.0.1:6379"] } }
        rate_limits: { store: main, user: u, password: "${SECRET}", tls: {} }
        >>> martlet.yaml:2:35: rate_limits.user: expected no user here: it belongs to the store, under stores
        >>> martlet.yaml:2:48: rate_limits.password: expected no password here: it belongs to the store, under stores
        >>> martlet.yaml:2:66: rate_limits.tls: expected no tls here: it belongs to the store, under stores
        --- a mapping that is none
        stores: ["10.0.0.1:6379"]
        rate_limits: { store: main }
        >>> martlet.yaml:1:9: stores: found a list, expected a mapping of names to stores, such as { main: { redis: [10.0.0.1:6379] } }
        """#)
}
