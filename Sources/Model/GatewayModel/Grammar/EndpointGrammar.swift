internal import Config

extension Grammar where Value == EndpointsConfiguration {
    static var endpoints: Grammar {
        let list = Grammar<[EndpointConfiguration]>.endpointList
        return Grammar(expected: list.expected) { node, reader, expected in
            guard node.entries != nil else { return list.expecting(expected).read(node, reader).map { .list($0) } }
            return reader.section(node, expected: "\(expected), or a mapping with file") { section in
                section.required("file", .path("a file with a list of endpoints")).map { .file($0) }
            }
        }
    }
}

extension Grammar where Value == [EndpointConfiguration] {
    /// What stands under `endpoints`, or in the file that it names. Never empty, each once.
    static var endpointList: Grammar {
        let list = Grammar<[Located<EndpointConfiguration>]>.list(of: .endpoint)
        return Grammar(expected: list.expected) { node, reader, expected in
            guard let endpoints = list.expecting(expected).read(node, reader) else { return nil }
            var seen: Set<NetworkAddress> = []
            for endpoint in endpoints where !seen.insert(endpoint.value.address).inserted {
                reader.report(
                    "found \(Quoted.text(endpoint.value.address.description)) twice, expected each endpoint once",
                    at: endpoint.place)
            }
            return endpoints.map(\.value)
        }
    }
}

extension Grammar where Value == Located<EndpointConfiguration> {
    /// An address, or a mapping with one; at the place of the address.
    fileprivate static var endpoint: Grammar {
        let address = Grammar<Located<NetworkAddress>>.located(.peerAddress)
        return Grammar(expected: address.expected) { node, reader, expected in
            guard node.entries != nil else {
                return address.expecting(expected).read(node, reader).map { Located(EndpointConfiguration($0.value), at: $0.place) }
            }
            return reader.section(node) { section in
                if section.has("srv") { return service(section) }
                let address = section.required("address", address)
                let use = section.value("dns", .nameUse, default: .strict)
                if section.has("dns"), let address, !address.value.isName {
                    section.report("found beside an address that is no name, expected it beside a name", about: "dns")
                }
                let weight = section.value("weight", .count(1...EndpointConfiguration.weightMax), default: 1)
                let priority = section.value("priority", .count(0...EndpointConfiguration.priorityMax), default: 0)
                let locality = section.optional("locality", .name)
                return address.map {
                    Located(
                        EndpointConfiguration($0.value, use: use, weight: weight, priority: priority, locality: locality),
                        at: $0.place)
                }
            }
        }
    }

    /// Port, weight and priority are DNS's to say.
    private static func service(_ section: Section) -> Located<EndpointConfiguration>? {
        for key in ["address", "dns", "weight", "priority"] { section.exclude("srv", with: key) }
        let name = section.optional("srv", .located(.serviceName))
        let locality = section.optional("locality", .name)
        return name.map {
            Located(EndpointConfiguration(.name($0.value, port: 0), use: .service, locality: locality), at: $0.place)
        }
    }
}

extension Grammar where Value == NameUse {
    fileprivate static var nameUse: Grammar {
        Grammar(expected: "strict or logical") { (text: String) in
            switch text {
            case "strict": .value(NameUse.strict)
            case "logical": .value(.logical)
            default: .mismatch(hint: Spelling.hint(for: text, among: ["strict", "logical"]))
            }
        }
    }
}

extension Grammar where Value == String {
    /// The name of SRV records (RFC 2782): service and protocol with an underscore each, and where.
    fileprivate static var serviceName: Grammar {
        Grammar(expected: "a service such as _grpc._tcp.orders.internal") { (text: String) in
            guard let name = NetworkAddress.hostName(text) else { return .mismatch }
            let labels = name.split(separator: ".")
            guard labels.count >= 3, labels[0].first == "_", labels[1].first == "_" else { return .mismatch }
            return .value(name)
        }
    }
}

extension NetworkAddress {
    fileprivate var isName: Bool { if case .name = self { true } else { false } }
}
