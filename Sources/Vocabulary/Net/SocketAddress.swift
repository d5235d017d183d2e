/// Where a socket listens or connects: an IPv4 or IPv6 address with its port, or the path of a Unix socket.
package enum SocketAddress: Hashable, Sendable, CustomStringConvertible {
    /// Address and port in host order.
    case ipv4(UInt32, port: UInt16)
    /// In host order. An IPv4-mapped one is reached through an IPv6 socket.
    case ipv6(UInt128, port: UInt16, scope: UInt32)
    /// A path of at most 107 bytes: `sun_path` holds 108 and ends in a zero (unix(7)).
    case unix(String)

    package static let unixPathBytesMax = 107

    /// An address in digits, or `unix:` with a path; `nil` for names and for anything malformed.
    ///
    ///     127.0.0.1:8080    [::1]:8080    unix:/run/martlet.sock
    package init?(_ text: String) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            guard !path.isEmpty, path.utf8.count <= Self.unixPathBytesMax else { return nil }
            self = .unix(path)
            return
        }
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let host = String(text[..<colon])
        let digits = text[text.index(after: colon)...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let port = UInt16(digits) else {
            return nil
        }
        self.init(host: host, port: port)
    }

    /// `host` is IPv4, or IPv6 with or without brackets, in digits.
    package init?(host: String, port: UInt16) {
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        let digits = isBracketed ? String(host.dropFirst().dropLast()) : host
        guard let address = IPAddress(digits) else { return nil }
        if IPAddress.isV6(digits) {
            self = .ipv6(address.bits, port: port, scope: 0)
        } else {
            guard !isBracketed else { return nil }
            self = .ipv4(address.v4, port: port)
        }
    }

    package var port: UInt16? {
        switch self {
        case .ipv4(_, let port), .ipv6(_, let port, _): port
        case .unix: nil
        }
    }

    /// The same address with another port; a Unix path stays as it is.
    package func with(port: UInt16) -> SocketAddress {
        switch self {
        case .ipv4(let address, _): .ipv4(address, port: port)
        case .ipv6(let bits, _, let scope): .ipv6(bits, port: port, scope: scope)
        case .unix: self
        }
    }

    /// Whether one socket listening here and another there would be in each other's way.
    package func overlaps(_ other: SocketAddress) -> Bool {
        if case .unix = self { return self == other }
        return port == other.port && (ip == other.ip || isWildcard || other.isWildcard)
    }

    /// Every address of its family.
    private var isWildcard: Bool {
        switch self {
        case .ipv4(let address, _): address == 0
        case .ipv6(let bits, _, _): bits == 0
        case .unix: false
        }
    }

    /// The address without its port; `nil` for a Unix socket.
    package var ip: IPAddress? {
        switch self {
        case .ipv4(let address, _): IPAddress(v4: address)
        case .ipv6(let bits, _, _): IPAddress(bits: bits)
        case .unix: nil
        }
    }

    /// The address alone, without port: `10.0.0.1`, `2001:db8::1`, or `unix:` for a Unix socket.
    package var host: String {
        switch self {
        case .ipv4(let address, _): IPAddress(v4: address).description
        case .ipv6(let bits, _, _): IPAddress(bits: bits).textAsV6
        case .unix: "unix:"
        }
    }

    package var description: String {
        switch self {
        case .ipv4(_, let port): "\(host):\(port)"
        case .ipv6(_, let port, _): "[\(host)]:\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}
