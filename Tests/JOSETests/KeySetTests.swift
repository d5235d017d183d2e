import Crypto
import JSON
import Testing

@testable import JOSE

@Suite struct KeySetTests {
    /// Why the key is not used; `nil` where it is.
    func refusal(_ jwk: String, rules: KeySet.Rules = .local) -> KeyRefusal? {
        guard let set = try? KeySet.parse("{\"keys\":[\(jwk)]}", rules: rules) else {
            Issue.record("not even a key set")
            return nil
        }
        #expect(set.keys.count + set.skipped.count == 1)
        return set.skipped.first?.reason
    }

    @Test("every algorithm's key is written and read with its name and algorithm", arguments: SigningAlgorithm.allCases)
    func roundTrip(algorithm: SigningAlgorithm) throws {
        guard algorithm.family != .hmac else { return }
        let key = try #require(TestSigner.standard(algorithm).keySet(algorithm, keyID: "name").keys.first)
        #expect(key.algorithm == algorithm)
        #expect(key.keyID == Array("name".utf8))
    }

    @Test("a key without alg has its kind's one algorithm, RSA the one the issuer says")
    func standardAlgorithms() throws {
        func algorithm(_ signer: TestSigner, _ written: SigningAlgorithm, _ rules: KeySet.Rules = .fetched) throws
            -> SigningAlgorithm?
        {
            let jwk = signer.jwk(written).replacing("\"alg\":\"\(written.rawValue)\",", with: "")
            return try KeySet.parse(jwk, rules: rules).keys.first?.algorithm
        }
        #expect(try algorithm(.p256, .es256) == .es256)
        #expect(try algorithm(.p384, .es384) == .es384)
        #expect(try algorithm(.p521, .es512) == .es512)
        #expect(try algorithm(.ed25519, .eddsa) == .eddsa)
        #expect(try algorithm(.ed448, .eddsa) == .eddsa)
        #expect(try algorithm(.rsa, .rs512) == .rs256)
        #expect(try algorithm(.rsa, .rs512, .init(allowsSymmetric: false, rsaAlgorithm: .ps256)) == .ps256)
    }

    @Test("an algorithm that is not its key's is refused")
    func algorithmDoesNotFit() {
        #expect(refusal(TestSigner.p256.jwk(.es384)) == .algorithmDoesNotFit)
        #expect(refusal(TestSigner.p256.jwk(.rs256)) == .algorithmDoesNotFit)
        #expect(refusal(TestSigner.rsa.jwk(.hs256)) == .algorithmDoesNotFit)
        #expect(refusal(TestSigner.ed25519.jwk(.es256)) == .algorithmDoesNotFit)
        #expect(refusal(#"{"kty":"oct","k":"\#(String(repeating: "A", count: 128))","alg":"RS256"}"#) == .algorithmDoesNotFit)
        #expect(refusal(#"{"kty":"oct","k":"AAAA","alg":"none"}"#) == .unsupportedAlgorithm)
        #expect(refusal(#"{"kty":"RSA","n":"AAAA","e":"AQAB","alg":"RSA-OAEP"}"#) == .unsupportedAlgorithm)
    }

    @Test("a key for another purpose is not used")
    func otherPurposes() {
        let key = TestSigner.p256.jwk(.es256)
        #expect(refusal(key.replacing("\"use\":\"sig\"", with: "\"use\":\"enc\"")) == .notForSignatures)
        #expect(refusal(key.replacing("\"use\":\"sig\"", with: "\"use\":7")) == .notForSignatures)
        #expect(refusal(key.replacing("\"use\":\"sig\"", with: "\"key_ops\":[\"sign\"]")) == .notForVerification)
        #expect(refusal(key.replacing("\"use\":\"sig\"", with: "\"key_ops\":[]")) == .notForVerification)
        #expect(refusal(key.replacing("\"use\":\"sig\"", with: "\"key_ops\":[\"sign\",\"verify\"]")) == nil)
        #expect(refusal(key.replacing("\"use\":\"sig\",", with: "")) == nil)
    }

