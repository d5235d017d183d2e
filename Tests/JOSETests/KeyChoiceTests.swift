import Crypto
import Testing

@testable import JOSE

@Suite struct KeyChoiceTests {
    func set(_ jwks: [String]) throws -> KeySet {
        try KeySet.parse("{\"keys\":[\(jwks.joined(separator: ","))]}", rules: .fetched)
    }

    let nameless = #"{"alg":"ES256"}"#

    @Test("a token that names its key is tried with that key only")
    func named() throws {
        let keys = try set([TestSigner.otherP256.jwk(.es256, keyID: "a"), TestSigner.p256.jwk(.es256, keyID: "b")])
        #expect(verify(token(header: #"{"alg":"ES256","kid":"b"}"#), trusting: trusting(keys)).failure == nil)
        #expect(verify(token(header: #"{"alg":"ES256","kid":"a"}"#), trusting: trusting(keys)).failure == .badSignature)
        #expect(verify(token(header: #"{"alg":"ES256","kid":"c"}"#), trusting: trusting(keys)).failure == .unknownKey)
        #expect(verify(token(header: #"{"alg":"ES256","kid":"B"}"#), trusting: trusting(keys)).failure == .unknownKey)
        #expect(verify(token(header: #"{"alg":"ES256","kid":7}"#), trusting: trusting(keys)).failure == .badHeader)
    }

    @Test("a token without a name is tried with the keys that fit, at most four of them")
    func withoutName() throws {
        let wrong = TestSigner.otherP256.jwk(.es256)
        let right = TestSigner.p256.jwk(.es256)
        let unfit = TestSigner.rsa.jwk(.rs256)
        func outcome(_ jwks: [String]) throws -> TokenFailure? {
            verify(token(header: nameless), trusting: trusting(try set(jwks))).failure
        }
        #expect(try outcome([wrong, wrong, wrong, right]) == nil)
        #expect(try outcome([wrong, wrong, wrong, wrong, right]) == .badSignature)
        // Keys for other algorithms are not tried, so they do not count.
        #expect(try outcome([unfit, unfit, unfit, unfit, unfit, right]) == nil)
        #expect(try outcome([unfit]) == .algorithmMismatch)
        #expect(try outcome([]) == .unknownKey)
    }

    @Test("two keys of one name are told apart by their algorithm")
    func sameName() throws {
        let keys = try set([TestSigner.rsa.jwk(.rs256), TestSigner.p256.jwk(.es256)])
        #expect(verify(token(), trusting: trusting(keys)).failure == nil)
        let rs = token(header: #"{"alg":"RS256","kid":"k1"}"#, signedBy: .rsa, .rs256)
        #expect(verify(rs, trusting: trusting(keys)).failure == nil)
    }
}

@Suite struct AlgorithmConfusionTests {
    @Test("an HS256 token signed with the text of the RSA public key does not pass")
    func publicKeyAsSecret() throws {
        let pem = try TestSigner.rsa.key.publicPEM()
        for secret in [pem, pem.dropLast(), Array(TestSigner.rsa.jwk(.rs256).utf8)] {
            for header in [#"{"alg":"HS256","kid":"k1"}"#, #"{"alg":"HS256"}"#] {
                let text = hmacToken(header: header, secret: secret, .sha256)
                #expect(verify(text, trusting: trusting(TestSigner.rsa.keySet(.rs256))).failure == .algorithmMismatch)
            }
        }
        let set = try KeySet.parse(String(decoding: pem, as: UTF8.self), rules: .local)
        let text = hmacToken(header: #"{"alg":"HS256"}"#, secret: pem, .sha256)
        #expect(verify(text, trusting: trusting(set)).failure == .algorithmMismatch)
    }

    @Test(
        "a good RSA signature by another algorithm than the key's does not pass",
        arguments: [
            SigningAlgorithm.rs384, .rs512, .ps256, .ps384,
        ])
    func sameKeyOtherAlgorithm(algorithm: SigningAlgorithm) {
        let keys = trusting(TestSigner.rsa.keySet(.rs256))
        let honest = token(header: "{\"alg\":\"\(algorithm.rawValue)\",\"kid\":\"k1\"}", signedBy: .rsa, algorithm)
        #expect(verify(honest, trusting: keys).failure == .algorithmMismatch)
        let lying = token(header: #"{"alg":"RS256","kid":"k1"}"#, signedBy: .rsa, algorithm)
        #expect(verify(lying, trusting: keys).failure == .badSignature)
    }

    @Test(
        "no algorithm, in any spelling, is no algorithm",
        arguments: [
            "none", "None", "NONE", "nOnE", "", "es256", "ES256 ", "ES256K", "HS1", "RS256\\u0000", "ES2560000000",
        ])
    func none(name: String) {
        let header = "{\"alg\":\"\(name)\",\"kid\":\"k1\"}"
        #expect(verify(token(header: header)).failure == .unsupportedAlgorithm)
        let unsigned = base64URL(Array(header.utf8)) + "." + base64URL(Array(goodClaims().utf8)) + "."
        #expect(verify(unsigned).failure == .unsupportedAlgorithm)
    }

    @Test("a key that the token brings along is not looked at", arguments: ["jwk", "jku", "x5u", "x5c"])
    func ownKey(member: String) {
        let value = member == "jwk" ? TestSigner.otherP256.jwk(.es256) : "\"https://evil.example\""
        let header = "{\"alg\":\"ES256\",\"kid\":\"k1\",\"\(member)\":\(value)}"
        #expect(verify(token(header: header, signedBy: .otherP256)).failure == .badSignature)
        #expect(verify(token(header: header)).failure == nil)
    }

    @Test("an ECDSA signature has exactly two full halves, and none of them is nothing")
    func ecdsaShape() {
        let parts = token().split(separator: ".").map(String.init)
        func outcome(_ signature: [UInt8]) -> TokenFailure? {
            verify([parts[0], parts[1], base64URL(signature)].joined(separator: ".")).failure
        }
        let message = Array((parts[0] + "." + parts[1]).utf8)
        let good = TestSigner.p256.sign(message, .es256)
        #expect(outcome(good) == nil)
        #expect(outcome(good + [0]) == .badSignature)
        #expect(outcome([0] + good) == .badSignature)
        #expect(outcome(Array(good.dropLast())) == .badSignature)
        #expect(outcome([]) == .badSignature)
        #expect(outcome(Array(repeating: 0, count: 64)) == .badSignature)
        #expect(outcome(Array(repeating: 0xFF, count: 64)) == .badSignature)
        #expect(outcome(Array(good[..<32]) + Array(repeating: 0, count: 32)) == .badSignature)
    }

    @Test(
        "ECDSA signatures whose halves begin with zeros or high bits verify all the same",
        arguments: [
            SigningAlgorithm.es256, .es384, .es512,
        ])
    func ecdsaHalves(algorithm: SigningAlgorithm) throws {
        let signer = TestSigner.standard(algorithm)
        let key = try #require(signer.keySet(algorithm).keys.first)
        for round in 0..<300 {
            let message = Array("message \(round)".utf8)
            let signature = signer.sign(message, algorithm)
            let verified = message.withUnsafeBytes { message in
                signature.withUnsafeBytes { key.verifies($0, over: message) }
            }
            #expect(verified)
        }
    }
}
