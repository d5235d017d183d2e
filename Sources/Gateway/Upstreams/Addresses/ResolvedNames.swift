package import DNS
package import Net

/// What names stand for, as last looked up. One that has not been looked up yet is not among them.
package struct ResolvedNames: Sendable {
    package var addresses: [String: [SocketAddress]]
    package var services: [String: [ServiceTarget]]

    package init(_ addresses: [String: [SocketAddress]] = [:], services: [String: [ServiceTarget]] = [:]) {
        self.addresses = addresses
        self.services = services
    }

    /// The name under which a service's host is looked up: with the dot that makes it absolute.
    package static func key(of target: ServiceTarget) -> String { target.host.description + "." }
}

extension ResolvedNames {
    /// None where the name is not known.
    package func addresses(of endpoint: EndpointAddress) -> [SocketAddress] {
        switch endpoint {
        case .address(let address): [address]
        case .name(let name, let port): (addresses[name] ?? []).map { $0.with(port: port) }
        }
    }
}
