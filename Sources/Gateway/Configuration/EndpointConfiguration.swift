package import Config

/// Where a cluster's endpoints are written.
package enum EndpointsConfiguration: Sendable, Equatable {
    /// Each once.
    case list([EndpointConfiguration])
    /// A file with such a list, looked at whenever it changes.
    case file(Located<String>)
}

/// One entry of `endpoints`. A name is looked up, and stands for all of its addresses.
package struct EndpointConfiguration: Sendable, Equatable {
    package var address: Located<NetworkAddress>
    package var weight: Int
    /// 0 is used first, the next one when that cannot carry all calls.
    package var priority: Int
    /// Those of the cluster's own are used before others of their priority.
    package var locality: String?

    package init(_ address: Located<NetworkAddress>, weight: Int = 1, priority: Int = 0, locality: String? = nil) {
        self.address = address
        self.weight = weight
        self.priority = priority
        self.locality = locality
    }

    package static let weightMax = 1_000_000
    package static let priorityMax = 127
}

extension Grammar where Value == EndpointsConfiguration {
    static var endpoints: Grammar {
        let list = Grammar<[EndpointConfiguration]>.endpointList
        return Grammar(expected: list.expected) { node, reader, expected in
            guard node.entries != nil else { return list.expecting(expected).read(node, reader).map { .list($0) } }
            return reader.section(node, expected: "\(expected), or a mapping with file") { section in
                section.required("file", .located(.path("a file with a list of endpoints"))).map { .file($0) }
            }
        }
    }
}

extension Grammar where Value == [EndpointConfiguration] {
    /// What stands under `endpoints`, or in the file that it names. Never empty, each once.
    static var endpointList: Grammar {
        let list = Grammar.list(of: .endpoint)
        return Grammar(expected: list.expected) { node, reader, expected in
            guard let endpoints = list.expecting(expected).read(node, reader) else { return nil }
            var seen: Set<NetworkAddress> = []
            for endpoint in endpoints where !seen.insert(endpoint.address.value).inserted {
                reader.report(
                    "found \(Quoted.text(endpoint.address.value.description)) twice, expected each endpoint once",
                    at: endpoint.address.place)
            }
            return endpoints
        }
    }
}

extension Grammar where Value == EndpointConfiguration {
    /// An address, or a mapping with one.
    fileprivate static var endpoint: Grammar {
        let address = Grammar<Located<NetworkAddress>>.located(.peerAddress)
        return Grammar(expected: address.expected) { node, reader, expected in
            guard node.entries != nil else {
                return address.expecting(expected).read(node, reader).map { EndpointConfiguration($0) }
            }
            return reader.section(node) { section in
                let address = section.required("address", address)
                let weight = section.value("weight", .count(1...EndpointConfiguration.weightMax), default: 1)
                let priority = section.value("priority", .count(0...EndpointConfiguration.priorityMax), default: 0)
                let locality = section.optional("locality", .name)
                return address.map { EndpointConfiguration($0, weight: weight, priority: priority, locality: locality) }
            }
        }
    }
}
