/// `cors` of a route: pages of which origins may call it from a browser.
package struct CORSConfiguration: Sendable, Equatable {
    package var origins: [Origin]
    /// What pages may send beyond what gRPC-Web and Connect need.
    package var headers: [String]
    /// What they may read of an answer beyond that.
    package var exposed: [String]
    package var methods: [String]
    /// How long a browser remembers the permission.
    package var maxAge: Duration
    /// Cookies and client certificates may be sent.
    package var credentials: Bool

    package enum Origin: Sendable, Equatable {
        case any
        case exactly(String)
        /// Every host below a domain: `https://` and `.acme.dev`.
        case below(scheme: String, domain: String)
    }
}
