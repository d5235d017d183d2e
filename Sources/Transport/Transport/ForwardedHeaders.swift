/// What upstreams are told of a request as it arrived, beside `x-forwarded-for` and `x-forwarded-proto`, which are always sent.
package struct ForwardedHeaders: OptionSet, Sendable, Equatable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// `x-forwarded-host`: the authority that the caller named.
    package static var host: ForwardedHeaders { ForwardedHeaders(rawValue: 1) }
    /// `x-forwarded-port`: its port, or that of the scheme.
    package static var port: ForwardedHeaders { ForwardedHeaders(rawValue: 2) }
    /// `x-forwarded-prefix`: what a rewrite has taken from the beginning of the path.
    package static var prefix: ForwardedHeaders { ForwardedHeaders(rawValue: 4) }
    /// `x-real-ip`: the client's address.
    package static var realIP: ForwardedHeaders { ForwardedHeaders(rawValue: 8) }
    /// `forwarded` (RFC 7239).
    package static var rfc7239: ForwardedHeaders { ForwardedHeaders(rawValue: 16) }
}
