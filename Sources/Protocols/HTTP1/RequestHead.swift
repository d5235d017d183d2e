package import HTTPModel

/// A request's first line and what its fields mean to the connection.
///
/// The slices lie in the `FieldBlock` that the head was read into and are valid until its `reset`. All fields, Host and
/// hop-by-hop ones included, are in that block, their names in lower case.
package struct RequestHead {
    package let method: HTTPMethod
    package let methodName: UnsafeRawBufferPointer
    /// Path and query as sent, from the first slash; `*` for the whole server. An absolute-form target is taken apart.
    package let target: UnsafeRawBufferPointer
    /// As sent, port included; empty only in HTTP/1.0 without Host.
    package internal(set) var authority: UnsafeRawBufferPointer
    package let version: HTTP1Version
    package internal(set) var body: BodyFraming
    /// Whether the caller would send another request on this connection.
    package internal(set) var keepsAlive: Bool
    /// The caller holds the body back until it gets 100 (or a final answer); never set in HTTP/1.0 or without a body.
    package internal(set) var expectsContinue: Bool
    /// An opening handshake (RFC 6455, section 4.2.1), or what means to be one; never set in HTTP/1.0, which has no Upgrade.
    package internal(set) var asksForWebSocket = false

    static var none: RequestHead {
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        return RequestHead(
            method: .other, methodName: nothing, target: nothing, authority: nothing, version: .http11, body: .none,
            keepsAlive: false, expectsContinue: false)
    }
}
