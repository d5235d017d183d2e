package import Net

/// What /etc/hosts says: names that need no query.
package struct HostTable: Sendable {
    private var addresses: [String: [SocketAddress]] = [:]

    package init(_ text: String = "") {
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" }
            guard let address = words.first.flatMap({ SocketAddress(host: String($0), port: 0) }) else { continue }
            for name in words.dropFirst() {
                var name = name.lowercased()
                if name.last == "." { name.removeLast() }
                if addresses[name]?.contains(address) != true { addresses[name, default: []].append(address) }
            }
        }
    }

    /// Addresses with port 0 of a name in lower case; none where it has to be asked for. Those in digits stand for themselves,
    /// and `localhost` never leaves the machine (RFC 6761, section 6.3).
    package func look(up name: String) -> [SocketAddress] {
        if let address = SocketAddress(host: name, port: 0) { return [address] }
        let bare = name.hasSuffix(".") ? String(name.dropLast()) : name
        if let known = addresses[bare] { return known }
        return bare == "localhost" || bare.hasSuffix(".localhost") ? [.ipv4(0x7f00_0001, port: 0)] : []
    }
}
