internal import Config
internal import Gateway
internal import Net
internal import Snapshots
internal import TLS
internal import Upstreams

/// Where a key set lies: an https URL, or an http URL where that is allowed, taken apart.
struct KeySetLocation: Equatable {
    var endpoint: EndpointAddress
    /// As Host has it.
    var authority: String
    /// With its query.
    var path: String
    var isSecure: Bool
    /// It may lead to http, too: it began there.
    private let allowsHTTP: Bool

    init(_ source: KeySetSource) {
        endpoint = source.endpoint
        authority = source.authority
        path = source.path
        isSecure = source.isSecure
        allowsHTTP = !source.isSecure
    }

    /// Where `location` points from here; `nil` for what is not followed: anything but https, and http where it began, and a path
    /// without its beginning, which no issuer needs.
    init?(_ location: String, from base: KeySetLocation) {
        let location = String(location.prefix { $0 != "#" })
        if location.hasPrefix("/"), !location.hasPrefix("//") {
            guard location.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
            self = base
            path = location
            return
        }
        let scheme = base.isSecure ? "https:" : "http:"
        guard let url = ServiceURL(location.hasPrefix("//") ? "\(scheme)\(location)" : location),
            url.scheme == "https" || base.allowsHTTP && url.scheme == "http", url.user == nil, url.password == nil,
            let address = url.address(defaultPort: url.scheme == "https" ? 443 : 80)
        else { return nil }
        isSecure = url.scheme == "https"
        allowsHTTP = base.allowsHTTP
        endpoint = EndpointAddress(address)
        authority = url.authority(defaultPort: isSecure ? 443 : 80)
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
    var description: String { "\(isSecure ? "https" : "http")://\(authority)\(path.prefix { $0 != "?" })" }
}
