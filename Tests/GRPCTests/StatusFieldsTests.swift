import Bytes
import Testing

@testable import GRPC

@Suite struct StatusFieldsTests {
    private func encode(_ message: String) -> String {
        var buffer = ByteBuffer()
        withBytes(message) { StatusFields.encodeMessage($0, into: &buffer) }
        return buffer.text
    }

    @Test(
        "a message is percent-coded, its outer spaces too",
        arguments: [
            ("plain", "plain"), ("a b", "a b"), ("50%", "50%25"), ("line\nline", "line%0Aline"), ("zürich", "z%C3%BCrich"),
            (" a", "%20a"), ("a ", "a%20"), ("  a b  ", "%20%20a b%20%20"), (" ", "%20"), ("   ", "%20%20%20"),
        ])
    func message(text: String, encoded: String) {
        #expect(encode(text) == encoded)
        #expect(withBytes(encoded) { StatusFields.decodeMessage($0) } == text)
    }

    @Test(
        "a message as it travels is cut at the edge of an escape and of a character",
        arguments: [
            ("abc", 3, "abc"), ("abcdef", 4, "abcd"), ("ab%20cd", 3, "ab"), ("ab%20cd", 4, "ab"), ("ab%20cd", 5, "ab%20"),
            ("a%C3%A9b", 7, "a%C3%A9"), ("a%C3%A9b", 6, "a"), ("a%C3%A9b", 4, "a"), ("%E2%82%ACx", 6, ""), ("abc", 0, ""),
        ])
    func cut(text: String, bytesMax: Int, left: String) {
        let count = withBytes(text) { StatusFields.cutEncoded($0, to: bytesMax) }
        #expect(String(text.prefix(count)) == left)
    }

    @Test("an end without message or details is one field")
    func bare() {
        let written = Written { fields, _ in
            var scratch = ByteBuffer()
            let none = UnsafeRawBufferPointer(start: nil, count: 0)
            StatusFields.append(.ok, message: none, details: none, to: &fields, scratch: &scratch)
        }
        #expect(written.names == ["grpc-status"])
        #expect(written["grpc-status"] == "0")
    }

    @Test(
        "a message is cut at 256 bytes, between two characters",
        arguments: [
            (String(repeating: "a", count: 256), 256), (String(repeating: "a", count: 257), 256),
            (String(repeating: "a", count: 255) + "é", 255), (String(repeating: "a", count: 254) + "éx", 256),
            (String(repeating: "a", count: 253) + "😀", 253), (String(repeating: "é", count: 200), 256),
        ])
    func cut(text: String, count: Int) {
        #expect(withBytes(text) { StatusFields.cut($0).count } == count)
    }
}
