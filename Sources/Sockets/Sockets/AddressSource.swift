package import Net

/// Tells the addresses that a server has at the moment.
package protocol AddressSource: AnyObject {
    /// Calls `completion` once, perhaps before it returns; with none where they are not known.
    func find(_ completion: @escaping ([SocketAddress]) -> Void)
}

/// Addresses that do not change.
package final class KnownAddresses: AddressSource {
    private let addresses: [SocketAddress]

    package init(_ addresses: SocketAddress...) { self.addresses = addresses }

    package func find(_ completion: @escaping ([SocketAddress]) -> Void) { completion(addresses) }
}

/// Those of a name, looked up anew each time.
package final class LookedUpAddresses: AddressSource {
    private let name: String
    private let port: UInt16
    private let resolver: any HostResolver

    package init(_ name: String, port: UInt16, resolver: any HostResolver) {
        self.name = name
        self.port = port
        self.resolver = resolver
    }

    package func find(_ completion: @escaping ([SocketAddress]) -> Void) {
        resolver.resolve(name) { [port] addresses in completion(addresses.map { $0.with(port: port) }) }
    }
}

/// A server's addresses, one for each attempt in turn.
package struct AddressTurn {
    private var attempts = 0

    package init() {}

    /// `nil` where there are none.
    package mutating func next(of addresses: [SocketAddress]) -> SocketAddress? {
        guard !addresses.isEmpty else { return nil }
        defer { attempts &+= 1 }
        return addresses[attempts % addresses.count]
    }
}
