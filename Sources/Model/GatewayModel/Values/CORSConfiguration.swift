package import Matching

/// `cors` of a route: pages of which origins may call it from a browser.
package struct CORSConfiguration: Sendable, Equatable {
    package var origins: ValueMatch
    /// `null` is named: the origin of pages in sandboxes and files, whoever wrote them. No other test takes it.
    package var takesNull: Bool
    package var headers: Headers
    /// What they may read of an answer beyond what gRPC-Web and Connect need.
    package var exposed: [String]
    package var methods: [String]
    /// How long a browser remembers the permission.
    package var maxAge: Duration
    package var credentials: Credentials
    /// Pages of public networks may call although the gateway is in a private one.
    package var allowsPrivateNetwork: Bool

    package enum Headers: Sendable, Equatable {
        /// What pages may send beyond what gRPC-Web and Connect need.
        case named([String])
        /// Whatever a page asks for.
        case any
    }

    /// Whether cookies and client certificates may be sent.
    package enum Credentials: Sendable, Equatable {
        case refused
        case allowed
        /// Also by pages of any origin at all.
        case allowedToAnyOrigin
    }
}
