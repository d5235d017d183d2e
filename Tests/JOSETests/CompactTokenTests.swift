import Testing

@testable import JOSE

@Suite struct CompactTokenTests {
    @Test(
        "anything but three parts is refused",
        arguments: [
            "", ".", "..", "...", "a", "a.b", "e30.e30", ".e30.AA", "e30..AA", "e30.e30.AA.AA", "e30.e30.AA.",
        ])
    func parts(text: String) { #expect(verify(text).failure == .notCompact) }

    @Test("base64url that is not canonical is refused in every part")
    func notCanonical() {
        let parts = token().split(separator: ".").map(String.init)
        for part in 0..<3 {
            for change in [{ $0 + "=" }, { $0 + "\n" }, { " " + $0 }, { "+" + $0.dropFirst() }, { "/" + $0.dropFirst() }]
                as [(String) -> String]
            {
                var changed = parts
                changed[part] = change(parts[part])
                #expect(verify(changed.joined(separator: ".")).failure == .notBase64URL)
            }
        }
        // 86 characters for 64 bytes: the last one has four bits that mean nothing, and they are zero.
        let last = parts[2].last!
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        let twin = alphabet[alphabet.firstIndex(of: last)! + 1]
        #expect(verify(parts[0] + "." + parts[1] + "." + parts[2].dropLast() + String(twin)).failure == .notBase64URL)
    }

    @Test("a member given twice is refused in header and claims, however it is spelt")
    func duplicates() {
        #expect(verify(token(header: #"{"alg":"ES256","kid":"k1","alg":"ES256"}"#)).failure == .badHeader)
        #expect(verify(token(header: #"{"alg":"ES256","kid":"k1","\u0061lg":"none"}"#)).failure == .badHeader)
        #expect(verify(token(claims: goodClaims(#","iss":"https://auth.example""#))).failure == .badClaims)
        #expect(verify(token(claims: goodClaims(#","a":{"b":1,"b":1}"#))).failure == .badClaims)
    }

    @Test(
        "a header that is no object with an algorithm is refused",
        arguments: [
            "[]", "null", "\"ES256\"", "", "{", "{}", #"{"kid":"k1"}"#, #"{"alg":null,"kid":"k1"}"#, #"{"alg":7}"#,
            #"{"alg":["ES256"]}"#,
            #"{"alg":"ES256","kid":"k1"} x"#, "{\"alg\":\"ES256\",\"kid\":\"\u{1}\"}",
        ])
    func header(text: String) {
        let expected: TokenFailure = text.isEmpty ? .notCompact : .badHeader
        #expect(verify(token(header: text)).failure == expected)
    }

    @Test("claims that are no object are refused", arguments: ["[]", "null", "7", "{", "hello", "{\"iss\":\"\u{1}\"}"])
    func claims(text: String) { #expect(verify(token(claims: text)).failure == .badClaims) }

    @Test("a token that is itself inside a token is refused")
    func nested() {
        #expect(verify(token(header: #"{"alg":"ES256","kid":"k1","cty":"JWT"}"#, claims: token())).failure == .badClaims)
    }

    @Test(
        "any critical extension is unknown, known names and empty lists too",
        arguments: [
            #""crit":["exp"]"#, #""crit":["b64"],"b64":false"#, #""crit":["b64"],"b64":true"#, #""b64":false"#, #""b64":true"#,
            #""crit":[]"#, #""crit":null"#, #""crit":"exp""#,
        ])
    func critical(member: String) {
        #expect(verify(token(header: #"{"alg":"ES256","kid":"k1",\#(member)}"#)).failure == .criticalExtension)
    }

    @Test("a token may be as large as the limit and no larger")
    func size() {
        func sized(_ wanted: Int) -> String? {
            for padding in (wanted * 3 / 4 - 200)..<(wanted * 3 / 4) {
                let text = token(claims: goodClaims(#","pad":"\#(String(repeating: "x", count: padding))""#))
                if text.utf8.count == wanted { return text }
            }
            return nil
        }
        // A length that leaves one character over is no base64url, so not every size exists; one near the limit does.
        let fits = (0..<4).lazy.compactMap { sized(CompactToken.bytesMax - $0) }.first
        #expect(fits != nil)
        if let fits { #expect(verify(fits).failure == nil) }
        #expect(verify(String(repeating: "a", count: CompactToken.bytesMax + 1)).failure == .tooLarge)
        #expect(verify(String(repeating: "a", count: CompactToken.bytesMax)).failure == .notCompact)
    }

    @Test("a header beyond its limit is refused")
    func headerSize() {
        let filler = CompactToken.headerBytesMax - #"{"alg":"ES256","kid":"k1","x":""}"#.utf8.count
        func header(_ count: Int) -> String { #"{"alg":"ES256","kid":"k1","x":"\#(String(repeating: "x", count: count))"}"# }
        #expect(verify(token(header: header(filler))).failure == nil)
        #expect(verify(token(header: header(filler + 1))).failure == .badHeader)
    }

    @Test("claims as deep as the limit are read, and one deeper refused")
    func depth() {
        func nested(_ depth: Int) -> String {
            goodClaims(",\"d\":" + String(repeating: "[", count: depth - 1) + String(repeating: "]", count: depth - 1))
        }
        #expect(verify(token(claims: nested(CompactToken.depthMax))).failure == nil)
        #expect(verify(token(claims: nested(CompactToken.depthMax + 1))).failure == .badClaims)
    }

    @Test("every prefix of a token is refused, and none does worse")
    func prefixes() {
        let text = token()
        for count in 0..<text.utf8.count { #expect(verify(String(text.prefix(count))).failure != nil) }
    }
}
