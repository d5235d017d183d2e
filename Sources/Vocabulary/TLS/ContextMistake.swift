/// What is wrong with a certificate, key or authority that a user configured; `description` is made for their eyes.
package enum ContextMistake: Error, Hashable, Sendable, CustomStringConvertible {
    /// No PEM block with a certificate.
    case noCertificate(Hint)
    /// A certificate's block that cannot be read; counted from 1.
    case malformedCertificate(index: Int, reason: String)
    /// No PEM block with a private key.
    case noKey(Hint)
    case malformedKey(reason: String)
    /// The key wants a passphrase, and there is no terminal to ask.
    case encryptedKey
    /// The key belongs to another certificate: one of the same file, counted from 1, or none of them.
    case keyMismatch(belongsTo: Int?)
    /// OpenSSL refuses to use it, such as a key that is too short.
    case unusable(reason: String)
    case noIdentity

    /// What the bytes look like instead.
    package enum Hint: Hashable, Sendable {
        case empty, der, key, certificate, unknown
    }

    package var description: String {
        switch self {
        case .noCertificate(let hint): "found \(hint.text), expected a certificate in PEM (-----BEGIN CERTIFICATE-----)"
        case .malformedCertificate(let index, let reason): "certificate \(index) of the file cannot be read: \(reason)"
        case .noKey(let hint): "found \(hint.text), expected a private key in PEM (-----BEGIN PRIVATE KEY-----)"
        case .malformedKey(let reason): "the private key cannot be read: \(reason)"
        case .encryptedKey: "the private key is encrypted with a passphrase; expected a key without one"
        case .keyMismatch(nil): "the private key does not belong to the certificate"
        case .keyMismatch(let index?):
            "the private key belongs to certificate \(index) of the file; put that one first, its issuers after it"
        case .unusable(let reason): "the certificate or key cannot be used: \(reason)"
        case .noIdentity: "expected at least one certificate"
        }
    }
}

extension ContextMistake.Hint {
    var text: String {
        switch self {
        case .empty: "nothing"
        case .der: "binary DER"
        case .key: "only a key"
        case .certificate: "only a certificate"
        case .unknown: "something else"
        }
    }

    init(_ bytes: [UInt8]) {
        if bytes.isEmpty {
            self = .empty
        } else if bytes[0] == 0x30 {
            self = .der
        } else if bytes.contains(" PRIVATE KEY-----") {
            self = .key
        } else if bytes.contains("-----BEGIN CERTIFICATE-----") {
            self = .certificate
        } else {
            self = .unknown
        }
    }
}

extension [UInt8] {
    fileprivate func contains(_ text: StaticString) -> Bool {
        let wanted = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        guard count >= wanted.count else { return false }
        return (0...(count - wanted.count)).contains { self[$0..<($0 + wanted.count)].elementsEqual(wanted) }
    }
}
