import Testing

@testable import JSON

@Suite struct JSONReaderTests {
    func failure(_ text: String, limits: JSONLimits = .defaults) -> JSONFailure? {
        failure(bytes: Array(text.utf8), limits: limits)
    }

    func failure(bytes: [UInt8], limits: JSONLimits = .defaults) -> JSONFailure? {
        bytes.withUnsafeBytes { text in
            do throws(JSONFailure) { _ = try JSONValue.parse(text, limits: limits); return nil } catch { return error }
        }
    }

    @Test("a tree of every kind reads back")
    func everyKind() throws {
        let tree = try JSONValue.parse(#" { "a" : [ 1 , -2.5e1 , "x" , true , false , null , { } , [ ] ] , "b" : { "c" : "d" } } "#)
        #expect(tree.kind == .object)
        #expect(tree.count == 2)
        let list = try #require(tree["a"])
        #expect(list.count == 8)
        #expect(list.elements.map(\.kind) == [.number, .number, .string, .boolean, .boolean, .null, .object, .array])
        #expect(list.elements.compactMap(\.boolean) == [true, false])
        #expect(list.elements.compactMap(\.double) == [1, -25])
        #expect(tree["b"]?["c"]?.string == "d")
        #expect(tree["b"]?["missing"] == nil)
        #expect(tree["a"]?["c"] == nil)
        #expect(tree.members.map { $0.name.string } == ["a", "b"])
    }

    @Test("a value keeps its tree alive after all others are gone")
    func keepsAlive() throws {
        var inner: JSONValue? = try JSONValue.parse(#"{"a":{"b":"deep"}}"#)["a"]?["b"]
        let copy = try #require(inner)
        inner = nil
        #expect(copy.string == "deep")
    }

    @Test(
        "escapes are undone",
        arguments: [
            (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"), (#""\u0041\u00e9\u20AC""#, "A\u{e9}\u{20ac}"),
            (#""\ud83d\ude00!""#, "\u{1F600}!"), (#""\u0000""#, "\0"), ("\"caf\u{e9} \u{1F600}\"", "caf\u{e9} \u{1F600}"),
            (#""a\nb\u00e9c\\""#, "a\nb\u{e9}c\\"), (#""""#, ""),
        ])
    func escapes(text: String, meaning: String) throws {
        #expect(try JSONValue.parse(text).string == meaning)
    }

    @Test(
        "what the grammar does not know is refused",
        arguments: [
            "", " ", "nul", "nulL", "tru", "True", "'a'", "{a:1}", "{\"a\" 1}", "{\"a\":1,}", "[1,]", "[,1]", "[1 2]", "{,}",
            "01", "-01", "+1", "1.", ".5", "1e", "1e+", "-", "--1", "0x10", "NaN", "Infinity", "1 2", "[]]", "[", "{", "{\"a\"",
            "\"a",
            "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u12G4\"", "\"\\u123", "/**/1", "[1}", "{\"a\":1]", "\u{FEFF}1", "\u{A0}1",
            "1\u{0}",
        ])
    func refused(text: String) { #expect(failure(text) != nil) }

    @Test(
        "a failure names its reason and its byte",
        arguments: [
            ("[1, x]", JSONFailure.Reason.unexpectedByte, 4), ("{\"a\":1,\"a\":2}", .duplicateMember, 8), ("[1", .endsTooEarly, 2),
            ("\"a\nb\"", .controlCharacter, 2), ("\"\\ud800x\"", .loneSurrogate, 1), ("\"\\udc00\"", .loneSurrogate, 1),
            ("\"\\ud800\\u0041\"", .loneSurrogate, 1), ("1 1", .trailingBytes, 2), ("\"\\q\"", .badEscape, 1),
        ])
    func places(text: String, reason: JSONFailure.Reason, offset: Int) {
        #expect(failure(text) == JSONFailure(reason: reason, offset: offset))
    }

    @Test(
        "ill-formed UTF-8 is refused",
        arguments: [
            [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF0, 0x80, 0x80, 0x80],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xC3], [0xE2, 0x82], [0xF0, 0x9F, 0x98], [0xFF], [0xC3, 0x28],
        ] as [[UInt8]])
    func notUTF8(bytes: [UInt8]) {
        #expect(failure(bytes: [0x22] + bytes + [0x22])?.reason == .notUTF8)
    }

    @Test("a member given twice is refused, however it is spelt, among few members and many, at any depth")
    func duplicates() {
        #expect(failure(#"{"a":1,"\u0061":2}"#)?.reason == .duplicateMember)
        #expect(failure(#"{"x":[{"a":{},"b":0,"a":{}}]}"#)?.reason == .duplicateMember)
        #expect(failure(#"{"a":1,"A":2,"":3,"aa":4}"#) == nil)
        let many = (0..<500).map { "\"k\($0)\":\($0)" }
        #expect(failure("{" + many.joined(separator: ",") + "}") == nil)
        #expect(failure("{" + many.joined(separator: ",") + ",\"k250\":0}")?.reason == .duplicateMember)
        #expect(failure(#"{"a":{"a":{"a":1}}}"#) == nil)
    }

    @Test("depth is allowed up to the limit and refused one above")
    func depth() {
        let limits = JSONLimits(bytesMax: 1000, depthMax: 8)
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(failure(nested(8), limits: limits) == nil)
        #expect(failure(nested(9), limits: limits) == JSONFailure(reason: .tooDeep, offset: 8))
        #expect(failure(nested(400), limits: limits)?.reason == .tooDeep)
        #expect(failure("[[],[],[],[],[],[],[],[],[],[]]", limits: limits) == nil)
    }

    @Test("size is allowed up to the limit and refused one above")
    func size() {
        let limits = JSONLimits(bytesMax: 10, depthMax: 8)
        #expect(failure("\"12345678\"", limits: limits) == nil)
        #expect(failure("\"123456789\"", limits: limits) == JSONFailure(reason: .tooLarge, offset: 10))
    }

    @Test("every prefix and every flipped byte of a text is read or refused, never worse")
    func mangled() {
        let text = Array(#"{"iss":"https:\/\/a","aud":["a","b\u00e9\ud83d\ude00"],"exp":1.7e9,"n":null,"t":[true,false,{}]}"#.utf8)
        for length in 0..<text.count { #expect(failure(bytes: Array(text[..<length])) != nil) }
        for index in text.indices {
            for flip in [0x01, 0x20, 0x80, 0xFF] as [UInt8] {
                var copy = text
                copy[index] ^= flip
                _ = failure(bytes: copy)
            }
        }
    }
}
