package import Config

/// Where a cluster's endpoints are written.
package enum EndpointsConfiguration: Sendable, Equatable {
    /// Each once.
    case list([EndpointConfiguration])
    /// A file with such a list, looked at whenever it changes.
    case file(String)
}

/// What a name in `endpoints` stands for.
package enum NameUse: Sendable {
    /// All of its addresses, each an endpoint.
    case strict
    /// One of its addresses, for as long as there is a connection.
    case logical
    /// Hosts that offer a service (SRV), with ports, weights and priorities of their own.
    case service
}

/// One entry of `endpoints`.
package struct EndpointConfiguration: Sendable, Equatable {
    /// Of a service it has port 0.
    package var address: NetworkAddress
    package var use = NameUse.strict
    package var weight: Int
    /// 0 is used first, the next one when that cannot carry all calls.
    package var priority: Int
    /// Those of the cluster's own are used before others of their priority.
    package var locality: String?

    package init(
        _ address: NetworkAddress, use: NameUse = .strict, weight: Int = 1, priority: Int = 0, locality: String? = nil
    ) {
        self.address = address
        self.use = use
        self.weight = weight
        self.priority = priority
        self.locality = locality
    }

    package static let weightMax = 1_000_000
    package static let priorityMax = 127
}
