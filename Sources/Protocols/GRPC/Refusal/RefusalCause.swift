/// Why the gateway does not serve a call. Each is one row of `RefusalRow`.
package enum RefusalCause: Sendable {
    // Finding the way
    case noRoute
    /// The path has a route, the method does not. `allow`: the methods that have, joined as the header wants them.
    case methodNotAllowed(allow: String)
    /// The path leads to a cluster with a schema, none of whose methods it means.
    case noMethod
    /// The cluster has not told its schema yet.
    case schemaUnknown(retryAfter: Duration?)
    case unsupportedContentType
    /// A body that would be read as JSON says that it is something else, or nothing.
    case bodyIsNotJSON
    /// Native gRPC over HTTP/1.1, which has no streams to carry it.
    case callerNeedsHTTP2
    /// A handshake of WebSocket, over HTTP/1.1 or as extended CONNECT.
    case webSocket
    /// Extended CONNECT for another protocol.
    case extendedConnect
    /// Native gRPC to a cluster that speaks HTTP/1.1.
    case clusterSpeaksHTTP1
    /// Only where we must read the message ourselves. `accepted`: what we can read, joined as the header wants it.
    case unsupportedCompression(accepted: String)

    // Who calls
    case unauthenticated(TokenFault)
    /// The issuer's keys were never loaded: not the caller's fault, so that no client discards a good token.
    case keySetUnavailable(retryAfter: Duration?)
    /// Too many tokens from this address have failed.
    case failedLogins(retryAfter: Duration)

    // What they may
    case permissionDenied(Denial)

    // How much
    case rateLimited(retryAfter: Duration?, limits: [LimitState])
    /// A limit counts by something that the request does not have.
    case limitKeyMissing
    /// The store is down, and the configuration says to deny then.
    case limitStoreUnavailable(retryAfter: Duration)

    // Upstream
    case noHealthyEndpoint(retryAfter: Duration?)
    /// No connection has room and the queue for one is full.
    case upstreamQueueFull(retryAfter: Duration?)
    /// A retry was due, and the cluster's budget has no room for it.
    case retryBudgetExhausted
    /// As much is under way to the cluster as its circuit breaker allows.
    case circuitFull(retryAfter: Duration?)
    /// So many calls have failed that none is let pass for now.
    case circuitOpen(retryAfter: Duration)
    /// Our own memory or stream caps.
    case overloaded(retryAfter: Duration?)
    /// No descriptor, or no memory of the kernel's, for a connection.
    case outOfSockets
    case connectFailed
    case connectionLost
    /// RST_STREAM with this error code, before an answer.
    case upstreamReset(http2ErrorCode: UInt32)
    case upstreamProtocolError
    /// The head of an answer is larger than what is passed on.
    case upstreamHeadTooLarge(bytesMax: Int, fieldsMax: Int)
    /// A message from upstream that cannot be converted for this caller; `field` and `problem` as of `malformedMessage`.
    case upstreamMalformedMessage(field: String, problem: String)
    /// A message from upstream that is larger than what is converted.
    case upstreamMessageTooLarge(bytesMax: Int)
    /// A whole answer with this HTTP status and no `grpc-status`.
    case upstreamWithoutStatus(httpStatus: Int)
    /// `grpc-status` is no code, or says two things; `found`: what stands there.
    case upstreamMalformedStatus(found: String)

    /// On purpose.
    case faultInjected(StatusCode, httpStatus: Int)

    // Time
    case deadlineExceeded(DeadlineStage)
    case slowRequestBody
    /// Nothing moved in either direction for too long.
    case streamIdle

    // Size and shape
    case messageTooLarge(bytesMax: Int)
    /// So little stands for so much that it is no text.
    case compressedTooMuch(ratioMax: Int)
    /// Over one of the two.
    case headTooLarge(bytesMax: Int, fieldsMax: Int)
    /// The head or the trailers that would go upstream, with what the gateway adds to them: more than the endpoint takes.
    case headTooLargeForUpstream(bytes: Int, bytesMax: Int)
    /// The head of an answer is larger than what its caller takes.
    case headTooLargeForCaller(bytes: Int, bytesMax: Int)
    case badPath
    /// A request that is not legal HTTP in some way that has no row of its own.
    case malformedHead
    /// The HTTP method is a standard one but for its case.
    case methodCase
    case hostMismatch
    /// SNI and authority choose different client-certificate policies (RFC 9110, section 15.5.20).
    case misdirected
    case malformedTimeout
    case malformedConnectTimeout
    /// Another version of Connect than the one there is.
    case unsupportedConnectVersion
    /// `field` names the place within the message, `problem` says what is wrong there.
    case malformedMessage(field: String, problem: String)

    /// The time that a leaving gateway gives running calls is over.
    case shuttingDown
    /// The time that running calls have on a connection that has reached its age is over.
    case connectionTooOld
    case internalError
}

/// What is wrong with a token, as far as the caller may know.
package enum TokenFault: UInt8, CaseIterable, Sendable {
    case missing, malformed, expired, notYetValid, unknownIssuer, unknownKey, badSignature, wrongAudience, invalidClaims
}

/// What stood against an authenticated (or welcome anonymous) caller.
package enum Denial: Sendable {
    /// A `deny` fits.
    case rule
    /// The `allow` does not fit; callers are told the same.
    case notAllowed
    /// A scope that the token lacks: `required` is the scope list as RFC 6750 writes it, joined with spaces.
    case scope(required: String)
    case tenantMissing
    case planUnknown
    /// By an operator.
    case tenantBlocked
}

/// What the call was waiting for when its time was up.
package enum DeadlineStage: UInt8, CaseIterable, Sendable {
    /// Keys, limits: whatever the filters wait for.
    case filters
    /// A connection to the endpoint.
    case connect
    /// The head of the answer.
    case response
    /// The rest of an answer that had begun.
    case stream
    /// Nothing: the pause before a retry.
    case retryPause
    /// The one attempt's own time, and no other follows.
    case perTry
    /// However long a call may go on, whatever its deadline.
    case duration
}
