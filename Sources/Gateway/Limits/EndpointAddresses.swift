internal import Net
internal import Sockets

/// What an endpoint's name stands for at the moment, as the control thread has resolved it.
final class EndpointAddresses: AddressSource {
    var resolved: ResolvedNames
    private let endpoint: EndpointAddress

    init(_ endpoint: EndpointAddress, resolved: ResolvedNames) {
        self.endpoint = endpoint
        self.resolved = resolved
    }

    func find(_ completion: @escaping ([SocketAddress]) -> Void) { completion(resolved.addresses(of: endpoint)) }
}

extension ResolvedNames {
    /// None where the name is not known.
    func addresses(of endpoint: EndpointAddress) -> [SocketAddress] {
        switch endpoint {
        case .address(let address): [address]
        case .name(let name, let port): (addresses[name] ?? []).map { $0.with(port: port) }
        }
    }
}

extension EndpointAddress {
    /// The name, or the address without its port, that a certificate must have.
    var host: String {
        switch self {
        case .address(let address): address.host
        case .name(let name, _): name
        }
    }
}
