package import GRPC
package import HTTPModel

/// Why an attempt is over without an answer.
package enum AttemptFailure {
    /// There was no endpoint to ask.
    case refused(RefusalCause)
    case connectFailed
    /// Its connection had begun to drain when the request was to be sent.
    case connectionDraining
    case closed(StreamClose)
    /// Its `per_try_timeout` is over.
    case timedOut(wasSent: Bool)

    /// What the caller is told, where no other attempt follows.
    package var cause: RefusalCause {
        switch self {
        case .refused(let cause): cause
        case .connectFailed, .connectionDraining: .connectFailed
        case .closed(.complete): .upstreamReset(http2ErrorCode: ErrorCode.noError.rawValue)
        case .closed(.reset(let code)): .upstreamReset(http2ErrorCode: code)
        case .closed(.malformed): .upstreamProtocolError
        case .closed(.connectionLost), .closed(.connectionStale), .closed(.limitExceeded): .connectionLost
        case .closed(.unprocessed): .upstreamReset(http2ErrorCode: ErrorCode.refusedStream.rawValue)
        case .timedOut: .deadlineExceeded(.perTry)
        }
    }

    /// The request was not sent, no upstream has looked at it, or perhaps none has.
    package var mayBeResent: Bool {
        switch self {
        case .connectFailed, .connectionDraining, .closed(.unprocessed), .closed(.connectionStale): true
        case .refused, .closed, .timedOut: false
        }
    }

    /// An endpoint was sent the request, whatever became of it.
    package var reachedEndpoint: Bool {
        switch self {
        case .closed: true
        case .timedOut(let wasSent): wasSent
        case .refused, .connectFailed, .connectionDraining: false
        }
    }

    /// As what follows depends on it.
    package var kind: RetryMachine.Failure {
        switch self {
        case .refused: .refused
        case .connectFailed, .connectionDraining: .connectFailed
        case .closed(.unprocessed): .unprocessed
        case .closed(.connectionStale): .stale
        case .closed: .reset
        case .timedOut(let wasSent): wasSent ? .timedOut : .timedOutUnsent
        }
    }
}
