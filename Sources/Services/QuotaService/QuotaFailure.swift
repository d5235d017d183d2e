internal import GRPC
internal import Transport

/// Why nothing was told, or nothing changed.
enum QuotaFailure: Error, Equatable {
    /// What is wrong with the request.
    case invalid(String)
    case notFound(String)
    /// What it would be about does not allow it, such as a list that is full.
    case exhausted(String)
    case unsupported(String)
    /// It came another way than by a Unix socket.
    case notAllowed(String)
    /// The store; why.
    case unavailable(String)

    var status: CallStatus {
        switch self {
        case .invalid(let words): CallStatus(.invalidArgument, words)
        case .notFound(let words): CallStatus(.notFound, words)
        case .exhausted(let words): CallStatus(.resourceExhausted, words)
        case .unsupported(let words): CallStatus(.failedPrecondition, words)
        case .notAllowed(let words): CallStatus(.permissionDenied, words)
        case .unavailable(let words): CallStatus(.unavailable, "the store: \(words)")
        }
    }
}