    @Test("a symmetric key is taken only from a local place, with its algorithm, and as long as its digest")
    func symmetric() {
        func oct(_ bytes: Int, _ algorithm: String?) -> String {
            let member = algorithm.map { ",\"alg\":\"\($0)\"" } ?? ""
            return #"{"kty":"oct","k":"\#(base64URL(Array(repeating: 7, count: bytes)))"\#(member)}"#
        }
        #expect(refusal(oct(32, "HS256")) == nil)
        #expect(refusal(oct(32, "HS256"), rules: .fetched) == .symmetricNotAllowed)
        #expect(refusal(oct(32, nil)) == .algorithmMissing)
        #expect(refusal(oct(31, "HS256")) == .weak)
        #expect(refusal(oct(47, "HS384")) == .weak)
        #expect(refusal(oct(48, "HS384")) == nil)
        #expect(refusal(oct(63, "HS512")) == .weak)
        #expect(refusal(oct(64, "HS512")) == nil)
    }

    @Test(
        "RSA is used from 2048 bits to 8192 and not one bit beyond",
        arguments: [
            (2047, KeyRefusal.weak), (2048, nil), (8192, nil), (8193, .weak), (16384, .weak),
        ] as [(Int, KeyRefusal?)])
    func rsaBits(bits: Int, expected: KeyRefusal?) {
        var modulus = [UInt8](repeating: 0xFF, count: (bits + 7) / 8)
        if bits % 8 != 0 { modulus[0] = 1 << (bits % 8) - 1 }
        #expect(refusal(#"{"kty":"RSA","n":"\#(base64URL(modulus))","e":"AQAB"}"#) == expected)
        // A zero in front is forbidden, met in the wild, and no reason to count more bits.
        #expect(refusal(#"{"kty":"RSA","n":"\#(base64URL([0] + modulus))","e":"AAEAAQ"}"#) == expected)
    }

