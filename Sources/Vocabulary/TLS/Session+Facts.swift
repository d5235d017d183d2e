internal import COpenSSL

/// What the handshake settled. Each is asked once a connection, not per request.
extension Session {
    package var version: ProtocolVersion? { ProtocolVersion(rawValue: SSL_version(ssl)) }

    /// What ALPN agreed on; `nil` where it played no part.
    package var applicationProtocol: ApplicationProtocol? { ApplicationProtocol(wire: selectedProtocolBytes) }

    var selectedProtocolBytes: UnsafeRawBufferPointer {
        var name: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        SSL_get0_alpn_selected(ssl, &name, &count)
        return UnsafeRawBufferPointer(start: name, count: Int(count))
    }

    /// As OpenSSL names it, such as `TLS_AES_128_GCM_SHA256`.
    package var cipher: String {
        SSL_CIPHER_get_name(SSL_get_current_cipher(ssl)).map { String(cString: $0) } ?? ""
    }

    /// The name the client asked for (SNI), as it wrote it.
    package var serverName: String? {
        SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name).map { String(cString: $0) }
    }

    package var isResumed: Bool { SSL_session_reused(ssl) == 1 }

    /// The peer's certificate, verified; `nil` if it showed none.
    package var peerCertificate: CertificateInfo? { SSL_get0_peer_certificate(ssl).map { CertificateInfo($0) } }

    // MARK: For a client context

    /// What the server's certificate must bear.
    func expect(_ name: ServerName) {
        let parameters = SSL_get0_param(ssl)
        // These fail only for want of memory: ServerName has been checked.
        switch name {
        case .dns(let text):
            precondition(X509_VERIFY_PARAM_set1_host(parameters, text, text.utf8.count) == 1)
            X509_VERIFY_PARAM_set_hostflags(parameters, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
            precondition(shim_ssl_set_server_name(ssl, text) == 1)
        case .address(let text):
            precondition(X509_VERIFY_PARAM_set1_ip_asc(parameters, text) == 1)
        }
        Wire.of(ssl)?.pointee.peerName = name.description
    }

    func resume(_ session: OpaquePointer) {
        // A session that no longer fits is passed over by OpenSSL, and a full handshake made.
        SSL_set_session(ssl, session)
        ErrorQueue.clear()
    }
}
