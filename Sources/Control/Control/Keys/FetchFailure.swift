internal import HTTP1
internal import JOSE

/// Why a key set could not be had. Always the other side's, or the network's: the last good one stays.
enum FetchFailure: Error, Equatable {
    case unknownHost
    /// errno's text, of the last address that was tried.
    case unreachable(String)
    /// OpenSSL's reason.
    case security(String)
    case timedOut
    case connectionLost
    case status(Int)
    case malformed(HTTP1Failure)
    /// Than `KeySetExchange.bodyBytesMax`.
    case tooLarge
    /// A content coding, though none was asked for.
    case encoded
    case tooManyRedirects
    /// To anything but https.
    case badRedirect
    case unusable(KeySetFailure)
    case noUsableKey

    var text: String {
        switch self {
        case .unknownHost: "the host's address cannot be found"
        case .unreachable(let reason): "cannot connect: \(reason)"
        case .security(let reason): "TLS: \(reason)"
        case .timedOut: "no answer in time"
        case .connectionLost: "the connection was lost"
        case .status(let status): "the answer's status is \(status)"
        case .malformed(let failure): "the answer is no HTTP/1.1: \(failure.text)"
        case .tooLarge: "it is larger than \(KeySetExchange.bodyBytesMax >> 10) KiB"
        case .encoded: "the answer is compressed, which was not asked for"
        case .tooManyRedirects: "too many redirects"
        case .badRedirect: "redirected to something that is not an https URL"
        case .unusable(let failure): "the key set cannot be used: \(failure.reason)"
        case .noUsableKey: "it holds no key that can verify a token"
        }
    }
}
