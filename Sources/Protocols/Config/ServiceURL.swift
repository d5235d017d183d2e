internal import Net

/// `scheme://[user:password@]host:port[/path]`, or `scheme:///path`: how a configuration names a service.
package struct ServiceURL: Sendable, Equatable {
    package var scheme: String
    package var user: String?
    package var password: Secret?
    /// Empty where the URL has no host, as in `unix:///run/redis.sock`. Without brackets.
    package var host: String
    package var port: UInt16?
    /// With its leading slash; empty where there is none. A query stays part of it.
    package var path: String

    /// `nil` where the text is no such URL. User and password are percent-decoded (RFC 3986, section 2.1).
    package init?(_ text: String) {
        guard let schemeEnd = text.firstIndex(of: ":"), text[schemeEnd...].hasPrefix("://") else { return nil }
        scheme = text[..<schemeEnd].lowercased()
        guard let first = scheme.utf8.first, !Letters.isDigit(first), scheme.utf8.allSatisfy(Letters.isLetterOrDigit),
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { return nil }
        let rest = text[text.index(schemeEnd, offsetBy: 3)...]
        let slash = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
        path = String(rest[slash...])
        var authority = rest[..<slash]
        if let at = authority.lastIndex(of: "@") {
            let credentials = authority[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard let user = Self.decoded(credentials[0]) else { return nil }
            self.user = user.isEmpty ? nil : user
            if credentials.count == 2 {
                guard let password = Self.decoded(credentials[1]) else { return nil }
                self.password = Secret(password)
            }
            authority = authority[authority.index(after: at)...]
        }
        var name = authority
        if authority.hasPrefix("[") {
            guard let close = authority.firstIndex(of: "]") else { return nil }
            name = authority[authority.index(after: authority.startIndex)..<close]
            guard IPAddress.isV6(name), let address = IPAddress.canonical(name),
                let tail = Self.port(authority[authority.index(after: close)...])
            else { return nil }
            (host, port) = (address, tail)
        } else {
            if let colon = authority.firstIndex(of: ":") { name = authority[..<colon] }
            guard let tail = Self.port(authority[name.endIndex...]) else { return nil }
            guard name.isEmpty || IPAddress.canonical(name) != nil || NetworkAddress.hostName(name) != nil else { return nil }
            (host, port) = (name.lowercased(), tail)
        }
        guard !host.isEmpty || (port == nil && user == nil && password == nil) else { return nil }
    }

    /// Nothing, or `:` and a port; `nil` for anything else.
    private static func port(_ text: Substring) -> UInt16?? {
        if text.isEmpty { return .some(nil) }
        let digits = text.dropFirst()
        guard text.first == ":", !digits.isEmpty, digits.utf8.allSatisfy(Letters.isDigit), let port = UInt16(digits),
            port > 0
        else { return nil }
        return .some(port)
    }

    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else { bytes.append(byte); continue }
            guard rest.count >= 2, let value = UInt8(String(Substring(rest.prefix(2))), radix: 16) else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// Where in `text` the user and password stand, whether or not the text is a URL: from `://` to the last `@`.
    private static func credentials(in text: String) -> Range<String.Index>? {
        guard let at = text.lastIndex(of: "@") else { return nil }
        var start = text.startIndex
        if let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") {
            start = text.index(colon, offsetBy: 3)
        }
        return start <= at ? start..<at : nil
    }

    /// As Host has it: without a dot at its end, and without the port that is the scheme's own.
    package func authority(defaultPort: UInt16) -> String {
        let host = IPAddress.isV6(host) ? "[\(host)]" : NetworkAddress.withoutDot(host)
        return port.map { $0 == defaultPort ? host : "\(host):\($0)" } ?? host
    }

    /// The text with its user and password hidden.
    package static func redacted(_ text: String) -> String {
        guard let hidden = credentials(in: text) else { return text }
        return "\(text[..<hidden.lowerBound])***\(text[hidden.upperBound...])"
    }

    /// Whether the user and password of a URL, as written, come from a variable.
    fileprivate static func hidesPassword(_ written: String) -> Bool {
        guard let credentials = credentials(in: written) else { return true }
        return written[credentials].contains("${")
    }

    /// The host and port as an address, with the scheme's own port where none is given.
    package func address(defaultPort: UInt16? = nil) -> NetworkAddress? {
        guard let port = port ?? defaultPort, !host.isEmpty else { return nil }
        return IPAddress.canonical(host).map { .ip($0, port: port) } ?? .name(host, port: port)
    }
}

extension Grammar {
    /// A URL that may hold a password: never shown in full, and a password written out in the file gets a warning.
    package static func serviceURL(
        _ expected: String, parse: @escaping (ServiceURL) -> Value?
    ) -> Grammar {
        Grammar(expected: expected) { node, reader, expected in
            guard let scalar = node.scalar, !scalar.isAbsent else {
                reader.reportMismatch(node, expected: expected)
                return nil
            }
            guard !scalar.isBroken else { return nil }
            let url = ServiceURL(scalar.text)
            guard let url, let value = parse(url) else {
                let found = Quoted.text(ServiceURL.redacted(scalar.written))
                reader.report("found \(found), expected \(expected)", at: node.place)
                return nil
            }
            if url.password != nil, !ServiceURL.hidesPassword(scalar.written) {
                reader.report(
                    "the password is written out in this file; better \(Grammar<Secret>.secretExpected) under password",
                    at: node.place, severity: .warning)
            }
            return value
        }
    }
}
