import Bytes
import Testing

@testable import JSON

@Suite struct JSONWriterTests {
    func written(_ body: (inout JSONWriter, inout ByteBuffer) -> Void) -> String {
        var buffer = ByteBuffer()
        var writer = JSONWriter()
        body(&writer, &buffer)
        return String(decoding: buffer.readable, as: UTF8.self)
    }

    @Test("commas and colons fall where they belong")
    func shape() {
        let text = written { json, out in
            json.beginObject(&out)
            json.key("a", &out)
            json.beginArray(&out)
            json.number(Int64.min, &out)
            json.number(UInt64.max, &out)
            json.number(0.5, &out)
            json.number(Double.infinity, &out)
            json.beginObject(&out)
            json.endObject(&out)
            json.beginArray(&out)
            json.endArray(&out)
            json.endArray(&out)
            json.key("b", &out)
            json.boolean(true, &out)
            json.key("c", &out)
            json.null(&out)
            json.endObject(&out)
        }
        #expect(text == #"{"a":[-9223372036854775808,18446744073709551615,0.5,null,{},[]],"b":true,"c":null}"#)
    }

    @Test("strings are escaped where JSON demands it and nowhere else")
    func escaping() {
        let text = written { json, out in json.string("a\"b\\c/\n\r\t\u{0}\u{1f}\u{7f}\u{e9}\u{1F600}", &out) }
        #expect(text == "\"a\\\"b\\\\c/\\n\\r\\t\\u0000\\u001f\u{7f}\u{e9}\u{1F600}\"")
    }

    @Test("bytes that are no UTF-8 are replaced one by one, and their neighbours stay")
    func replacement() {
        let bytes: [UInt8] = [0x61, 0xFF, 0xC3, 0xA9, 0xC3, 0x62, 0xED, 0xA0, 0x80]
        let text = written { json, out in bytes.withUnsafeBytes { json.string($0, &out) } }
        #expect(text == "\"a\u{FFFD}\u{e9}\u{FFFD}b\u{FFFD}\u{FFFD}\u{FFFD}\"")
    }

    @Test("every byte value, written as a string, reads back")
    func readsBack() throws {
        let all = String(String.UnicodeScalarView((0..<0x250).compactMap { Unicode.Scalar(UInt32($0)) }))
        let text = written { json, out in json.string(all, &out) }
        #expect(try JSONValue.parse(text).string == all)
    }

    @Test("a tree that was read is written as it was, without its white space")
    func tree() throws {
        let tree = try JSONValue.parse(#" {"a" : [1.50, -0, 1E5, "\u00e9\n", true, false, null], "b" : {"c":{}}} "#)
        #expect(
            written { json, out in json.value(tree, &out) }
                == "{\"a\":[1.50,-0,1E5,\"\u{e9}\\n\",true,false,null],\"b\":{\"c\":{}}}")
    }
}
