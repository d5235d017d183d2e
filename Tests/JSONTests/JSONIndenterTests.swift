import Bytes
import BytesTesting
import Foundation
import Testing

@testable import JSON

@Suite("JSON for people")
struct JSONIndenterTests {
    private func indented(_ text: String, levelMax: Int = .max) -> String {
        var output = ByteBuffer()
        Array(text.utf8).withUnsafeBytes { JSONIndenter(levelMax: levelMax).append($0, to: &output) }
        return output.readable.text
    }

    @Test(
        "brackets, commas and colons break lines, but not in texts",
        arguments: [
            ("{}", "{}"), ("[]", "[]"), ("1", "1"), ("\"a\"", "\"a\""),
            (
                #"{"a":1,"b":[2,{}],"c":{"d":null}}"#,
                "{\n  \"a\": 1,\n  \"b\": [\n    2,\n    {}\n  ],\n  \"c\": {\n    \"d\": null\n  }\n}"
            ),
            (#"["{\"a\":[1,2]}","\\"]"#, "[\n  \"{\\\"a\\\":[1,2]}\",\n  \"\\\\\"\n]"),
            (#"{"a{":"x,\"y\\","b":":[]"}"#, "{\n  \"a{\": \"x,\\\"y\\\\\",\n  \"b\": \":[]\"\n}"),
            (#"{"d":{},"e":[]}"#, "{\n  \"d\": {},\n  \"e\": []\n}"), ("-1.5e3", "-1.5e3"),
        ])
    func shapes(compact: String, pretty: String) { #expect(indented(compact) == pretty) }

    @Test("what is indented is the same value")
    func sameValue() throws {
        let text = #"{"a":[1,-2.5e3,"x\"y:,{}[]",{"b":[[],[{}],true]}],"ü":"\\\\"}"#
        let before = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? NSDictionary
        let after = try JSONSerialization.jsonObject(with: Data(indented(text).utf8)) as? NSDictionary
        #expect(before != nil && before == after)
    }

    @Test("beyond the deepest level lines are indented no further, so that a deep value does not grow with its depth")
    func depth() {
        let deep =
            String(repeating: "[", count: 100) + String(repeating: "0,", count: 1000) + "0" + String(repeating: "]", count: 100)
        let lines = indented(deep, levelMax: 10).split(separator: "\n")
        #expect(lines.count == 100 + 1001 + 100)
        #expect(lines.map { $0.prefix { $0 == " " }.count }.max() == 20)
    }

    @Test("what is cut off is written as far as it goes")
    func cut() { #expect(indented(#"{"a\"#) == "{\n  \"a\\") }
}
