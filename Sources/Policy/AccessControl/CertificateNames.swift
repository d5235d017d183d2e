package import TLS

/// The names of a verified client certificate as rules ask for them, made ready once a connection.
///
/// A rule's name with `://` in it is a URI, one with `@` an e-mail address, anything else a DNS name, compared without
/// case; names of one kind never pass for another. Common names count only where a certificate has no alternative names
/// (RFC 6125, section 6.4.4).
package final class CertificateNames: Sendable {
    private let texts: Set<[UInt8]>

    package init(_ names: [CertificateName]) {
        var alternative: Set<[UInt8]> = []
        var common: Set<[UInt8]> = []
        for name in names {
            switch name {
            case .uri(let text): if Kind(text) == .uri { alternative.insert(Self.key(text)) }
            case .email(let text): if Kind(text) == .email { alternative.insert(Self.key(text)) }
            case .dns(let text): if Kind(text) == .dns { alternative.insert(Self.key(text)) }
            case .commonName(let text): if Kind(text) != .uri { common.insert(Self.key(text)) }
            }
        }
        let hasAlternative = names.contains { if case .commonName = $0 { false } else { true } }
        texts = hasAlternative ? alternative : common
    }

    private enum Kind {
        case uri, email, dns

        init(_ text: String) { self = text.contains("://") ? .uri : text.contains("@") ? .email : .dns }
    }

    /// What a rule's name is compared by.
    static func key(_ text: String) -> [UInt8] {
        Array((Kind(text) == .dns ? text.lowercased() : text).utf8)
    }

    func contains(_ key: [UInt8]) -> Bool { texts.contains(key) }
}
