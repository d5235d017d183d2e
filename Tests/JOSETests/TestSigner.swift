import Bytes
import COpenSSL
import Crypto
import JSON
import Time

@testable import JOSE

/// Signs whatever it is told to, with OpenSSL and none of our code: tokens that no honest issuer would make.
final class TestSigner: Sendable {
    let key: KeyHandle

    init(_ kind: KeyKind) { key = try! KeyHandle.generate(kind) }

    static let rsa = TestSigner(.rsa(bits: 2048))
    static let otherRSA = TestSigner(.rsa(bits: 2048))
    static let p256 = TestSigner(.ec(.p256))
    static let otherP256 = TestSigner(.ec(.p256))
    static let p384 = TestSigner(.ec(.p384))
    static let p521 = TestSigner(.ec(.p521))
    static let ed25519 = TestSigner(.ed25519)
    static let ed448 = TestSigner(.ed448)

    /// The one made for the algorithm; HMAC has none.
    static func standard(_ algorithm: SigningAlgorithm) -> TestSigner {
        switch algorithm {
        case .es256: p256
        case .es384: p384
        case .es512: p521
        case .eddsa: ed25519
        default: rsa
        }
    }

    func sign(_ message: [UInt8], _ algorithm: SigningAlgorithm) -> [UInt8] {
        let context = EVP_MD_CTX_new()!
        defer { EVP_MD_CTX_free(context) }
        var options: OpaquePointer?
        let name: String? =
            switch algorithm.digest {
            case .sha256: "SHA256"
            case .sha384: "SHA384"
            case .sha512: "SHA512"
            case nil: nil
            }
        precondition(EVP_DigestSignInit_ex(context, &options, name, nil, nil, key.pointer, nil) == 1)
        if [.ps256, .ps384, .ps512].contains(algorithm) {
            EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING)
            EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST)
        }
        var count = 0
        precondition(EVP_DigestSign(context, nil, &count, message, message.count) == 1)
        var signature = [UInt8](repeating: 0, count: count)
        precondition(EVP_DigestSign(context, &signature, &count, message, message.count) == 1)
        signature.removeLast(signature.count - count)
        guard case .ec(let curve) = key.kind else { return signature }
        return Self.raw(signature, size: curve.coordinateBytes)
    }

    private static func raw(_ der: [UInt8], size: Int) -> [UInt8] {
        der.withUnsafeBufferPointer { der in
            var cursor = der.baseAddress
            let parsed = d2i_ECDSA_SIG(nil, &cursor, der.count)!
            defer { ECDSA_SIG_free(parsed) }
            var raw = [UInt8](repeating: 0, count: 2 * size)
            raw.withUnsafeMutableBufferPointer {
                _ = BN_bn2binpad(ECDSA_SIG_get0_r(parsed), $0.baseAddress, Int32(size))
                _ = BN_bn2binpad(ECDSA_SIG_get0_s(parsed), $0.baseAddress! + size, Int32(size))
            }
            return raw
        }
    }

    /// The public half as a set of one.
    func keySet(_ algorithm: SigningAlgorithm, keyID: String = "k1") -> KeySet {
        try! KeySet.parse("{\"keys\":[\(jwk(algorithm, keyID: keyID))]}", rules: .fetched)
    }

    func jwk(_ algorithm: SigningAlgorithm, keyID: String? = "k1") -> String {
        var buffer = ByteBuffer()
        try! JWK.write(key, algorithm: algorithm, keyID: keyID, into: &buffer)
        return String(decoding: buffer.readable, as: UTF8.self)
    }
}

func base64URL(_ bytes: [UInt8]) -> String {
    String(decoding: bytes.withUnsafeBytes { Base64.encodeURL($0) }, as: UTF8.self)
}

/// A compact token of any header and claims.
func token(
    header: String = #"{"alg":"ES256","kid":"k1"}"#, claims: String = goodClaims(), signedBy signer: TestSigner = .p256,
    _ algorithm: SigningAlgorithm = .es256
) -> String {
    let signed = base64URL(Array(header.utf8)) + "." + base64URL(Array(claims.utf8))
    return signed + "." + base64URL(signer.sign(Array(signed.utf8), algorithm))
}

func hmacToken(header: String, claims: String = goodClaims(), secret: [UInt8], _ digest: DigestAlgorithm) -> String {
    let signed = base64URL(Array(header.utf8)) + "." + base64URL(Array(claims.utf8))
    let mac = Array(signed.utf8).withUnsafeBytes { text in
        secret.withUnsafeBytes { digest.authenticate(text, key: $0) }
    }
    return signed + "." + base64URL(mac)
}

let testIssuer = "https://auth.example"
let testTime = WallTime(seconds: 1_700_000_000)

func goodClaims(_ more: String = "") -> String {
    #"{"iss":"https://auth.example","aud":"orders","exp":1700000300\#(more)}"#
}

func trusting(_ keys: KeySet?, leewaySeconds: Int64 = 60, audiences: [String] = ["orders"]) -> [TrustedIssuer] {
    [TrustedIssuer(IssuerPolicy(issuer: testIssuer, audiences: audiences, leewaySeconds: leewaySeconds), keys: keys)]
}

/// The verified token, or why not.
func verify(
    _ token: String, trusting issuers: [TrustedIssuer] = trusting(TestSigner.p256.keySet(.es256)),
    at time: WallTime = testTime
) -> Result<VerifiedToken, TokenFailure> {
    Array(token.utf8).withUnsafeBytes { text in
        do throws(TokenFailure) {
            return .success(try TokenVerifier.verify(text, trusting: issuers, at: time))
        } catch { return .failure(error) }
    }
}

extension Result {
    var failure: Failure? {
        if case .failure(let failure) = self { return failure }
        return nil
    }
}

extension KeySet {
    static func parse(_ text: String, rules: Rules) throws(KeySetFailure) -> KeySet {
        try Array(text.utf8).span.bytes.withUnsafeBytes { (bytes) throws(KeySetFailure) in
            try KeySet.parse(bytes, rules: rules)
        }
    }
}
