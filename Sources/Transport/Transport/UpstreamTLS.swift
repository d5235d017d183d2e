package import TLS

/// How upstream connections are secured. Equal only to itself: a reload that read the files again makes another.
package struct UpstreamTLS: Sendable, Equatable {
    package let context: ClientContext
    /// Of the settings and file contents that `context` was made from.
    package let digest: [UInt8]
    /// `nil` where each endpoint's own name or address is meant.
    package let serverName: ServerName?

    package init(context: ClientContext, digest: [UInt8], serverName: ServerName?) {
        self.context = context
        self.digest = digest
        self.serverName = serverName
    }

    /// For a connection to `host`; without a name where `host` is none that a certificate can have.
    package func securing(_ host: String) -> (context: ClientContext, name: ServerName?) {
        (context, serverName ?? ServerName(host))
    }

    package static func == (left: UpstreamTLS, right: UpstreamTLS) -> Bool {
        left.digest == right.digest && left.serverName == right.serverName
    }
}
