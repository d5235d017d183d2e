import Testing
import Time

@testable import JOSE

@Suite struct TokenVerifierTests {
    @Test("a token of an issuer that is not accepted counts as an unknown issuer's, whatever its signature")
    func notAccepted() {
        let issuers = trusting(TestSigner.p256.keySet(.es256))
        for text in [token(), String(token().dropLast(4)) + "AAAA"] {
            var asked: [Int] = []
            let failure = Array(text.utf8).withUnsafeBytes { bytes -> TokenFailure? in
                do throws(TokenFailure) {
                    _ = try TokenVerifier.verify(
                        bytes, trusting: issuers,
                        accepting: {
                            asked.append($0)
                            return false
                        }, at: testTime)
                    return nil
                } catch { return error }
            }
            #expect(failure == .unknownIssuer)
            #expect(asked == [0])
        }
    }

    @Test(
        "a token of every algorithm verifies with its key, and not with another of the kind", arguments: SigningAlgorithm.allCases)
    func everyAlgorithm(algorithm: SigningAlgorithm) throws {
        guard algorithm.family != .hmac else { return }
        let signer = TestSigner.standard(algorithm)
        let text = token(header: "{\"alg\":\"\(algorithm.rawValue)\",\"kid\":\"k1\"}", signedBy: signer, algorithm)
        let verified = try verify(text, trusting: trusting(signer.keySet(algorithm))).get()
        #expect(verified.algorithm == algorithm)
        #expect(verified.keyID == Array("k1".utf8))
        guard algorithm.family == .rsa else { return }
        #expect(verify(text, trusting: trusting(TestSigner.otherRSA.keySet(algorithm))).failure == .badSignature)
    }

