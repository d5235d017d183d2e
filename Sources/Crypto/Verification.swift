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
}

extension KeyHandle {
    /// Whether this key's owner signed `message` so. A scheme that is not the key's kind verifies nothing.
    package borrowing func verifies(
        _ signature: UnsafeRawBufferPointer, over message: UnsafeRawBufferPointer, _ scheme: SignatureScheme
    ) -> Bool {
        guard fits(scheme), let signed = signature.baseAddress, let text = message.baseAddress else { return false }
        defer { clearErrors() }
        guard let context = EVP_MD_CTX_new() else { return false }
        defer { EVP_MD_CTX_free(context) }
        // Owned by `context`.
        var options: OpaquePointer?
        guard EVP_DigestVerifyInit(context, &options, scheme.digest?.pointer, nil, pointer) == 1 else { return false }
        if case .rsaPSS(let digest) = scheme {
            guard EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1,
                EVP_PKEY_CTX_set_rsa_mgf1_md(options, digest.pointer) == 1,
                EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1
            else { return false }
        }
        // 1 is yes, 0 is no, and below it is a signature too odd to look at.
        return EVP_DigestVerify(
            context, signed.assumingMemoryBound(to: UInt8.self), signature.count,
            text.assumingMemoryBound(to: UInt8.self), message.count) == 1
    }

    private borrowing func fits(_ scheme: SignatureScheme) -> Bool {
        switch (scheme, kind) {
        case (.rsaPKCS1, .rsa), (.rsaPSS, .rsa), (.ecdsa, .ec), (.eddsa, .ed25519), (.eddsa, .ed448): true
        default: false
        }
    }
}
