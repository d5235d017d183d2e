/// A certificate chain and its private key: the paths of two PEM files, for a listener or for a client of ours.
///
/// The files are opened when a TLS context is made of them; problems are reported at these keys.
package struct CertificatePair: Sendable, Equatable {
    package var certificate: String
    package var privateKey: String

    package init(certificate: String, privateKey: String) {
        self.certificate = certificate
        self.privateKey = privateKey
    }
}

extension CertificatePair {
    package static let certificateKey = "certificate"
    package static let privateKeyKey = "private_key"

    private static var certificateGrammar: Grammar<String> { .path("a PEM file with the certificate chain") }
    private static var privateKeyGrammar: Grammar<String> { .path("a PEM file with the private key") }

    /// The pair in a mapping that may hold none; one half without the other is a mistake.
    package static func optional(in section: Section) -> CertificatePair? {
        guard section.has(certificateKey) || section.has(privateKeyKey) else { return nil }
        return required(in: section)
    }

    package static func required(in section: Section) -> CertificatePair? {
        let certificate = section.required(certificateKey, certificateGrammar)
        let privateKey = section.required(privateKeyKey, privateKeyGrammar)
        guard let certificate, let privateKey else { return nil }
        return CertificatePair(certificate: certificate, privateKey: privateKey)
    }
}

extension Grammar where Value == CertificatePair {
    package static var certificatePair: Grammar {
        .section(expected: "a mapping with certificate and private_key", CertificatePair.required)
    }
}
