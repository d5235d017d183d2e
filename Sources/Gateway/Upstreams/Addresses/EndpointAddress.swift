package import Config
package import Net

/// Where an endpoint is: an address, or a name that is looked up.
package enum EndpointAddress: Sendable, Hashable {
    case address(SocketAddress)
    case name(String, port: UInt16)

    /// As `:authority` has it; a Unix socket is the machine's own.
    var authority: String {
        switch self {
        case .address(let address): address.ip == nil ? "localhost" : "\(address)"
        case .name(let name, let port): "\(name):\(port)"
        }
    }

    package init(_ address: NetworkAddress) {
        switch address {
        case .name(let name, let port): self = .name(name, port: port)
        case .ip(let text, let port):
            // The grammar has checked that these are digits.
            self = SocketAddress(host: text, port: port).map { .address($0) } ?? .name(text, port: port)
        case .unix(let path): self = .address(.unix(path))
        }
    }

    /// The name, or the address without its port, that a certificate must have.
    package var host: String {
        switch self {
        case .address(let address): address.host
        case .name(let name, _): name
        }
    }
}
