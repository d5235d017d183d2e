import Bytes
import CJWT
import Crypto
import JSON
import Testing

@testable import JOSE

/// libjwt and OpenSSL held against each other: what one signs the other verifies.
@Suite struct TokenMinterTests {
    static let byLibjwt: [SigningAlgorithm] = [.hs256, .hs384, .hs512, .rs256, .rs384, .rs512, .es256, .es384, .es512]
    static let minted = byLibjwt + [.ps256, .ps384, .ps512, .eddsa]
    static let secret = (0..<64).map { UInt8($0 * 3) }

    /// A token, and the keys that verify it.
    func mint(_ algorithm: SigningAlgorithm, claims: String = goodClaims(), keyID: String? = "k1") throws -> (String, KeySet) {
        if algorithm.family == .hmac {
            let key = try MintingKey(secret: SecretBytes(Self.secret), algorithm: algorithm)
            var jwk = ByteBuffer()
            JWK.write(secret: SecretBytes(Self.secret), algorithm: algorithm, keyID: "k1", into: &jwk)
            let text = try TokenMinter.mint(claims: claims, with: key, keyID: keyID)
            return (text, try KeySet.parse(jwk.readable, rules: .local))
        }
        let signer = TestSigner.standard(algorithm)
        let key = try MintingKey(signer.key, algorithm: algorithm)
        return (try TokenMinter.mint(claims: claims, with: key, keyID: keyID), signer.keySet(algorithm))
    }

