internal import COpenSSL

/// The authorities whose certificates are believed. Immutable, shared by all threads.
///
/// Every certificate given is an anchor, an intermediate one too, as in Go and gRPC.
package final class CertificateAuthorities: @unchecked Sendable {
    let store: OpaquePointer
    /// The certificates themselves, for the names a server sends and the digest of its policy; empty for the system's.
    let certificates: [OpaquePointer]

    /// - Parameter pem: one certificate or more.
    package init(pem: [UInt8]) throws(ContextMistake) {
        certificates = try PEM.certificates(pem)
        // Fails only for want of memory.
        store = X509_STORE_new()!
        ErrorQueue.clear()
        X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST))
        for certificate in certificates where X509_STORE_add_cert(store, certificate) != 1 {
            throw .unusable(reason: ErrorQueue.drainedText())
        }
    }

    private init(systemStore: OpaquePointer) {
        store = systemStore
        certificates = []
    }

    /// The machine's own, where OpenSSL was built to look for them (Debian: /etc/ssl/certs); files are read when a
    /// certificate is first verified. Where there are none, no certificate is believed.
    package static let system: CertificateAuthorities = {
        let store = X509_STORE_new()!
        X509_STORE_set_default_paths(store)
        ErrorQueue.clear()
        return CertificateAuthorities(systemStore: store)
    }()

    deinit {
        certificates.forEach { X509_free($0) }
        X509_STORE_free(store)
    }

    /// For tests.
    package var infos: [CertificateInfo] { certificates.map { CertificateInfo($0) } }
}
