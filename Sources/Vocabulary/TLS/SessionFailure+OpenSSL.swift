internal import COpenSSL

extension SessionFailure {
    /// Reads OpenSSL's report of a call that failed.
    init(error: Int32, entry: ErrorQueue.Entry?, wire: Wire, verification: Int) {
        if wire.noiseCount > Wire.noiseCountMax {
            self.init(kind: .noise, reason: "too many handshake messages")
        } else if let entry, entry.library == ERR_LIB_SSL {
            self.init(entry, wire, verification)
        } else {
            // Not from the protocol (want of memory, a provider's refusal), or an error that our BIO never causes.
            let byPeer = wire.alertSent.map { $0 != .internalError } ?? false
            self.init(kind: byPeer ? .violation : .ourFault, reason: entry?.text ?? "error \(error)")
        }
    }

    private init(_ entry: ErrorQueue.Entry, _ wire: Wire, _ verification: Int) {
        switch entry.reason {
        case SSL_AD_REASON_OFFSET...SSL_AD_REASON_OFFSET + 255:
            let alert = Alert(rawValue: UInt8(truncatingIfNeeded: entry.reason - SSL_AD_REASON_OFFSET))
            self.init(kind: .peerAlert(alert), reason: alert.description)
        case SSL_R_CERTIFICATE_VERIFY_FAILED:
            let reason = X509_verify_cert_error_string(verification).map { String(cString: $0) }
            self.init(kind: .certificate, reason: reason ?? entry.text)
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
            self.init(kind: .certificate, reason: "no certificate was shown")
        case SSL_R_PROTOCOL_IS_SHUTDOWN:
            self.init(kind: .ourFault, reason: "write after close")
        case _ where wire.alertSent == .noApplicationProtocol:
            self.init(kind: .applicationProtocol, reason: "no application protocol")
        default:
            // Without an alert of ours, or with internal_error, the peer was not the one at fault.
            let byPeer = wire.alertSent.map { $0 != .internalError } ?? true
            self.init(kind: byPeer ? .violation : .ourFault, reason: entry.text)
        }
    }
}