    @Test("what is minted we verify, and no longer when it is changed", arguments: minted)
    func verified(algorithm: SigningAlgorithm) throws {
        let claims = goodClaims(#","sub":"u1","n":9007199254740993,"f":1.5,"list":["a",true,null],"o":{"p":"\u00e9"}"#)
        let (text, keys) = try mint(algorithm, claims: claims)
        let verified = try verify(text, trusting: trusting(keys)).get()
        #expect(verified.algorithm == algorithm)
        #expect(verified.subject == "u1")
        #expect(verified.claims["n"]?.int64 == 9_007_199_254_740_993)
        #expect(verified.claims["f"]?.double == 1.5)
        #expect(verified.claims["list"]?.count == 3)
        #expect(verified.claims["o"]?["p"]?.string == "\u{e9}")

        let parts = text.split(separator: ".").map(String.init)
        let other = base64URL(Array(claims.replacing("\"u1\"", with: "\"u2\"").utf8))
        #expect(verify([parts[0], other, parts[2]].joined(separator: "."), trusting: trusting(keys)).failure == .badSignature)
        let first = parts[2].first == "A" ? "B" : "A"
        let signature = first + parts[2].dropFirst()
        #expect(verify([parts[0], parts[1], signature].joined(separator: "."), trusting: trusting(keys)).failure == .badSignature)
    }

    @Test("what OpenSSL signs libjwt accepts, and not when it is changed", arguments: byLibjwt)
    func acceptedByLibjwt(algorithm: SigningAlgorithm) throws {
        let header = "{\"alg\":\"\(algorithm.rawValue)\",\"typ\":\"JWT\"}"
        let text: String
        let key: [UInt8]
        if algorithm.family == .hmac {
            text = hmacToken(header: header, secret: Self.secret, try #require(algorithm.digest))
            key = Self.secret
        } else {
            let signer = TestSigner.standard(algorithm)
            text = token(header: header, signedBy: signer, algorithm)
            key = try signer.key.publicPEM()
        }
        func accepted(_ text: String) -> Bool {
            var decoded: OpaquePointer?
            defer { jwt_free(decoded) }
            return jwt_decode(&decoded, text, key, Int32(key.count)) == 0
        }
        #expect(accepted(text))
        let parts = text.split(separator: ".").map(String.init)
        let first = parts[2].first == "A" ? "B" : "A"
        #expect(!accepted([parts[0], parts[1], first + parts[2].dropFirst()].joined(separator: ".")))
    }

    @Test(
        "the header names algorithm, type and key, and a token without a key's name has none",
        arguments: [
            SigningAlgorithm.es256, .ps384, .eddsa,
        ])
    func header(algorithm: SigningAlgorithm) throws {
        let (text, _) = try mint(algorithm, keyID: "key \"1\"")
        let parts = try bytes(text) { text in Result { () throws(TokenFailure) in try CompactToken.read(text) } }.get()
        #expect(parts.header["alg"]?.string == algorithm.rawValue)
        #expect(parts.header["typ"]?.string == "JWT")
        #expect(parts.header["kid"]?.string == "key \"1\"")
        #expect(parts.claims["iss"]?.string == testIssuer)
        let (nameless, keys) = try mint(algorithm, keyID: nil)
        #expect(verify(nameless, trusting: trusting(keys)).failure == nil)
    }

    @Test("an Ed448 key signs as EdDSA too")
    func ed448() throws {
        let signer = TestSigner(.ed448)
        let text = try TokenMinter.mint(claims: goodClaims(), with: try MintingKey(signer.key), keyID: "k1")
        #expect(verify(text, trusting: trusting(signer.keySet(.eddsa))).failure == nil)
    }

    @Test(
        "a key's own algorithm is used where none is said",
        arguments: [
            (TestSigner.rsa, SigningAlgorithm.rs256), (.p256, .es256), (.p384, .es384), (.p521, .es512), (.ed25519, .eddsa),
        ])
    func standard(signer: TestSigner, algorithm: SigningAlgorithm) throws {
        #expect(try MintingKey(signer.key).algorithm == algorithm)
    }

    @Test("keys that cannot mint are refused before libjwt sees them")
    func wrongKeys() throws {
        func refusal(_ signer: TestSigner, _ algorithm: SigningAlgorithm?) -> KeyRefusal? {
            do throws(KeyRefusal) { _ = try MintingKey(signer.key, algorithm: algorithm); return nil } catch { return error }
        }
        #expect(refusal(.rsa, .es256) == .algorithmDoesNotFit)
        #expect(refusal(.p256, .es384) == .algorithmDoesNotFit)
        #expect(refusal(.rsa, .hs256) == .algorithmDoesNotFit)
        #expect(refusal(.ed25519, .es256) == .algorithmDoesNotFit)
        #expect(refusal(.p256, .ps256) == .algorithmDoesNotFit)
        #expect(refusal(TestSigner(.rsa(bits: 1024)), .rs256) == .weak)
        func symmetric(_ count: Int, _ algorithm: SigningAlgorithm) -> KeyRefusal? {
            do throws(KeyRefusal) {
                _ = try MintingKey(secret: SecretBytes(Array(repeating: 1, count: count)), algorithm: algorithm)
                return nil
            } catch { return error }
        }
        #expect(symmetric(31, .hs256) == .weak)
        #expect(symmetric(32, .hs256) == nil)
        #expect(symmetric(64, .rs256) == .algorithmDoesNotFit)
        #expect(throws: KeyRefusal.malformed) {
            let half = try KeyHandle.publicKey(try TestSigner.p256.key.publicNumbers())
            _ = try MintingKey(half)
        }
    }

    @Test("claims that are no strict JSON object are refused", arguments: ["", "[]", "7", "{", #"{"a":1,"a":2}"#, #"{"a":1} x"#])
    func wrongClaims(claims: String) {
        #expect(throws: MintFailure.claimsAreNoObject) { try mint(.es256, claims: claims) }
    }

    @Test("a key's name with a null character is refused, not cut short")
    func nullInName() { #expect(throws: MintFailure.keyIDHasNull) { try mint(.es256, keyID: "a\0b") } }

    @Test("ten thousand tokens and key sets are made and dropped")
    func createAndDrop() throws {
        let key = try MintingKey(secret: SecretBytes(Self.secret), algorithm: .hs256)
        let jwk = TestSigner.p256.jwk(.es256)
        for _ in 0..<10_000 { _ = try TokenMinter.mint(claims: goodClaims(), with: key, keyID: "k1") }
        for _ in 0..<10_000 { _ = try KeySet.parse(jwk, rules: .fetched) }
        let text = token()
        for _ in 0..<1_000 { #expect(verify(text, trusting: trusting(nil)).failure == .keySetUnavailable) }
    }
}
