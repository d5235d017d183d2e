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
        ])
    func shapes(compact: String, pretty: String) { #expect(indented(compact) == pretty) }

    @Test("what is indented is the same value")
    func sameValue() throws {
        let text = #"{"a":[1,-2.5e3,"x\"y:,{}[]",{"b":[[],[{}],true]}],"ü":"\\\\"}"#
        let before = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? NSDictionary
        let after = try JSONSerialization.jsonObject(with: Data(indented(text).utf8)) as? NSDictionary
        #expect(before != nil && before == after)
    }

    @Test("indentation ends at a level where one is given: a deep answer stays about as large")
    func depth() {
        let deep =
            String(repeating: "[", count: 100) + String(repeating: "0,", count: 1000) + "0" + String(repeating: "]", count: 100)
        #expect(indented(deep, levelMax: 10).utf8.count < deep.utf8.count * 22)
        #expect(indented(deep, levelMax: 10).contains("\n" + String(repeating: " ", count: 20) + "0"))
    }

    @Test("members and elements have lines of their own, what is empty has none")
    func layout() {
        #expect(
            indented(#"{"a":1,"b":[true,{"c":"x"}],"d":{},"e":[]}"#) == """
                {
                  "a": 1,
                  "b": [
                    true,
                    {
                      "c": "x"
                    }
                  ],
                  "d": {},
                  "e": []
                }
                """)
        #expect(indented("{}") == "{}" && indented("\"x\"") == "\"x\"" && indented("-1.5e3") == "-1.5e3")
    }

    @Test("nothing within a string is touched")
    func strings() {
        #expect(
            indented(#"{"a{":"x,\"y\\","b":":[]"}"#) == """
                {
                  "a{": "x,\\"y\\\\",
                  "b": ":[]"
                }
                """)
    }

    @Test("what is cut off is written as far as it goes")
    func cut() { #expect(indented(#"{"a\"#) == "{\n  \"a\\") }
}
