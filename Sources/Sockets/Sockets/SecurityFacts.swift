package import TLS

/// A session and the place it lives in: a handle without copies needs one owner.
final class Security {
    let session: Session

    init(_ session: consuming Session) { self.session = session }
}

/// What TLS found out about the other side.
package struct SecurityFacts: Sendable {
    package let version: ProtocolVersion?
    package let cipher: String
    package let applicationProtocol: ApplicationProtocol?
    package let serverName: String?
    package let isResumed: Bool
    package let peerCertificate: CertificateInfo?
}

extension ByteChannel {
    /// `nil` without TLS, and before its handshake is done. Made anew at each call.
    package var securityFacts: SecurityFacts? {
        guard let security, security.session.isEstablished else { return nil }
        return SecurityFacts(
            version: security.session.version, cipher: security.session.cipher,
            applicationProtocol: security.session.applicationProtocol, serverName: security.session.serverName,
            isResumed: security.session.isResumed, peerCertificate: security.session.peerCertificate)
    }

    package var isSecure: Bool { security != nil }
}
