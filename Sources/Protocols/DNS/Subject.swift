/// What is looked up.
package enum Subject: Hashable, Sendable {
    /// A host's addresses.
    case host(String)
    /// The hosts and ports that offer a service (SRV): `_grpc._tcp.orders.internal`.
    case service(String)

    package var name: String {
        switch self {
        case .host(let name), .service(let name): name
        }
    }

    /// The records that are asked for, all at once.
    var types: [RecordType] {
        switch self {
        case .host: [.a, .aaaa]
        case .service: [.srv]
        }
    }
}
