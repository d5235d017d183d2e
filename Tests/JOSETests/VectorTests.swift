import Bytes
import Crypto
import JSON
import Testing
import Time

@testable import JOSE

/// The examples printed in the specifications, which neither our code nor OpenSSL made.
@Suite struct VectorTests {
    static let claims =
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

    static let hmac = (
        key: """
        {"kty":"oct","alg":"HS256","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}
        """,
        token: "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\(claims).dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    )

    static let rsa = (
        key: """
        {"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1P\
        t0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS\
        -UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2P\
        AcDTW9gb54h4FRWyuXpoQ"}
        """,
        token: """
        eyJhbGciOiJSUzI1NiJ9.\(claims).cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O\
        8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN\
        9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0\
        igcN_IoypGlUPQGe77Rw
        """
    )

    static let ecdsa = (
        key: """
        {"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}
        """,
        token: """
        eyJhbGciOiJFUzI1NiJ9.\(claims).DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q
        """
    )

    @Test("RFC 7515's tokens verify, and no longer do with one byte changed", arguments: [hmac, rsa, ecdsa])
    func rfc7515(key: String, token: String) throws {
        let keys = try KeySet.parse(key, rules: .local)
        #expect(keys.skipped.isEmpty)
        func outcome(_ text: String) -> TokenFailure? {
            let bytes = Array(text.utf8)
            return bytes.withUnsafeBytes { text in
                do throws(TokenFailure) {
                    let parts = try CompactToken.read(text)
                    _ = try keys.key(
                        named: nil, algorithm: try parts.algorithm(), verifying: parts.signature,
                        over: UnsafeRawBufferPointer(rebasing: text[..<parts.signedCount]))
                    return nil
                } catch { return error }
            }
        }
        #expect(outcome(token) == nil)
        let dot = token.lastIndex(of: ".")!
        let flipped = token.index(dot, offsetBy: 5)
        let other = token[flipped] == "A" ? "B" : "A"
        #expect(outcome(token.replacingCharacters(at: flipped, with: other)) == .badSignature)

        // These have no audience, and that is looked at last: everything before it was good.
        let issuers = [TrustedIssuer(IssuerPolicy(issuer: "joe", audiences: ["x"]), keys: keys)]
        #expect(verify(token, trusting: issuers, at: WallTime(seconds: 1_300_819_379)).failure == .wrongAudience)
        #expect(verify(token, trusting: issuers, at: WallTime(seconds: 1_300_819_380 + 60)).failure == .expired)
    }

    static let okp = #"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#

    @Test("RFC 8037's Ed25519 signature verifies")
    func rfc8037() throws {
        let key = try #require(try KeySet.parse(Self.okp, rules: .fetched).keys.first)
        #expect(key.algorithm == .eddsa)
        let message = Array("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc".utf8)
        let text = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        var signature = try #require(Array(text.utf8).withUnsafeBytes { Base64.decodeURL($0) })
        #expect(message.withUnsafeBytes { message in signature.withUnsafeBytes { key.verifies($0, over: message) } })
        signature[0] ^= 1
        #expect(!message.withUnsafeBytes { message in signature.withUnsafeBytes { key.verifies($0, over: message) } })
    }

    @Test("the thumbprints of RFC 7638 and RFC 8037 come out")
    func thumbprints() throws {
        let modulus = """
            0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ\
            _2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpb\
            ISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw
            """
        let bytes = try #require(Array(modulus.utf8).withUnsafeBytes { Base64.decodeURL($0) })
        let rsa = try KeyHandle.publicKey(.rsa(modulus: bytes, exponent: [1, 0, 1]))
        #expect(try JWK.thumbprint(of: rsa) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")
        let x = try #require(
            Array("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".utf8).withUnsafeBytes { Base64.decodeURL($0) })
        let okp = try KeyHandle.publicKey(.ed25519(x))
        #expect(try JWK.thumbprint(of: okp) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")
    }
}

extension String {
    func replacingCharacters(at index: Index, with text: String) -> String {
        String(self[..<index]) + text + String(self[self.index(after: index)...])
    }
}
