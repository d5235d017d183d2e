internal import COpenSSL

/// How a signature is made, key kind aside.
package enum SignatureScheme: Hashable, Sendable {
    /// PKCS #1 v1.5.
    case rsaPKCS1(DigestAlgorithm)
    /// PSS with the digest in its mask too, and a salt of the digest's length (RFC 7518, section 3.5).
    case rsaPSS(DigestAlgorithm)
    /// The signature in DER, as OpenSSL wants it.
    case ecdsa(DigestAlgorithm)
    case eddsa

    var digest: DigestAlgorithm? {
        switch self {
        case .rsaPKCS1(let digest), .rsaPSS(let digest), .ecdsa(let digest): digest
        case .eddsa: nil
        }
    }

    func fits(_ kind: KeyKind) -> Bool {
        switch (self, kind) {
        case (.rsaPKCS1, .rsa), (.rsaPSS, .rsa), (.ecdsa, .ec), (.eddsa, .ed25519), (.eddsa, .ed448): true
        default: false
        }
    }

    /// Sets what the digest alone does not say in an `EVP_PKEY_CTX *`; false where OpenSSL refuses.
    func configure(_ options: OpaquePointer?) -> Bool {
        guard case .rsaPSS(let digest) = self else { return true }
        return EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1
            && EVP_PKEY_CTX_set_rsa_mgf1_md(options, digest.pointer) == 1
            && EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1
    }
}

/// A key made ready for one scheme.
///
/// Setting up a verification makes OpenSSL 3.0 look up every algorithm by name, which costs as much as RSA itself; so it
/// is done once, and each verification works on a copy. The original is only read, so threads may share it.
package struct SignatureVerifier: ~Copyable, @unchecked Sendable {
    package let key: KeyHandle
    /// An `EVP_MD_CTX *` in which nothing was hashed yet.
    private let prepared: OpaquePointer

    /// - Throws: `unsupportedKind` where the scheme is not the key's kind.
    package init(_ key: consuming KeyHandle, _ scheme: SignatureScheme) throws(KeyFailure) {
        prepared = try Self.prepare(key, scheme)
        self.key = key
    }

    deinit { EVP_MD_CTX_free(prepared) }

    private static func prepare(
        _ key: borrowing KeyHandle, _ scheme: SignatureScheme
    ) throws(KeyFailure) -> OpaquePointer {
        guard scheme.fits(key.kind) else { throw .unsupportedKind }
        defer { clearErrors() }
        guard let context = EVP_MD_CTX_new() else { throw .openSSLFailed }
        // Owned by `context`.
        var options: OpaquePointer?
        let ready =
            EVP_DigestVerifyInit(context, &options, scheme.digest?.pointer, nil, key.pointer) == 1
            && scheme.configure(options)
        guard ready else {
            EVP_MD_CTX_free(context)
            throw .openSSLFailed
        }
        return context
    }

    /// Whether the key's owner signed `message`.
    package borrowing func verifies(
        _ signature: UnsafeRawBufferPointer, over message: UnsafeRawBufferPointer
    ) -> Bool {
        guard let signed = signature.baseAddress, let text = message.baseAddress else { return false }
        defer { clearErrors() }
        guard let context = EVP_MD_CTX_new() else { return false }
        defer { EVP_MD_CTX_free(context) }
        guard EVP_MD_CTX_copy_ex(context, prepared) == 1 else { return false }
        // 1 is yes, 0 is no, and below it is a signature too odd to look at.
        return EVP_DigestVerify(
            context, signed.assumingMemoryBound(to: UInt8.self), signature.count,
            text.assumingMemoryBound(to: UInt8.self), message.count) == 1
    }
}
