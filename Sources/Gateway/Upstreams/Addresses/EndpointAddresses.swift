package import Net
package import Sockets

/// What an endpoint's name stands for at the moment, as the control thread has resolved it.
package final class EndpointAddresses: AddressSource {
    package var resolved: ResolvedNames
    private let endpoint: EndpointAddress

    package init(_ endpoint: EndpointAddress, resolved: ResolvedNames) {
        self.endpoint = endpoint
        self.resolved = resolved
    }

    package func find(_ completion: @escaping ([SocketAddress]) -> Void) { completion(resolved.addresses(of: endpoint)) }
}
