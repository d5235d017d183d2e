package import Config

/// How a listener terminates TLS.
package struct ListenerTLS: Sendable, Equatable {
    /// Chosen by SNI; the first for all other names. Never empty.
    package var certificates: [CertificatePair]
    /// A PEM file with the certificates that a client's must lead to; `nil` where clients are not asked for one.
    package var clientCA: String?
    /// Means something only beside `clientCA`.
    package var clientCertificate: ClientCertificate
    package var minimum: Version

    package enum ClientCertificate: String, CaseIterable, Sendable {
        /// Requested; a client without one is accepted.
        case optional
        case required
    }

    package enum Version: String, CaseIterable, Sendable {
        case tls12 = "1.2"
        case tls13 = "1.3"
    }

    package init(
        certificates: [CertificatePair], clientCA: String? = nil,
        clientCertificate: ClientCertificate = .required, minimum: Version = .tls12
    ) {
        self.certificates = certificates
        self.clientCA = clientCA
        self.clientCertificate = clientCertificate
        self.minimum = minimum
    }
}

extension Grammar where Value == ListenerTLS {
    package static var listenerTLS: Grammar {
        .section(expected: "a mapping with certificate and private_key, or with certificates") { section in
            let several = section.optional("certificates", .list(of: .certificatePair))
            let certificates: [CertificatePair]?
            if section.has("certificates") {
                section.exclude("certificates", with: "certificate")
                section.exclude("certificates", with: "private_key")
                certificates = several
            } else {
                certificates = CertificatePair.required(in: section).map { [$0] }
            }
            let clientCA = section.optional("client_ca", .path("a PEM file with certificates"))
            let clientCertificate =
                section.optional("client_certificate", .choice)
                as ListenerTLS.ClientCertificate?
            if section.has("client_certificate"), !section.has("client_ca") {
                section.report(
                    "found without client_ca, expected beside it: no client certificate could be verified",
                    about: "client_certificate")
            }
            let minimum = section.value("minimum", .choice, default: ListenerTLS.Version.tls12)
            guard let certificates, !certificates.isEmpty else { return nil }
            return ListenerTLS(
                certificates: certificates, clientCA: clientCA, clientCertificate: clientCertificate ?? .required,
                minimum: minimum)
        }
    }
}
