internal import COpenSSL

extension KeyHandle {
    /// Makes a new private key.
    ///
    /// RSA of 4096 bits takes seconds at times, so this is for tools, never for a worker.
    package static func generate(_ kind: KeyKind) throws(KeyFailure) -> KeyHandle {
        defer { clearErrors() }
        let name =
            switch kind {
            case .rsa: "RSA"
            case .ec: "EC"
            case .ed25519: "ED25519"
            case .ed448: "ED448"
            }
        guard let context = EVP_PKEY_CTX_new_from_name(nil, name, nil) else { throw .openSSLFailed }
        defer { EVP_PKEY_CTX_free(context) }
        guard EVP_PKEY_keygen_init(context) == 1 else { throw .openSSLFailed }
        switch kind {
        case .rsa(let bits):
            guard EVP_PKEY_CTX_set_rsa_keygen_bits(context, Int32(bits)) == 1 else { throw .unsupportedKind }
        case .ec(let curve):
            let group = UnsafeRawPointer(curve.name.utf8Start).assumingMemoryBound(to: CChar.self)
            guard EVP_PKEY_CTX_set_group_name(context, group) == 1 else { throw .unsupportedKind }
        case .ed25519, .ed448: break
        }
        var key: OpaquePointer?
        guard EVP_PKEY_keygen(context, &key) == 1, let key else { throw .openSSLFailed }
        return try KeyHandle(owning: key, isPrivate: true)
    }
}
