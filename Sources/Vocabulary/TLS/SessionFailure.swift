/// Why a session ended before its time. After it the session is dead and every call throws it again.
///
/// `reason` is OpenSSL's own text or ours; it never holds key material, plaintext or names from a certificate.
/// Where we owe the peer an alert, it is already in the output given to the call that threw: flush, then close.
package struct SessionFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Kind: Hashable, Sendable {
        /// The peer ended the session with a fatal alert; why is its business.
        case peerAlert(Alert)
        /// The peer's certificate is missing, does not lead to a trusted authority, or bears another name.
        case certificate
        /// Both speak TLS but share no application protocol.
        case applicationProtocol
        /// The peer broke the protocol, or shares no version, cipher or group with us.
        case violation
        /// The connection ended without close_notify: what was read may not be all (RFC 8446, section 6.1).
        case truncated
        /// More handshake messages and warnings between two pieces of data than an honest peer sends.
        case noise
        /// Our own bug or want of memory.
        case ourFault
    }

    package let kind: Kind
    package let reason: String

    package var description: String {
        switch kind {
        case .peerAlert(let alert): "the peer sent the alert \"\(alert)\""
        case .certificate: "certificate refused: \(reason)"
        case .applicationProtocol: "no application protocol in common"
        case .violation: "protocol violation: \(reason)"
        case .truncated: "the connection ended without close_notify"
        case .noise: "too many handshake messages without data"
        case .ourFault: "internal TLS failure: \(reason)"
        }
    }
}
