internal import Reactor

/// Why a channel has ended.
package enum ChannelEnd: Equatable {
    /// We closed it.
    case local
    /// The peer closed its side in order.
    case peer
    /// Reset, timed out or broken: errno.
    case broken(Int32)
    /// Could not be connected: errno.
    case unreachable(Int32)
    /// TLS ended it; the text is OpenSSL's reason.
    case security(String)

    /// What the other side, or the way to it, did, in OpenSSL's or the system's words; `nil` where we closed it.
    package var reason: String? {
        switch self {
        case .local: nil
        case .peer: "closed by the peer"
        case .broken(let code), .unreachable(let code): ErrorNumber.text(code)
        case .security(let reason): reason
        }
    }
}
