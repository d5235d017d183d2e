package import Net
package import Reactor
package import Sockets
package import TLS

/// Opens connections to the server: plain or TLS, by address or by name.
package protocol RedisDialer: AnyObject {
    /// Calls `completion` once, perhaps before it returns, with a channel that is connecting or connected, or `nil`.
    func dial(_ completion: @escaping (ByteChannel?) -> Void)
}

/// A server at an address, with TLS or without.
package final class AddressDialer: RedisDialer {
    private let address: SocketAddress
    private let tls: (context: ClientContext, name: ServerName)?
    private unowned(unsafe) let loop: EventLoop
    private let scratch: ScratchBuffers

    package init(
        _ address: SocketAddress, tls: (context: ClientContext, name: ServerName)? = nil, on loop: EventLoop,
        scratch: ScratchBuffers
    ) {
        self.address = address
        self.tls = tls
        self.loop = loop
        self.scratch = scratch
    }

    package func dial(_ completion: @escaping (ByteChannel?) -> Void) {
        completion(try? ByteChannel(connectingTo: address, tls: tls, on: loop, scratch: scratch))
    }
}

/// A server with a name, looked up anew for each attempt; where it has several addresses, each attempt takes the next.
package final class NameDialer: RedisDialer {
    private let name: String
    private let port: UInt16
    private let tls: (context: ClientContext, name: ServerName)?
    private let resolver: any HostResolver
    private unowned(unsafe) let loop: EventLoop
    private let scratch: ScratchBuffers
    private var attempts = 0

    package init(
        _ name: String, port: UInt16, tls: (context: ClientContext, name: ServerName)? = nil,
        resolver: any HostResolver, on loop: EventLoop, scratch: ScratchBuffers
    ) {
        self.name = name
        self.port = port
        self.tls = tls
        self.resolver = resolver
        self.loop = loop
        self.scratch = scratch
    }

    package func dial(_ completion: @escaping (ByteChannel?) -> Void) {
        resolver.resolve(name) { [weak self] addresses in
            guard let self, !addresses.isEmpty else { return completion(nil) }
            let address = addresses[self.attempts % addresses.count].with(port: self.port)
            self.attempts += 1
            completion(
                try? ByteChannel(connectingTo: address, tls: self.tls, on: self.loop, scratch: self.scratch))
        }
    }
}
