import Bytes
import COpenSSL
import Glibc

@testable import TLS

/// What a test makes OpenSSL do that our own sessions never would.
extension Pair.End {
    func limit(to version: ProtocolVersion) {
        precondition(shim_test_limit(session.ssl, version.rawValue) == 1)
    }

    func renegotiate() {
        SSL_clear_options(session.ssl, shim_test_no_renegotiation())
        precondition(SSL_renegotiate(session.ssl) == 1)
        doHandshake()
    }

    /// Changes our key and asks the peer to change its own.
    func updateKey() {
        precondition(SSL_key_update(session.ssl, SSL_KEY_UPDATE_REQUESTED) == 1)
        doHandshake()
    }

    /// Runs OpenSSL's handshake whatever our own state says, its output into `output`.
    private func doHandshake() {
        withUnsafeMutablePointer(to: &output) { output in
            let wire = Wire.of(session.ssl)!
            wire.pointee.output = output
            defer { wire.pointee.output = nil }
            _ = SSL_do_handshake(session.ssl)
            ErrorQueue.clear()
        }
    }

    func setRecordsPerKeyMax(_ count: Int) { Wire.of(session.ssl)?.pointee.recordsPerKeyMax = count }

    /// Lets the session judge certificates as if it were `seconds` later or earlier.
    func shiftVerificationTime(_ seconds: Int) {
        X509_VERIFY_PARAM_set_time(SSL_get0_param(session.ssl), time(nil) + seconds)
    }

    var alertReceived: Alert? { Wire.of(session.ssl)?.pointee.alertReceived }
}
