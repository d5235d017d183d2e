internal import Net

/// Where to listen or whom to call: an address and port, a host name and port, or a Unix socket.
package enum NetworkAddress: Sendable, Hashable {
    /// In digits, the shortest form, IPv6 without brackets: what `SocketAddress(host:port:)` takes.
    case ip(String, port: UInt16)
    /// To be looked up. Lower case; with a dot at its end it is complete, and sought within no search domain.
    case name(String, port: UInt16)
    /// The path of a Unix socket.
    case unix(String)

    /// `10.0.0.1:80`, `[::1]:80`, `host.example:80` or `unix:/path`; `nil` for anything else.
    package init?(_ text: String) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            guard path.hasPrefix("/"), path.utf8.count <= SocketAddress.unixPathBytesMax, !path.utf8.contains(0) else { return nil }
            self = .unix(path)
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = Self.port(text[text.index(after: colon)...]) else {
            return nil
        }
        let host = text[..<colon]
        if host.hasPrefix("[") {
            guard host.hasSuffix("]"), case let inside = host.dropFirst().dropLast(),
                IPAddress.isV6(inside), let address = IPAddress.canonical(inside)
            else { return nil }
            self = .ip(address, port: port)
        } else if let address = IPAddress.canonical(host) {
            // A bare IPv6 address: where it ends and the port begins would be a guess.
            guard !IPAddress.isV6(address) else { return nil }
            self = .ip(address, port: port)
        } else {
            guard let name = Self.hostName(host) else { return nil }
            self = .name(name, port: port)
        }
    }

    private static func port(_ text: Substring) -> UInt16? {
        guard !text.isEmpty, text.utf8.allSatisfy(Letters.isDigit) else { return nil }
        return UInt16(text)
    }

    /// A DNS name in lower case, its labels as in RFC 1123, section 2.1, with `_` because real networks have it. A last
    /// label of digits only is a misspelt IPv4 address and not a name. A dot at its end stays.
    package static func hostName(_ text: some StringProtocol) -> String? {
        let name = text.lowercased()
        let bare = withoutDot(name)
        guard !bare.isEmpty, bare.utf8.count <= 253 else { return nil }
        let labels = bare.split(separator: ".", omittingEmptySubsequences: false)
        for label in labels {
            guard !label.isEmpty, label.utf8.count <= 63, label.first != "-", label.last != "-",
                label.utf8.allSatisfy({ Letters.isName($0) })
            else { return nil }
        }
        guard let last = labels.last, !last.utf8.allSatisfy(Letters.isDigit) else { return nil }
        return name
    }

    /// Without the dot at its end: as certificates, SNI (RFC 6066, section 3) and `:authority` have it.
    package static func withoutDot(_ name: String) -> String { name.hasSuffix(".") ? String(name.dropLast()) : name }

    /// As requests are addressed to it, with its port; `nil` for a Unix socket.
    package var authority: String? {
        switch self {
        case .ip: description
        case .name(let name, let port): "\(Self.withoutDot(name)):\(port)"
        case .unix: nil
        }
    }

    package var port: UInt16? {
        switch self {
        case .ip(_, let port), .name(_, let port): port
        case .unix: nil
        }
    }
}

extension NetworkAddress: CustomStringConvertible {
    package var description: String {
        switch self {
        case .ip(let address, let port): IPAddress.isV6(address) ? "[\(address)]:\(port)" : "\(address):\(port)"
        case .name(let name, let port): "\(name):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}

extension Grammar where Value == NetworkAddress {
    /// Where to listen: port 0 lets the system choose one.
    package static var listenAddress: Grammar {
        Grammar(expected: "an address to listen on such as 0.0.0.0:8443, \"[::]:8443\" or unix:/run/martlet.sock") {
            (text: String) in
            guard let address = NetworkAddress(text) else { return .mismatch }
            if case .name = address { return .mismatch }
            return .value(address)
        }
    }

    /// Whom to call.
    package static var peerAddress: Grammar {
        Grammar(expected: "an address such as 10.0.0.11:50051, \"[::1]:50051\", orders.internal:50051 or unix:/run/orders.sock") {
            (text: String) in
            guard let address = NetworkAddress(text), address.port != 0 else { return .mismatch }
            return .value(address)
        }
    }
}
