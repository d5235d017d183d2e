internal import Config
internal import Routing

/// A host, with or without a port, as a configuration writes it.
package enum AuthorityText {
    static func isHostAndPort(_ text: String) -> Bool {
        let (host, port) = split(text)
        if let port {
            guard !port.isEmpty, port.utf8.count <= 5, let number = Number.count(String(port)), (1...65535).contains(number) else {
                return false
            }
        }
        guard host == host.lowercased(), case .exact = try? RouteMatch.Authority(String(host)) else { return false }
        return true
    }

    /// The colons of an address stand in brackets.
    package static func split(_ text: String) -> (host: Substring, port: Substring?) {
        guard let colon = text.lastIndex(of: ":"), !text[colon...].contains("]") else { return (text[...], nil) }
        return (text[..<colon], text[text.index(after: colon)...])
    }
}
