internal import HTTPModel

/// How a response to a given request is framed on the wire (RFC 9112, section 6).
///
/// Chosen before its head is written: `HTTP1Writer.responseHead` writes what it says, and the owner acts on it afterwards.
package struct ResponsePlan: Equatable, Sendable {
    package let body: BodyFraming
    /// False for HEAD, 204 and 304: the head may describe a body, but none is sent.
    package let sendsBody: Bool
    /// Whether the connection stays open for another request.
    package let keepsAlive: Bool
    package let version: HTTP1Version

    /// - Parameters:
    ///   - length: the body's length where it is known beforehand.
    ///   - mayKeepAlive: false while draining, or where the request's body was not read to its end.
    package init(answering request: RequestHead, status: Int, length: UInt64?, mayKeepAlive: Bool = true) {
        version = request.version
        sendsBody = request.method != .head && status >= 200 && status != 204 && status != 304
        let framing: BodyFraming
        if status < 200 || status == 204 {
            framing = .none
        } else if let length {
            framing = .length(length)
        } else if !sendsBody {
            framing = .none
        } else {
            framing = request.version == .http11 ? .chunked : .untilClose
        }
        body = framing
        keepsAlive = request.keepsAlive && mayKeepAlive && framing != .untilClose
    }

    /// For a request that could not be read: whatever it was, the connection ends.
    package init(refusingWithLength length: UInt64) {
        body = .length(length)
        sendsBody = true
        keepsAlive = false
        version = .http11
    }
}
