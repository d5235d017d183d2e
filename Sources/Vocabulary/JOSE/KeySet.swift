internal import Bytes
package import Crypto
package import JSON

/// The keys of one issuer (RFC 7517, section 5), parsed once. Immutable and safe to share.
package final class KeySet: Sendable {
    package let keys: [VerificationKey]
    /// What the document held beside the keys in use, in its order. A set may carry keys for other purposes, so this is
    /// no failure; where the user wrote the set himself it is worth telling him.
    package let skipped: [SkippedKey]

    package struct SkippedKey: Sendable {
        package let index: Int
        package let keyID: String?
        package let reason: KeyRefusal
    }

    package init(keys: [VerificationKey], skipped: [SkippedKey] = []) {
        self.keys = keys
        self.skipped = skipped
    }

    /// How a document's keys are taken.
    package struct Rules: Sendable {
        /// Symmetric keys come only from places that others cannot write: a local file or the configuration itself.
        package var allowsSymmetric: Bool
        /// What an RSA key without `alg` verifies: one of RS and PS.
        package var rsaAlgorithm: SigningAlgorithm
        package var bytesMax: Int
        package var keysMax: Int

        package init(
            allowsSymmetric: Bool, rsaAlgorithm: SigningAlgorithm = .rs256, bytesMax: Int = 512 << 10, keysMax: Int = 100
        ) {
            precondition(rsaAlgorithm.family == .rsa)
            self.allowsSymmetric = allowsSymmetric
            self.rsaAlgorithm = rsaAlgorithm
            self.bytesMax = bytesMax
            self.keysMax = keysMax
        }

        package static let fetched = Rules(allowsSymmetric: false)
        package static let local = Rules(allowsSymmetric: true)
    }

    /// Reads a JWK Set, a single JWK, or a PEM public key or certificate, which is a set of one.
    package static func parse(_ text: UnsafeRawBufferPointer, rules: Rules) throws(KeySetFailure) -> KeySet {
        guard text.count <= rules.bytesMax else { throw .tooLarge }
        if startsAsPEM(text) { return try parse(pem: text, rules: rules) }
        let document: JSONValue
        do throws(JSONFailure) {
            document = try JSONValue.parse(text, limits: JSONLimits(bytesMax: rules.bytesMax, depthMax: 16))
        } catch { throw .notJSON(error) }
        return try parse(document, rules: rules)
    }

    package static func parse(_ text: [UInt8], rules: Rules) throws(KeySetFailure) -> KeySet {
        let outcome = text.withUnsafeBytes { bytes -> Result<KeySet, KeySetFailure> in
            do throws(KeySetFailure) { return .success(try parse(bytes, rules: rules)) } catch { return .failure(error) }
        }
        return try outcome.get()
    }

    package static func parse(_ document: JSONValue, rules: Rules) throws(KeySetFailure) -> KeySet {
        guard document.kind == .object else { throw .notAKeySet }
        var keys: [VerificationKey] = []
        var skipped: [SkippedKey] = []
        func take(_ member: JSONValue, at index: Int) {
            do throws(KeyRefusal) {
                guard keys.count < rules.keysMax else { throw .tooMany }
                keys.append(try JWK.read(member, rules: rules))
            } catch {
                skipped.append(SkippedKey(index: index, keyID: member["kid"]?.string, reason: error))
            }
        }
        if let list = document["keys"] {
            guard list.kind == .array else { throw .notAKeySet }
            for (index, member) in list.elements.enumerated() { take(member, at: index) }
        } else {
            guard document["kty"] != nil else { throw .notAKeySet }
            take(document, at: 0)
        }
        return KeySet(keys: keys, skipped: skipped)
    }

    private static func startsAsPEM(_ text: UnsafeRawBufferPointer) -> Bool {
        // A JSON text begins with a brace; anything that is not JSON and has a PEM line is taken as PEM.
        let marker: StaticString = "-----BEGIN "
        let first = text.first { $0 > 0x20 }
        guard first != UInt8(ascii: "{"), text.count > marker.utf8CodeUnitCount else { return false }
        let wanted = BorrowedBytes(marker)
        return (0...(text.count - wanted.count)).contains { at in
            text[at..<(at + wanted.count)].elementsEqual(wanted)
        }
    }

    private static func parse(pem: UnsafeRawBufferPointer, rules: Rules) throws(KeySetFailure) -> KeySet {
        let handle: KeyHandle
        if KeyHandle.isAuthority(pem: pem) { throw .authority }
        do throws(KeyFailure) { handle = try KeyHandle.publicKey(pem: pem) } catch { throw .badPEM(error) }
        let algorithm = SigningAlgorithm.standard(for: handle.kind, rsa: rules.rsaAlgorithm)
        do throws(KeyRefusal) {
            return KeySet(keys: [try VerificationKey(handle, algorithm: algorithm, keyID: nil)])
        } catch { throw .refused(error) }
    }
}

/// Why a document is no key set at all.
package enum KeySetFailure: Error, Hashable, Sendable {
    case tooLarge
    case notJSON(JSONFailure)
    /// Neither a `keys` array nor a single key.
    case notAKeySet
    case badPEM(KeyFailure)
    /// A certificate whose key signs certificates.
    case authority
    case refused(KeyRefusal)

    package var reason: String {
        switch self {
        case .tooLarge: "larger than the limit"
        case .notJSON(let failure): "neither JSON nor PEM: \(failure.reason.rawValue) at byte \(failure.offset)"
        case .notAKeySet: "neither a JWK Set nor a key"
        case .badPEM(let failure): failure.rawValue
        case .authority:
            "found the certificate of an authority, which signs certificates, expected the public key or certificate that tokens are signed with"
        case .refused(let refusal): refusal.reason
        }
    }
}
