/// How we speak TLS to a peer that we call: a cluster's endpoints, the limit store.
package struct PeerTLS: Sendable, Equatable {
    /// Its certificate is verified, and bears its name.
    package var verifiesCertificates = true
    /// A PEM file with the certificates that the peer's must lead to; the system's own where it is left out.
    package var ca: String?
    /// The name sent as SNI and looked for in the peer's certificate; the peer's address as written where it is left out.
    package var serverName: String?
    /// What we show when we are asked who we are.
    package var certificate: CertificatePair?

    package static let defaults = PeerTLS()

    package init(ca: String? = nil, serverName: String? = nil, certificate: CertificatePair? = nil) {
        self.ca = ca
        self.serverName = serverName
        self.certificate = certificate
    }
}

extension Grammar where Value == PeerTLS {
    package static var peerTLS: Grammar {
        .section(expected: "a mapping, {} for TLS with the system's certificates") { section in
            let verifies = section.value("verify", .onOff, default: true)
            if !verifies {
                section.exclude("verify", with: "ca")
                section.report(
                    "found off: certificates are not verified: an attacker on the network path can read and change all traffic",
                    about: "verify", severity: .warning)
            }
            var tls = PeerTLS(
                ca: section.optional("ca", .path("a PEM file with certificates")),
                serverName: section.optional("server_name", .hostName),
                certificate: CertificatePair.optional(in: section))
            tls.verifiesCertificates = verifies
            return tls
        }
    }
}

extension Grammar where Value == String {
    /// A host name in lower case.
    package static var hostName: Grammar {
        Grammar(expected: "a host name such as orders.internal") { (text: String) in
            Reading(NetworkAddress.hostName(text).map(NetworkAddress.withoutDot))
        }
    }
}