    @Test("Ed448 is EdDSA too")
    func ed448() {
        let text = token(header: #"{"alg":"EdDSA","kid":"k1"}"#, signedBy: .ed448, .eddsa)
        #expect(verify(text, trusting: trusting(TestSigner.ed448.keySet(.eddsa))).failure == nil)
        #expect(verify(text, trusting: trusting(TestSigner.ed25519.keySet(.eddsa))).failure == .badSignature)
    }

    @Test("a token changed anywhere does not verify", arguments: [0, 1, 2])
    func tampered(part: Int) {
        let text = token()
        let parts = text.split(separator: ".").map(String.init)
        var outcomes = Set<TokenFailure?>()
        for offset in 0..<parts[part].utf8.count {
            var changed = parts
            let index = changed[part].index(changed[part].startIndex, offsetBy: offset)
            let other = changed[part][index] == "A" ? "B" : "A"
            changed[part] = changed[part].replacingCharacters(at: index, with: other)
            outcomes.insert(verify(changed.joined(separator: ".")).failure)
        }
        #expect(!outcomes.contains(nil))
        if part == 2 { #expect(outcomes.isSubset(of: [.badSignature, .notBase64URL])) }
    }

    @Test("the issuer is compared exactly, and chooses the keys and the policy")
    func issuers() throws {
        #expect(
            verify(token(claims: #"{"iss":"https://auth.example/","aud":"orders","exp":1700000300}"#)).failure == .unknownIssuer)
        #expect(verify(token(claims: #"{"aud":"orders","exp":1700000300}"#)).failure == .unknownIssuer)
        #expect(verify(token(claims: #"{"iss":["https://auth.example"],"aud":"orders","exp":1700000300}"#)).failure == .badClaims)
        let two = [
            TrustedIssuer(
                IssuerPolicy(issuer: "https://other.example", audiences: ["orders"]), keys: TestSigner.otherP256.keySet(.es256)),
            trusting(TestSigner.p256.keySet(.es256))[0],
        ]
        #expect(try verify(token(), trusting: two).get().issuerIndex == 1)
        // Good keys, but another issuer's.
        #expect(verify(token(signedBy: .otherP256), trusting: two).failure == .badSignature)
        #expect(verify(token(), trusting: []).failure == .unknownIssuer)
    }

    @Test("an issuer whose keys were never loaded is told apart from a bad token")
    func neverLoaded() {
        #expect(verify(token(), trusting: trusting(nil)).failure == .keySetUnavailable)
        #expect(verify("x.y", trusting: trusting(nil)).failure == .notCompact)
        #expect(!TokenFailure.keySetUnavailable.isFormatOrSignature)
        #expect(verify(token(), trusting: trusting(KeySet(keys: []))).failure == .unknownKey)
    }

    @Test(
        "the expiry counts to its last second and the leeway, and not one longer",
        arguments: [
            (0, 1_700_000_299, true), (0, 1_700_000_300, false), (60, 1_700_000_359, true), (60, 1_700_000_360, false),
        ] as [(Int64, Int64, Bool)])
    func expiry(leeway: Int64, now: Int64, counts: Bool) throws {
        let issuers = trusting(TestSigner.p256.keySet(.es256), leewaySeconds: leeway)
        let outcome = verify(token(), trusting: issuers, at: WallTime(seconds: now))
        #expect(outcome.failure == (counts ? nil : .expired))
        if counts { #expect(try outcome.get().validUntilSeconds == 1_700_000_300 + leeway) }
    }

    @Test(
        "a token counts from its nbf less the leeway, and not one second before",
        arguments: [
            (0, 0, true), (0, -1, false), (60, -60, true), (60, -61, false),
        ] as [(Int64, Int64, Bool)])
    func notBefore(leeway: Int64, offset: Int64, counts: Bool) {
        let issuers = trusting(TestSigner.p256.keySet(.es256), leewaySeconds: leeway)
        let text = token(claims: goodClaims(#","nbf":1700000000"#))
        let outcome = verify(text, trusting: issuers, at: WallTime(seconds: 1_700_000_000 + offset))
        #expect(outcome.failure == (counts ? nil : .notYetValid))
    }

    @Test(
        "dates may have fractions and exponents, and nothing but numbers are dates",
        arguments: [
            ("1700000300.75", nil), ("1.7000003e9", nil), ("\"1700000300\"", .badClaims), ("null", .badClaims),
            ("1e300", .badClaims),
            ("9223372036854775807", .badClaims), ("1e999", .badClaims), ("-5", .expired), ("0", .expired),
            ("[1700000300]", .badClaims),
        ] as [(String, TokenFailure?)])
    func dates(exp: String, failure: TokenFailure?) {
        #expect(verify(token(claims: #"{"iss":"https://auth.example","aud":"orders","exp":\#(exp)}"#)).failure == failure)
    }

    @Test("without an expiry no token counts; iat is nobody's business; a bad nbf is malformed")
    func otherDates() {
        #expect(verify(token(claims: #"{"iss":"https://auth.example","aud":"orders"}"#)).failure == .missingExpiry)
        #expect(verify(token(claims: goodClaims(#","iat":99999999999"#))).failure == nil)
        #expect(verify(token(claims: goodClaims(#","iat":"yesterday""#))).failure == nil)
        #expect(verify(token(claims: goodClaims(#","nbf":"now""#))).failure == .badClaims)
    }

    @Test(
        "any audience of ours will do, in a string or an array",
        arguments: [
            ("\"orders\"", nil), ("\"carts\"", nil), ("[\"x\",\"carts\"]", nil), ("\"order\"", .wrongAudience),
            ("\"\"", .wrongAudience),
            ("[]", .wrongAudience), ("[\"x\",\"y\"]", .wrongAudience), ("\"orders carts\"", .wrongAudience), ("7", .badClaims),
            ("[\"orders\",7]", .badClaims), ("null", .badClaims), ("{\"orders\":1}", .badClaims), ("[[\"orders\"]]", .badClaims),
        ] as [(String, TokenFailure?)])
    func audiences(aud: String, failure: TokenFailure?) {
        let issuers = trusting(TestSigner.p256.keySet(.es256), audiences: ["orders", "carts"])
        let text = token(claims: #"{"iss":"https://auth.example","exp":1700000300,"aud":\#(aud)}"#)
        #expect(verify(text, trusting: issuers).failure == failure)
    }

    @Test(
        "a claim that stands in for the audience counts in tokens without one, and only there",
        arguments: [
            (#""client_id":"orders""#, nil), (#""client_id":["x","orders"]"#, nil), (#""client_id":"x""#, .wrongAudience),
            (#""client_id":"orders","aud":"x""#, .wrongAudience), (#""client_id":"x","aud":"orders""#, nil),
            (#""client_id":7"#, .badClaims), (#""azp":"orders""#, .wrongAudience),
            (#""client_id":"orders","aud":null"#, .badClaims),
        ] as [(String, TokenFailure?)])
    func audienceClaim(claims: String, failure: TokenFailure?) {
        let policy = IssuerPolicy(issuer: testIssuer, audiences: ["orders"], audienceClaim: ClaimPath(dotted: "client_id"))
        let issuers = [TrustedIssuer(policy, keys: TestSigner.p256.keySet(.es256))]
        let text = token(claims: #"{"iss":"https://auth.example","exp":1700000300,\#(claims)}"#)
        #expect(verify(text, trusting: issuers).failure == failure)
    }

    @Test("where any audience will do, none is looked at", arguments: ["", #","aud":"x""#, #","aud":7"#])
    func anyAudience(aud: String) {
        let issuers = [TrustedIssuer(IssuerPolicy(issuer: testIssuer, audiences: nil), keys: TestSigner.p256.keySet(.es256))]
        let text = token(claims: #"{"iss":"https://auth.example","exp":1700000300\#(aud)}"#)
        #expect(verify(text, trusting: issuers).failure == nil)
    }

    @Test("a token without an audience passes nowhere, and neither does any where none is configured")
    func noAudience() {
        #expect(verify(token(claims: #"{"iss":"https://auth.example","exp":1700000300}"#)).failure == .wrongAudience)
        #expect(verify(token(), trusting: trusting(TestSigner.p256.keySet(.es256), audiences: [])).failure == .wrongAudience)
    }

    @Test("what a forged token says is never told: the signature is looked at before times and audience")
    func signatureFirst() {
        let expired = #"{"iss":"https://auth.example","aud":"x","exp":1}"#
        #expect(verify(token(claims: expired, signedBy: .otherP256)).failure == .badSignature)
        #expect(verify(token(claims: expired)).failure == .expired)
    }

    @Test("one key set serves many threads at once")
    func shared() async {
        let issuers = trusting(TestSigner.p256.keySet(.es256))
        let good = token()
        let forged = token(signedBy: .otherP256)
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    (0..<100).allSatisfy { _ in
                        verify(good, trusting: issuers).failure == nil
                            && verify(forged, trusting: issuers).failure == .badSignature
                    }
                }
            }
            for await allRight in group { #expect(allRight) }
        }
    }

    @Test("every reason fits a quoted string and tells failures of format and signature from the others")
    func reasons() {
        for failure in TokenFailure.allCases {
            let text = failure.reason.description
            #expect(text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") })
        }
        #expect(Set(TokenFailure.allCases.map(\.reason.description)).count == TokenFailure.allCases.count)
        #expect(TokenFailure.badSignature.isFormatOrSignature)
        #expect(TokenFailure.notCompact.isFormatOrSignature)
        for failure in [TokenFailure.expired, .notYetValid, .wrongAudience, .missingExpiry] {
            #expect(!failure.isFormatOrSignature)
        }
    }
}
