internal import COpenSSL

extension KeyHandle {
    /// The public half as `PUBLIC KEY`. For tests.
    package func publicPEM() throws(KeyFailure) -> [UInt8] {
        try Self.written { PEM_write_bio_PUBKEY($0, pointer) == 1 }
    }

    /// The private key as `PRIVATE KEY` (PKCS #8), not encrypted.
    package func privatePEM() throws(KeyFailure) -> SecretBytes {
        guard isPrivate else { throw .publicWherePrivate }
        return SecretBytes(
            try Self.written { PEM_write_bio_PKCS8PrivateKey($0, pointer, nil, nil, 0, nil, nil) == 1 })
    }

    private static func written(_ write: (OpaquePointer) -> Bool) throws(KeyFailure) -> [UInt8] {
        defer { clearErrors() }
        guard let bio = BIO_new(BIO_s_mem()) else { throw .openSSLFailed }
        defer { BIO_free(bio) }
        guard write(bio) else { throw .openSSLFailed }
        let pending = Int(BIO_ctrl(bio, BIO_CTRL_PENDING, 0, nil))
        let text = [UInt8](unsafeUninitializedCapacity: pending) { target, count in
            count = max(0, Int(BIO_read(bio, target.baseAddress, Int32(pending))))
        }
        guard text.count == pending, pending > 0 else { throw .openSSLFailed }
        return text
    }
}
