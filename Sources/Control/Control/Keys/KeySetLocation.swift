internal import Config
internal import Gateway
internal import Net
internal import Snapshots
internal import TLS
internal import Upstreams

/// Where a key set lies: an https URL, taken apart.
struct KeySetLocation: Equatable {
    var endpoint: EndpointAddress
    /// As Host has it.
    var authority: String
    /// With its query.
    var path: String

    init(_ source: KeySetSource) {
        endpoint = source.endpoint
        authority = source.authority
        path = source.path
    }

    /// Where `location` points from here; `nil` for what is not followed: anything but https, and a path without its
    /// beginning, which no issuer needs.
    init?(_ location: String, from base: KeySetLocation) {
        let location = String(location.prefix { $0 != "#" })
        if location.hasPrefix("/"), !location.hasPrefix("//") {
            guard location.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
            self = base
            path = location
            return
        }
        guard let url = ServiceURL(location.hasPrefix("//") ? "https:\(location)" : location), url.scheme == "https",
            url.user == nil, url.password == nil, let address = url.address(defaultPort: 443)
        else { return nil }
        endpoint = EndpointAddress(address)
        authority = url.authority(defaultPort: 443)
        path = url.path.hasPrefix("/") ? url.path : "/\(url.path)"
    }

    /// What the server's certificate must bear.
    var serverName: ServerName? {
        switch endpoint {
        case .address(let address): ServerName(address.host)
        case .name(let name, _): ServerName(name)
        }
    }

    /// For people; without the query, which may hold what is not for a log.
    var description: String { "https://\(authority)\(path.prefix { $0 != "?" })" }
}