    @Test(
        "of a malformed key the member is told that is missing, of the wrong kind, not canonical base64url or out of range",
        arguments: [
            (#"{"kty":7}"#, "kty", .notText), (#"{"k":"AAAA"}"#, "kty", .missing), (#"{"kty":"RSA","e":"AQAB"}"#, "n", .missing),
            (#"{"kty":"RSA","n":"","e":"AQAB"}"#, "n", .empty), (#"{"kty":"RSA","n":"AQ==","e":"AQAB"}"#, "n", .notBase64URL),
            (#"{"kty":"RSA","n":"AQ","e":["AQAB"]}"#, "e", .notText),
            (#"{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"}"#, "x", .outOfRange),
            (#"{"kty":"EC","x":"AQ","y":"AQ"}"#, "crv", .missing),
            (#"{"kty":"EC","crv":"P-256","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","y":"AQ"}"#, "y", .outOfRange),
            (#"{"kty":"OKP","crv":"Ed25519","x":"AQ"}"#, "x", .outOfRange), (#"{"kty":"oct","alg":"HS256"}"#, "k", .missing),
            (#"{"kty":"oct","alg":"HS256","k":"A+/A"}"#, "k", .notBase64URL),
            (#"{"kty":"oct","alg":7,"k":"AAAA"}"#, "alg", .notText),
            (#"{"kty":"oct","alg":"HS256","k":"AAAA","kid":7}"#, "kid", .notText),
        ] as [(String, String, KeyRefusal.MemberFault)])
    func malformed(jwk: String, member: String, fault: KeyRefusal.MemberFault) {
        #expect(refusal(jwk) == .member(member, fault))
        #expect(KeyRefusal.member(member, fault).reason.hasPrefix("\"\(member)\" is "))
    }

    @Test(
        "types and curves that cannot be used are skipped with their reason",
        arguments: [
            (#"{"kty":"EC","crv":"secp256k1","x":"AQ","y":"AQ"}"#, KeyRefusal.unsupportedType),
            (#"{"kty":"OKP","crv":"X25519","x":"AQ"}"#, .unsupportedType), (#"{"kty":"AKP"}"#, .unsupportedType),
            ("7", .notAnObject),
        ])
    func unsupported(jwk: String, reason: KeyRefusal) { #expect(refusal(jwk) == reason) }

    @Test("a set with one bad key keeps its good ones, and tells which it left out")
    func skipsOnly() throws {
        let set = try KeySet.parse(
            #"{"keys":[{"kty":"new","kid":"odd"},\#(TestSigner.p256.jwk(.es256)),{"kty":"oct","k":"AAAA"}],"more":1}"#,
            rules: .fetched)
        #expect(set.keys.count == 1)
        #expect(set.skipped.map(\.index) == [0, 2])
        #expect(set.skipped.map(\.keyID) == ["odd", nil])
        #expect(set.skipped.map(\.reason) == [.unsupportedType, .symmetricNotAllowed])
    }

    @Test("keys are taken up to the limit and the rest is skipped")
    func tooMany() throws {
        let rules = KeySet.Rules(allowsSymmetric: false, keysMax: 2)
        let key = TestSigner.p256.jwk(.es256)
        let set = try KeySet.parse("{\"keys\":[\(key),\(key),\(key)]}", rules: rules)
        #expect(set.keys.count == 2)
        #expect(set.skipped.map(\.reason) == [.tooMany])
    }

    @Test("what is no key set at all is a failure, not an empty set")
    func failures() throws {
        func failure(_ text: String) -> KeySetFailure? {
            do throws(KeySetFailure) { _ = try KeySet.parse(text, rules: .fetched); return nil } catch { return error }
        }
        #expect(failure("[]") == .notAKeySet)
        #expect(failure("{}") == .notAKeySet)
        #expect(failure(#"{"keys":{}}"#) == .notAKeySet)
        #expect(failure(#"{"keys":[],"keys":[]}"#) == .notJSON(JSONFailure(reason: .duplicateMember, offset: 12)))
        #expect(failure("<html>") == .notJSON(JSONFailure(reason: .unexpectedByte, offset: 0)))
        #expect(failure("{\"keys\":[]}" + String(repeating: " ", count: 512 << 10)) == .tooLarge)
        #expect(try KeySet.parse(#"{"keys":[]}"#, rules: .fetched).keys.isEmpty)
    }

    @Test("a PEM public key or certificate is a set of one without a name")
    func pem() throws {
        let pem = String(decoding: try TestSigner.p384.key.publicPEM(), as: UTF8.self)
        let set = try KeySet.parse(pem, rules: .fetched)
        #expect(set.keys.map(\.algorithm) == [.es384])
        #expect(set.keys[0].keyID == nil)
        #expect(
            verify(token(header: #"{"alg":"ES384","kid":"any"}"#, signedBy: .p384, .es384), trusting: trusting(set)).failure == nil)

        let rsa = String(decoding: try TestSigner.rsa.key.publicPEM(), as: UTF8.self)
        let rules = KeySet.Rules(allowsSymmetric: false, rsaAlgorithm: .ps384)
        #expect(try KeySet.parse(rsa, rules: rules).keys.map(\.algorithm) == [.ps384])

        let secret = try TestSigner.p384.key.privatePEM().withBytes { String(decoding: $0, as: UTF8.self) }
        #expect(throws: KeySetFailure.badPEM(.privateWherePublic)) { try KeySet.parse(secret, rules: .local) }
        let weak = String(decoding: try KeyHandle.generate(.rsa(bits: 1024)).publicPEM(), as: UTF8.self)
        #expect(throws: KeySetFailure.refused(.weak)) { try KeySet.parse(weak, rules: .local) }
    }
}
