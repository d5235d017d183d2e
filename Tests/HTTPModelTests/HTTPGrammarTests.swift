import Testing

@testable import HTTPModel

private func isAuthority(_ text: String) -> Bool {
    var text = text
    return text.withUTF8 { AuthorityGrammar.isValid(UnsafeRawBufferPointer($0)) }
}

@Suite struct HTTPGrammarTests {
    @Test("token characters are exactly RFC 9110's tchar")
    func tokens() {
        let expected = Set("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
        for byte in UInt8.min...UInt8.max { #expect(HTTPGrammar.isToken(byte) == expected.contains(byte), "\(byte)") }
    }

    @Test("host characters are RFC 3986's reg-name without the comma")
    func regName() {
        let expected = Set("-._~%!$&'()*+;=0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
        for byte in UInt8.min...UInt8.max { #expect(HTTPGrammar.isRegName(byte) == expected.contains(byte), "\(byte)") }
    }

    @Test("field values hold no control character but the tab")
    func values() {
        for byte in UInt8.min...UInt8.max {
            #expect(HTTPGrammar.isFieldValue(byte) == (byte == 9 || (byte >= 32 && byte != 127)), "\(byte)")
        }
    }

    @Test(
        "authorities name a host and at most a port",
        arguments: ["a", "api.acme.dev", "api.acme.dev:443", "a:", "10.0.0.1:65535", "[::1]", "[::1]:8443", "[::ffff:1.2.3.4]"])
    func goodAuthorities(_ text: String) { #expect(isAuthority(text)) }

    @Test(
        "what is not an authority is refused",
        arguments: [
            "", ":", ":80", "a:65536", "a:123456", "a:8x", "user@a", "a/b", "a?b", "a#b", "a b", "a,b", "a\\b", "[::1", "[]",
            "[::1]x", "[::g]", "::1", "a:80:80", "ä", "a\u{7F}",
        ])
    func badAuthorities(_ text: String) { #expect(!isAuthority(text)) }

    @Test(
        "methods are told by exact name",
        arguments: [
            ("GET", HTTPMethod.get), ("HEAD", .head), ("POST", .post), ("PUT", .put), ("DELETE", .delete),
            ("CONNECT", .connect), ("OPTIONS", .options), ("TRACE", .trace), ("PATCH", .patch), ("get", .other),
            ("GETS", .other), ("PROPFIND", .other),
        ])
    func methods(_ name: String, _ method: HTTPMethod) {
        var name = name
        name.withUTF8 { #expect(HTTPMethod(UnsafeRawBufferPointer($0)) == method) }
    }
}
