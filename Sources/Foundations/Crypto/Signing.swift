internal import COpenSSL

extension KeyHandle {
    /// Signs `message` with the private key: for issuers and tools, never on the way of a request.
    ///
    /// - Throws: `publicWherePrivate`, and `unsupportedKind` where the scheme is not the key's kind.
    package borrowing func sign(
        _ message: UnsafeRawBufferPointer, _ scheme: SignatureScheme
    ) throws(KeyFailure) -> [UInt8] {
        guard isPrivate else { throw .publicWherePrivate }
        guard scheme.fits(kind) else { throw .unsupportedKind }
        defer { clearErrors() }
        guard let context = EVP_MD_CTX_new() else { throw .openSSLFailed }
        defer { EVP_MD_CTX_free(context) }
        // Owned by `context`.
        var options: OpaquePointer?
        guard EVP_DigestSignInit(context, &options, scheme.digest?.pointer, nil, pointer) == 1, scheme.configure(options)
        else { throw .openSSLFailed }
        // EdDSA takes its message whole, so all are signed in one call; a null target asks for the length.
        let text = message.baseAddress?.assumingMemoryBound(to: UInt8.self)
        var length = 0
        guard EVP_DigestSign(context, nil, &length, text, message.count) == 1 else { throw .openSSLFailed }
        let signature = [UInt8](unsafeUninitializedCapacity: length) { target, count in
            count = EVP_DigestSign(context, target.baseAddress, &length, text, message.count) == 1 ? length : 0
        }
        guard !signature.isEmpty else { throw .openSSLFailed }
        return signature
    }
}
