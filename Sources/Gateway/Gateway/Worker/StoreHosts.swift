internal import Net
internal import Redis
internal import Sockets
internal import Transport
internal import Upstreams

/// Makes what opens a worker's connections to its Redis. What names stand for the control thread knows, for those too that only a
/// cluster or Sentinels tell of.
final class StoreHosts: RedisDialers {
    var resolved: ResolvedNames
    /// Asks for names to be looked up that no configuration has.
    private let seek: (String) -> Void
    private let tls: UpstreamTLS?
    private let context: WorkerContext

    init(_ tls: UpstreamTLS?, resolved: ResolvedNames, context: WorkerContext, seek: @escaping (String) -> Void) {
        self.tls = tls
        self.resolved = resolved
        self.context = context
        self.seek = seek
    }

    func dialer(for endpoint: RedisEndpoint) -> Dialer {
        let source = Source(endpoint.address, self)
        return Dialer(source, tls: tls?.securing(source.host), on: context.loop, scratch: context.scratch)
    }

    private final class Source: AddressSource {
        let address: EndpointAddress
        private unowned let hosts: StoreHosts

        init(_ address: EndpointAddress, _ hosts: StoreHosts) {
            self.address = address
            self.hosts = hosts
        }

        var host: String { address.host }

        func find(_ completion: @escaping ([SocketAddress]) -> Void) {
            if case .name(let name, _) = address, hosts.resolved.addresses[name] == nil { hosts.seek(name) }
            completion(hosts.resolved.addresses(of: address))
        }
    }
}

extension RedisEndpoint {
    fileprivate var address: EndpointAddress {
        switch self {
        case .host(let host, let port):
            SocketAddress(host: host, port: port).map { .address($0) } ?? .name(host.lowercased(), port: port)
        case .unix(let path): .address(.unix(path))
        }
    }
}
