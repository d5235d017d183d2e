internal import Bytes
package import Crypto

/// One key that verifies, parsed once, and the one algorithm it verifies.
///
/// The key fixes the algorithm, never the token (RFC 8725, section 3.1). Immutable and safe to share.
package final class VerificationKey: Sendable {
    /// As the key set names it, compared byte by byte; `nil` fits every token.
    package let keyID: [UInt8]?
    package let algorithm: SigningAlgorithm
    private let material: Material

    private enum Material: ~Copyable, Sendable {
        case asymmetric(SignatureVerifier)
        case symmetric(SecretBytes)
    }

    /// - Throws: `algorithmDoesNotFit`, `weak`.
    package init(
        _ key: consuming KeyHandle, algorithm: SigningAlgorithm, keyID: [UInt8]?
    ) throws(KeyRefusal) {
        guard algorithm.fits(key.kind) else { throw .algorithmDoesNotFit }
        if case .rsa(let bits) = key.kind, !Self.rsaBits.contains(bits) { throw .weak }
        guard let scheme = algorithm.scheme else { throw .algorithmDoesNotFit }
        do throws(KeyFailure) { material = .asymmetric(try SignatureVerifier(key, scheme)) } catch { throw .malformed }
        self.keyID = keyID
        self.algorithm = algorithm
    }

    /// - Throws: `algorithmDoesNotFit`, `weak`.
    package init(secret: consuming SecretBytes, algorithm: SigningAlgorithm, keyID: [UInt8]?) throws(KeyRefusal) {
        guard algorithm.family == .hmac, let digest = algorithm.digest else { throw .algorithmDoesNotFit }
        // RFC 7518, section 3.2: at least as long as the digest.
        guard secret.count >= digest.byteCount else { throw .weak }
        self.keyID = keyID
        self.algorithm = algorithm
        material = .symmetric(secret)
    }

    package static let rsaBits = 2048...8192

    /// Whether `signature`, as JOSE writes it, is this key's over `message`.
    package func verifies(_ signature: UnsafeRawBufferPointer, over message: UnsafeRawBufferPointer) -> Bool {
        switch material {
        case .symmetric(let secret):
            guard let digest = algorithm.digest, signature.count == digest.byteCount else { return false }
            return withUnsafeTemporaryAllocation(byteCount: digest.byteCount, alignment: 8) { own in
                secret.withBytes { digest.authenticate(message, key: $0, into: own) }
                return ConstantTime.equal(UnsafeRawBufferPointer(own), signature)
            }
        case .asymmetric(let verifier):
            guard case .ec(let curve) = verifier.key.kind else { return verifier.verifies(signature, over: message) }
            return ECDSASignature.withDER(of: signature, on: curve) { verifier.verifies($0, over: message) } ?? false
        }
    }
}

/// Why a key is not used.
package enum KeyRefusal: Error, Hashable, Sendable {
    case notAnObject
    /// One of its members, by name, and what is wrong with it.
    case member(String, MemberFault)
    /// The key as a whole.
    case malformed
    case unsupportedType
    case unsupportedAlgorithm
    case algorithmDoesNotFit
    case algorithmMissing
    case symmetricNotAllowed
    case notForSignatures
    case notForVerification
    case weak
    case tooMany

    package enum MemberFault: Sendable {
        case missing, notText, empty, notBase64URL
        /// Well-formed, and no number of a key: of the wrong length, or not on the curve.
        case outOfRange
    }

    package var reason: String {
        switch self {
        case .notAnObject: "not a JSON object"
        case .member(let name, .missing): "\"\(name)\" is missing"
        case .member(let name, .notText): "\"\(name)\" is not a string"
        case .member(let name, .empty): "\"\(name)\" is empty"
        case .member(let name, .notBase64URL): "\"\(name)\" is not base64url without padding"
        case .member(let name, .outOfRange): "\"\(name)\" is of the wrong length or value for such a key"
        case .malformed: "malformed"
        case .unsupportedType: "key type or curve not supported"
        case .unsupportedAlgorithm: "algorithm not supported"
        case .algorithmDoesNotFit: "algorithm does not fit the key"
        case .algorithmMissing: "a symmetric key needs \"alg\""
        case .symmetricNotAllowed: "symmetric keys are taken only from local files"
        case .notForSignatures: "\"use\" is not \"sig\""
        case .notForVerification: "\"key_ops\" has no \"verify\""
        case .weak: "too short, or RSA beyond 8192 bits"
        case .tooMany: "more keys than the limit"
        }
    }
}
