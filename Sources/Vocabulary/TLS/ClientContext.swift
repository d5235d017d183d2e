internal import COpenSSL

/// What a client needs to know to speak TLS with a server.
package struct ClientSettings: Sendable {
    package var authorities: CertificateAuthorities
    package var minimumVersion: ProtocolVersion = .tls12
    /// Offered in this order. Without `.http1`, a server that selects none is turned away; empty offers none.
    package var applicationProtocols: [ApplicationProtocol] = [.http2]
    /// Shown where the server asks for a certificate.
    package var identity: Identity?
    /// Certificates are not verified: an intermediary can read along. Only where a person has said so, to a tool or in a configuration.
    package var verifiesCertificates = true

    package init(authorities: CertificateAuthorities) { self.authorities = authorities }
}

/// A client's side of TLS towards servers of one kind, built once and never changed but for the sessions it may resume.
///
/// The server's certificate is verified, and its name or address too, unless a person has said otherwise.
package final class ClientContext: @unchecked Sendable {
    private let handle: ContextHandle
    private let resumable = ResumableSessions()
    let applicationProtocols: [ApplicationProtocol]

    package init(_ settings: ClientSettings) throws(ContextMistake) {
        applicationProtocols = settings.applicationProtocols
        handle = try ContextHandle.make(server: false, minimumVersion: settings.minimumVersion)
        let context = handle.pointer
        try settings.identity?.install(in: context)
        SSL_CTX_set_verify(context, settings.verifiesCertificates ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nil)
        shim_ctx_set1_store(context, settings.authorities.store)
        if !applicationProtocols.isEmpty {
            let list = ApplicationProtocol.wireList(applicationProtocols)
            // Zero is success here.
            guard SSL_CTX_set_alpn_protos(context, list, UInt32(list.count)) == 0 else {
                throw .unusable(reason: ErrorQueue.drainedText())
            }
        }
        // Every session holds this context, so the callback finds it alive.
        SSL_CTX_set_ex_data(context, 0, Unmanaged.passUnretained(self).toOpaque())
        shim_ctx_session_cache_by_callback(context)
        SSL_CTX_sess_set_new_cb(context) { ssl, session in
            guard let pointer = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), 0), let session, let wire = Wire.of(ssl)
            else { return 0 }
            let context = Unmanaged<ClientContext>.fromOpaque(pointer).takeUnretainedValue()
            context.resumable.keep(session, for: wire.pointee.peerName)
            // One: the reference is ours now.
            return 1
        }
    }

    /// OpenSSL does not report a ticket that came in a resumed TLS 1.2 handshake.
    func keepRenewedTicket(_ ssl: OpaquePointer, for name: String) {
        guard SSL_session_reused(ssl) == 1, SSL_version(ssl) == ProtocolVersion.tls12.rawValue,
            let session = SSL_get1_session(ssl)
        else { return }
        resumable.keep(session, for: name)
    }

    /// A session for a new connection to `name`; resumes an earlier one with that name if it can.
    package func makeSession(to name: ServerName) -> Session {
        let session = Session(context: self, handle: handle.pointer, isServer: false)
        session.expect(name)
        if let earlier = resumable.take(for: name.description) {
            session.resume(earlier)
            SSL_SESSION_free(earlier)
        }
        return session
    }
}
