internal import COpenSSL
package import Time

/// A certificate chain with its private key, read, matched and found usable. Immutable, shared by all threads.
package final class Identity: @unchecked Sendable {
    let chain: [OpaquePointer]
    let key: OpaquePointer
    /// What the chain's first certificate, the one the key belongs to, says.
    package let info: CertificateInfo

    /// - Parameters:
    ///   - chain: PEM; the own certificate first, then its issuers upwards, the root left out or not.
    ///   - key: PEM, without a passphrase.
    package init(chain chainPEM: [UInt8], key keyPEM: [UInt8]) throws(ContextMistake) {
        let chain = try PEM.certificates(chainPEM)
        do throws(ContextMistake) {
            let key = try PEM.privateKey(keyPEM)
            self.chain = chain
            self.key = key
            info = CertificateInfo(chain[0])
        } catch {
            chain.forEach { X509_free($0) }
            throw error
        }
        guard X509_check_private_key(chain[0], key) == 1 else {
            let owner = chain.firstIndex { X509_check_private_key($0, key) == 1 }
            ErrorQueue.clear()
            throw .keyMismatch(belongsTo: owner.map { $0 + 1 })
        }
        // Whether OpenSSL takes it at our security level is known only by trying.
        let trial = try ContextHandle.make(server: true)
        try install(in: trial.pointer)
    }

    deinit {
        chain.forEach { X509_free($0) }
        EVP_PKEY_free(key)
    }

    func install(in context: OpaquePointer) throws(ContextMistake) {
        ErrorQueue.clear()
        guard SSL_CTX_use_certificate(context, chain[0]) == 1, SSL_CTX_use_PrivateKey(context, key) == 1 else {
            throw .unusable(reason: ErrorQueue.drainedText())
        }
        for issuer in chain.dropFirst() where shim_ctx_add1_chain_certificate(context, issuer) != 1 {
            throw .unusable(reason: ErrorQueue.drainedText())
        }
    }

    /// What a user should hear of although the identity works.
    package func warnings(at now: WallTime) -> [IdentityWarning] {
        var warnings: [IdentityWarning] = []
        for (index, certificate) in chain.enumerated() {
            let notBefore = WallTime(asn1: X509_get0_notBefore(certificate))
            let notAfter = WallTime(asn1: X509_get0_notAfter(certificate))
            if now > notAfter {
                warnings.append(.expired(index: index + 1, notAfter))
            } else if now < notBefore {
                warnings.append(.notYetValid(index: index + 1, notBefore))
            }
        }
        return warnings
    }
}

/// A certificate of the chain, counted from 1, is outside its time.
package enum IdentityWarning: Hashable, Sendable {
    case expired(index: Int, WallTime)
    case notYetValid(index: Int, WallTime)
}
