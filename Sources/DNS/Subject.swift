/// What is looked up.
package enum Subject: Hashable, Sendable {
    /// A host's addresses.
    case host(String)
    /// Who offers a service, and where: `_grpc._tcp.orders.internal`.
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
