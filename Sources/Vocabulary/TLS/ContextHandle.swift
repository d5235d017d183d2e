internal import COpenSSL

/// An SSL_CTX with what servers and clients have in common. One owner; sessions count the SSL_CTX itself.
struct ContextHandle: ~Copyable {
    let pointer: OpaquePointer

    deinit { SSL_CTX_free(pointer) }

    /// ECDHE with AEAD only: what is left of TLS 1.2 after RFC 9113, appendix A.
    private static let ciphersOfTLS12 =
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
        + "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
    private static let ciphersOfTLS13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
    private static let groups = "X25519:P-256"

    static func make(
        server: Bool, minimumVersion: ProtocolVersion = .tls12
    ) throws(ContextMistake) -> ContextHandle {
        ErrorQueue.clear()
        guard let pointer = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method()) else {
            throw .unusable(reason: ErrorQueue.drainedText())
        }
        let handle = ContextHandle(pointer: pointer)
        // RSA and DH of 2048 bits, curves of 224, digests of SHA-256 at least, whatever the system's openssl.cnf says.
        SSL_CTX_set_security_level(pointer, 2)
        guard shim_ctx_set_min_version(pointer, minimumVersion.rawValue) == 1,
            shim_ctx_set_max_version(pointer, ProtocolVersion.tls13.rawValue) == 1,
            SSL_CTX_set_cipher_list(pointer, ciphersOfTLS12) == 1,
            SSL_CTX_set_ciphersuites(pointer, ciphersOfTLS13) == 1,
            shim_ctx_set_groups(pointer, groups) == 1
        else { throw .unusable(reason: ErrorQueue.drainedText()) }
        shim_ctx_set_safe_options(pointer)
        // Buffers of 16 KiB go back between records: about 27 KB less for each idle connection.
        shim_ctx_set_release_buffers(pointer)
        // One read of the input for many records instead of two for each.
        shim_ctx_set_read_ahead(pointer)
        SSL_CTX_set_max_early_data(pointer, 0)
        SSL_CTX_set_info_callback(pointer, Wire.noteInfo)
        return handle
    }
}
