import Bytes
import JSON
import Testing

@testable import JOSE

func bytes<Result>(_ text: String, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    Array(text.utf8).withUnsafeBytes(body)
}

@Suite struct VerifiedTokenTests {
    @Test(
        "scopes come from scope and scp, strings and arrays, each once",
        arguments: [
            (#","scope":"a b c""#, ["a", "b", "c"]), (#","scope":" a  b ""#, ["a", "b"]), (#","scope":"""#, []),
            (#","scp":["a","b"]"#, ["a", "b"]), (#","scp":"a b""#, ["a", "b"]), (#","scp":["a b","c"]"#, ["a", "b", "c"]),
            (#","scope":"a b","scp":["b","c"]"#, ["a", "b", "c"]), ("", []), (#","scope":7"#, []), (#","scp":["a",7,null]"#, ["a"]),
            (#","scope":{"a":1}"#, []),
        ])
    func scopes(claims: String, expected: [String]) throws {
        let verified = try verify(token(claims: goodClaims(claims))).get()
        #expect(verified.scopes == expected)
        for scope in expected { #expect(bytes(scope, verified.hasScope)) }
        #expect(!bytes("", verified.hasScope))
        #expect(!bytes("zz", verified.hasScope))
    }

    @Test("a scope is compared whole, byte for byte")
    func wholeScopes() throws {
        let verified = try verify(token(claims: goodClaims(#","scope":"orders.read orders.write x""#))).get()
        for scope in ["orders.read", "orders.write", "x"] { #expect(bytes(scope, verified.hasScope)) }
        for scope in [
            "orders", "orders.", "rders.read", "orders.rea", "Orders.read", "orders.read orders.write", " x", "x ", "read",
        ] {
            #expect(!bytes(scope, verified.hasScope))
        }
    }

    @Test("subject, expiry and audience are at hand")
    func parts() throws {
        let verified = try verify(token(claims: goodClaims(#","sub":"u\u00e9""#))).get()
        #expect(verified.subject == "u\u{e9}")
        #expect(verified.expirySeconds == 1_700_000_300)
        #expect(verified.claims["aud"]?.holdsAny(of: [Array("x".utf8), Array("orders".utf8)]) == true)
        #expect(verified.claims["aud"]?.holdsAny(of: [Array("x".utf8)]) == false)
        #expect(verified.claims["aud"]?.holdsAny(of: []) == false)
        #expect(verified.approximateBytes > 600)
        #expect(try verify(token()).get().subject == nil)
        #expect(verify(token(claims: goodClaims(#","sub":7"#))).failure == .badClaims)
    }
}

@Suite struct ClaimPathTests {
    let claims = try! JSONValue.parse(
        #"{"tenant":"acme","realm":{"tenant":"t2","roles":["a","b",7,true,null],"deep":{"er":1}},"https://acme.dev/tenant":"t3","a.b":"dotted"}"#
    )

    @Test("dots descend, and a list of names reaches names with dots in them")
    func find() {
        #expect(ClaimPath(dotted: "tenant")?.find(in: claims)?.string == "acme")
        #expect(ClaimPath(dotted: "realm.tenant")?.find(in: claims)?.string == "t2")
        #expect(ClaimPath(dotted: "realm.deep.er")?.find(in: claims)?.int64 == 1)
        #expect(ClaimPath(names: ["https://acme.dev/tenant"])?.find(in: claims)?.string == "t3")
        #expect(ClaimPath(names: ["a.b"])?.find(in: claims)?.string == "dotted")
        #expect(ClaimPath(dotted: "a.b")?.find(in: claims) == nil)
        #expect(ClaimPath(dotted: "tenant.x")?.find(in: claims) == nil)
        #expect(ClaimPath(dotted: "realm.none")?.find(in: claims) == nil)
    }

    @Test("a path with nothing between its dots is none", arguments: ["", ".", "a.", ".a", "a..b"])
    func notAPath(text: String) { #expect(ClaimPath(dotted: text) == nil) }

    @Test("no names, or an empty one, are no path")
    func notNames() {
        #expect(ClaimPath(names: []) == nil)
        #expect(ClaimPath(names: ["a", ""]) == nil)
    }

    @Test("scalars have a text, other values have none")
    func scalars() throws {
        func text(_ json: String) throws -> String? { try JSONValue.parse(json).scalarText }
        #expect(try text("\"x\"") == "x")
        #expect(try text("1.50") == "1.50")
        #expect(try text("true") == "true")
        #expect(try text("false") == "false")
        for json in ["null", "[]", "{}"] { #expect(try text(json) == nil) }
    }
}

@Suite struct ClaimHeaderTests {
    func header(_ json: String) throws -> String? {
        var buffer = ByteBuffer()
        let claim = try JSONValue.parse(json)
        guard ClaimHeader.append(claim, to: &buffer) else {
            #expect(buffer.count == 0)
            return nil
        }
        return String(decoding: buffer.readable, as: UTF8.self)
    }

    @Test(
        "claims are written as the specification of forwarded claims says",
        arguments: [
            (#""acme""#, "acme"), ("42", "42"), ("1.50", "1.50"), ("true", "true"), ("false", "false"), (#""""#, ""),
            (#""a,b""#, "a,b"), (#""a b""#, "a b"), (#""100%""#, "100%25"), (#""caf\u00e9""#, "caf%C3%A9"),
            (#""a\r\nx: y""#, "a%0D%0Ax: y"),
            (#""\u0000\u007f~""#, "%00%7F~"), (#"" a ""#, "%20a%20"), (#"" ""#, "%20"),
            (#"["a","b"]"#, "a,b"), (#"["a,b","c"]"#, "a%2Cb,c"), (#"["a",1,true]"#, "a,1,true"), (#"["a "," b"]"#, "a%20,%20b"),
            ("[]", ""), (#"[""]"#, ""), (#"["","x"]"#, ",x"),
        ])
    func written(json: String, expected: String) throws { #expect(try header(json) == expected) }

    @Test(
        "what has no plain text sends no header",
        arguments: ["null", "{}", #"{"a":1}"#, #"["a",null]"#, #"["a",["b"]]"#, #"[{"a":1}]"#])
    func none(json: String) throws { #expect(try header(json) == nil) }

    @Test("every character a claim can hold ends up printable")
    func printable() throws {
        let all = String(String.UnicodeScalarView((0..<0x300).compactMap { Unicode.Scalar(UInt32($0)) }))
        var json = ByteBuffer()
        JSONWriter.quote(UnsafeRawBufferPointer(start: nil, count: 0), &json)
        json.removeAll()
        bytes(all) { JSONWriter.quote($0, &json) }
        let text = try #require(try header(String(decoding: json.readable, as: UTF8.self)))
        #expect(text.utf8.allSatisfy { $0 >= 0x20 && $0 <= 0x7E })
    }
}
