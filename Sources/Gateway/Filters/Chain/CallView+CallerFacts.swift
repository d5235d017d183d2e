internal import AccessControl
internal import Bytes
internal import Calls
internal import HTTPModel
internal import Routing
internal import TLS
internal import Transport

/// What rules may ask of a call.
extension CallView {
    var callerFacts: CallerFacts {
        CallerFacts(
            token: identity.map { Borrowed($0.token) }, memory: identity?.ruleMemory, fields: stream.fields,
            headCount: stream.trailersStart, address: address, certificate: connection { Self.certificateNames($0) })
    }

    /// The names of a connection's client certificate, read once and kept with the connection.
    private static func certificateNames(_ connection: ServerConnection) -> Borrowed<CertificateNames>? {
        guard let certificate = connection.peerCertificate else { return nil }
        if let names = connection.attachment as? CertificateNames { return Borrowed(names) }
        let names = CertificateNames(certificate.names)
        connection.attachment = names
        return Borrowed(names)
    }
}
