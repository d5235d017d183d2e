internal import Net
internal import Redis
internal import Sockets
internal import TLS
internal import Transport

/// Connects to a Redis server by what its name stands for at the moment: the addresses in turn, where there are several.
final class NamedDialer: RedisDialer {
    var resolved: ResolvedNames
    private let endpoint: EndpointAddress
    private let tls: UpstreamTLS?
    private unowned(unsafe) let context: WorkerContext
    private var next = 0

    init(_ endpoint: EndpointAddress, tls: UpstreamTLS?, resolved: ResolvedNames, context: WorkerContext) {
        self.endpoint = endpoint
        self.tls = tls
        self.resolved = resolved
        self.context = context
    }

    func dial(_ completion: @escaping (ByteChannel?) -> Void) {
        let addresses: [SocketAddress]
        let name: String
        switch endpoint {
        case .address(let address): (addresses, name) = ([address], address.host)
        case .name(let host, let port): (addresses, name) = ((resolved.addresses[host] ?? []).map { $0.with(port: port) }, host)
        }
        guard !addresses.isEmpty else { return completion(nil) }
        let address = addresses[next % addresses.count]
        next &+= 1
        var security: (context: ClientContext, name: ServerName)?
        if let tls {
            guard let server = tls.serverName ?? ServerName(name) else { return completion(nil) }
            security = (tls.context, server)
        }
        completion(
            try? ByteChannel(connectingTo: address, tls: security, on: context.loop, scratch: context.scratch))
    }
}
