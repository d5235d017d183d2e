/// Why a command got no reply. A reply that is an error of the server's is a reply.
package enum RedisFailure: Error, Equatable {
    /// There is no connection at present; the next attempt waits for its turn.
    case notConnected
    /// As many commands as may be in flight are.
    case queueFull
    /// No reply in time. The command may have been carried out, and its reply is thrown away when it comes.
    case timedOut
    /// The connection broke with the command in flight: it may have been carried out.
    case connectionLost
    /// The server sent what is not RESP2, or more than we hold; the connection is given up.
    case malformedReply(String)
    /// The server did not let us in, in its own words.
    case refused(String)
    /// The server answers what says that this connection does not lead to one that decides (`RedisErrorReply`), in its own words.
    case unfit(String)
    /// No connection could be made, or it ended before the server had said anything; why, in the system's words.
    case unreachable(String)
    /// TLS failed; OpenSSL's reason.
    case security(String)
}
