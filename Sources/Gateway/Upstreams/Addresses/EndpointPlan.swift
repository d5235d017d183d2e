package import GatewayModel
internal import Net
internal import Sockets
internal import TLS

/// One entry of a cluster's endpoints.
package struct EndpointPlan: Sendable, Equatable {
    package var address: EndpointAddress
    package var use: NameUse
    package var weight: UInt32
    package var priority: Int

    package init(_ address: EndpointAddress, use: NameUse = .strict, weight: UInt32 = 1, priority: Int = 0) {
        self.address = address
        self.use = use
        self.weight = weight
        self.priority = priority
    }
}

/// One address of a cluster, and the name that its certificate must have.
struct EndpointPlace {
    let address: SocketAddress
    let serverName: ServerName?
    let plan: EndpointPlan

    /// Which endpoint it is: two names at one address are two where their certificates differ.
    var identity: String { serverName.map { "\(address) \($0)" } ?? "\(address)" }
}
