package import Reactor
package import Sockets

/// Where a server is: a host, in digits or as a name, or a Unix socket.
package enum RedisEndpoint: Sendable, Hashable, CustomStringConvertible {
    case host(String, port: UInt16)
    case unix(String)

    /// Where it names no other host, servers that it tells of are on this machine.
    package var host: String {
        switch self {
        case .host(let host, _): host
        case .unix: "localhost"
        }
    }

    package var description: String {
        switch self {
        case .host(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}

/// What a store's connections are made from, whichever shape its Redis has.
package struct RedisTarget: Sendable, Equatable {
    package enum Shape: Sendable, Equatable {
        /// One server; of several addresses the first.
        case single
        /// The addresses are Sentinels', which know the server under a name.
        case sentinel(Sentinel)
        case cluster
        /// What the first server that answers says to be: of a cluster, or one by itself.
        case auto
    }

    package struct Sentinel: Sendable, Equatable {
        package var master: String
        package var user: String?
        package var password: String?

        package init(master: String, user: String?, password: String?) {
            self.master = master
            self.user = user
            self.password = password
        }
    }

    package var seeds: [RedisEndpoint]
    package var shape: Shape
    package var settings: RedisSettings

    /// - Parameter seeds: one at least.
    package init(seeds: [RedisEndpoint], shape: Shape, settings: RedisSettings) {
        precondition(!seeds.isEmpty)
        self.seeds = seeds
        self.shape = shape
        self.settings = settings
    }

    package func connect(through dialers: any RedisDialers, on loop: EventLoop, seed: UInt64) -> any RedisConnector {
        switch shape {
        case .single: RedisClient(settings, dialer: dialers.dialer(for: seeds[0]), on: loop, seed: seed)
        case .sentinel(let sentinel): SentinelClient(self, sentinel, dialers: dialers, on: loop, seed: seed)
        case .cluster, .auto: RedisCluster(self, dialers: dialers, on: loop, seed: seed)
        }
    }
}

/// The passwords of a store, as they are at present.
package struct RedisPasswords: Sendable, Equatable {
    package var server: String?
    package var sentinel: String?

    package init(server: String?, sentinel: String?) {
        self.server = server
        self.sentinel = sentinel
    }
}

/// Makes what opens connections to a server, by where it is. A cluster and Sentinels tell of servers that no configuration names.
package protocol RedisDialers: AnyObject {
    func dialer(for endpoint: RedisEndpoint) -> Dialer
}

/// Opens connections to whichever server is meant at the moment.
package protocol ChannelSource: AnyObject {
    /// Calls `completion` once, perhaps before it returns, with a channel that is connecting or connected, or `nil`.
    func dial(_ completion: @escaping (ByteChannel?) -> Void)
    /// Why there was none the last time, where that is known.
    var failure: RedisFailure? { get }
}

extension Dialer: ChannelSource {
    package var failure: RedisFailure? { failureToBegin.map { .unreachable(ErrorNumber.text($0.code)) } }
}
