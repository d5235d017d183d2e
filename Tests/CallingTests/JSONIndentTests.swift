import Bytes
import Testing

@testable import Calling

@Suite struct JSONIndentTests {
    private func indented(_ json: String) -> String {
        var text = ByteBuffer()
        Array(json.utf8).withUnsafeBytes { JSONIndent.write($0, into: &text) }
        return String(decoding: text.readable, as: UTF8.self)
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
