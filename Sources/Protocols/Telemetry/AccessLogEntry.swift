internal import Bytes
package import Time

/// What one line of the access log contains about one call.
///
/// Slices of memory of the call; they need live only until `AccessLogRing.append`. Empty texts and the
/// `nil`s are left out of the line. There is no place here for a token, a header or a query string: `path` is
/// cut at its question mark, because queries carry credentials.
package struct AccessLogEntry {
    package var time: WallTime
    package var requestID = Self.nothing
    package var downstreamAddress = Self.nothing
    package var protocolName = Self.nothing
    package var authority = Self.nothing
    package var method = Self.nothing
    package var path = Self.nothing
    package var grpcService = Self.nothing
    package var grpcMethod = Self.nothing
    package var route = Self.nothing
    package var cluster = Self.nothing
    package var upstreamAddress = Self.nothing
    /// 0 where no answer was begun.
    package var status: Int?
    package var grpcStatus: Int?
    /// Envoy's short response flag, or one of ours; `-` and nothing are left out.
    package var responseFlag = Self.nothing
    /// Another flag beside it.
    package var secondFlag = Self.nothing
    /// What happened: Envoy's response code detail where it has one.
    package var detail = Self.nothing
    /// The names of the rule and of the limit that refused the call.
    package var rule = Self.nothing
    package var limit = Self.nothing
    /// Of a call that was admitted: the limit with the fewest hits left.
    package var tightestLimit = Self.nothing
    /// What that limit, or the one that refused, counts the call by.
    package var limitKey = Self.nothing
    /// Why TLS to the endpoint failed.
    package var transportFailure = Self.nothing
    /// Rules and limits under trial that would have refused the call.
    package var shadow = Self.nothing
    /// How the call's limits were counted where not as configured.
    package var limits = Self.nothing
    /// Why a fallback served the call.
    package var fallback = Self.nothing
    package var bytesReceived: UInt64 = 0
    package var bytesSent: UInt64 = 0
    package var durationMicroseconds: UInt64 = 0
    package var upstreamDurationMicroseconds: UInt64?
    package var attempts = 0
    package var tenant = Self.nothing
    package var plan = Self.nothing
    package var subject = Self.nothing
    package var issuer = Self.nothing
    package var tlsVersion = Self.nothing
    package var userAgent = Self.nothing
    package var trace: TraceContext?

    package init(time: WallTime) { self.time = time }

    package static func text(_ literal: StaticString) -> UnsafeRawBufferPointer {
        BorrowedBytes(literal)
    }

    private static var nothing: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }
}
