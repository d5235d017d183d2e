internal import Bytes
internal import CJWT
package import Crypto
internal import Glibc
internal import JSON

/// What a token is signed with.
package struct MintingKey: ~Copyable, Sendable {
    package let algorithm: SigningAlgorithm
    /// A PEM text or a secret, as libjwt wants it.
    fileprivate let material: SecretBytes

    /// - Parameter algorithm: the key's own where `nil`: RS256, or ES by the curve.
    /// - Throws: `algorithmDoesNotFit`, `weak`, and `malformed` for a key without its private half.
    package init(_ key: borrowing KeyHandle, algorithm: SigningAlgorithm? = nil) throws(KeyRefusal) {
        let algorithm = algorithm ?? SigningAlgorithm.standard(for: key.kind)
        guard algorithm.fits(key.kind) else { throw .algorithmDoesNotFit }
        if case .rsa(let bits) = key.kind, !VerificationKey.rsaBits.contains(bits) { throw .weak }
        material = try Self.pem(of: key)
        self.algorithm = algorithm
    }

    /// Written anew, so that libjwt sees one plain block, whatever else the file had.
    private static func pem(of key: borrowing KeyHandle) throws(KeyRefusal) -> SecretBytes {
        do throws(KeyFailure) { return try key.privatePEM() } catch { throw .malformed }
    }

    /// - Throws: `algorithmDoesNotFit`, `weak`.
    package init(secret: consuming SecretBytes, algorithm: SigningAlgorithm) throws(KeyRefusal) {
        guard algorithm.family == .hmac, let digest = algorithm.digest else { throw .algorithmDoesNotFit }
        guard secret.count >= digest.byteCount else { throw .weak }
        self.algorithm = algorithm
        material = secret
    }
}

/// Why no token was made.
package enum MintFailure: String, Error, Hashable, Sendable {
    case claimsAreNoObject = "the claims are not a JSON object"
    case keyIDHasNull = "the key's name has a null character in it"
    case libraryFailed = "the library could not sign"
}

/// Makes tokens: HS, RS and ES through libjwt, PS and EdDSA, which libjwt 1.10 does not know, through OpenSSL.
///
/// The key is parsed at every call, so this is for issuers and tools and never for the way of a request.
package enum TokenMinter {
    /// The compact token with these claims.
    ///
    /// - Parameter claims: the text of a JSON object, strict like everything read here.
    package static func mint(
        claims: String, with key: borrowing MintingKey, keyID: String?
    ) throws(MintFailure) -> String {
        guard let tree = try? JSONValue.parse(claims), tree.kind == .object else { throw .claimsAreNoObject }
        if keyID?.utf8.contains(0) == true { throw .keyIDHasNull }
        guard let algorithm = key.algorithm.libjwtName else { return try sign(tree, with: key, keyID: keyID) }
        var token: OpaquePointer?
        // Each of these gives 0, ENOMEM or EINVAL.
        guard jwt_new(&token) == 0, let token else { throw .libraryFailed }
        defer { jwt_free(token) }
        guard jwt_add_grants_json(token, claims) == 0 else { throw .claimsAreNoObject }
        if let keyID {
            guard jwt_add_header(token, "kid", keyID) == 0 else { throw .libraryFailed }
        }
        // Copies the key, and wipes its copy in jwt_free.
        let accepted = key.material.withBytes { bytes in
            jwt_set_alg(
                token, algorithm, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), Int32(bytes.count)) == 0
        }
        guard accepted, let text = jwt_encode_str(token) else { throw .libraryFailed }
        defer { free(text) }
        return String(cString: text)
    }

    /// The same token by our own hand (RFC 7515, section 7.1).
    private static func sign(
        _ claims: JSONValue, with key: borrowing MintingKey, keyID: String?
    ) throws(MintFailure) -> String {
        var header = ByteBuffer()
        var json = JSONWriter()
        json.beginObject(&header)
        for case (let name, let value?) in [("alg", key.algorithm.rawValue), ("typ", "JWT"), ("kid", keyID)] {
            json.key(name, &header)
            json.string(value, &header)
        }
        json.endObject(&header)
        var payload = ByteBuffer()
        json = JSONWriter()
        json.value(claims, &payload)
        var token = ByteBuffer()
        Base64.encodeURL(header.readable, into: &token)
        token.append(".")
        Base64.encodeURL(payload.readable, into: &token)
        let signature: [UInt8]
        do throws(KeyFailure) {
            guard let scheme = key.algorithm.scheme else { throw .unsupportedKind }
            let handle = try key.material.withBytes { (pem) throws(KeyFailure) in try KeyHandle.privateKey(pem: pem) }
            signature = try handle.sign(token.readable, scheme)
        } catch { throw .libraryFailed }
        token.append(".")
        signature.withUnsafeBytes { Base64.encodeURL($0, into: &token) }
        return String(decoding: token.readable, as: UTF8.self)
    }
}

extension SigningAlgorithm {
    /// `nil` for what libjwt 1.10 does not know.
    fileprivate var libjwtName: jwt_alg_t? {
        switch self {
        case .hs256: JWT_ALG_HS256
        case .hs384: JWT_ALG_HS384
        case .hs512: JWT_ALG_HS512
        case .rs256: JWT_ALG_RS256
        case .rs384: JWT_ALG_RS384
        case .rs512: JWT_ALG_RS512
        case .es256: JWT_ALG_ES256
        case .es384: JWT_ALG_ES384
        case .es512: JWT_ALG_ES512
        case .ps256, .ps384, .ps512, .eddsa: nil
        }
    }
}
