package import Config
package import Net
package import TLS

/// Whom to call, and how it is spoken to.
package struct CallTarget {
    /// As it was written, for messages.
    package let name: String
    /// Tried one after the other.
    package let addresses: [SocketAddress]
    /// `:authority`.
    package let authority: String
    package let tls: (context: ClientContext, name: ServerName)?

    package init(name: String, addresses: [SocketAddress], authority: String, tls: (context: ClientContext, name: ServerName)?) {
        self.name = name
        self.addresses = addresses
        self.authority = authority
        self.tls = tls
    }

    package var isSecure: Bool { tls != nil }
}

extension NetworkAddress {
    /// The host, where it has one: what a certificate is to bear unless something else is said.
    package var host: String? {
        switch self {
        case .ip(let text, _), .name(let text, _): text
        case .unix: nil
        }
    }
}
