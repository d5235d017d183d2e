import Bytes
import Testing

@testable import GRPC

@Suite("Base64 that comes in pieces")
struct Base64ReaderTests {
    private func read(_ text: String, step: Int) -> (text: String, isAtEnd: Bool)? {
        var reader = Base64Reader()
        var buffer = ByteBuffer()
        let bytes = Array(text.utf8)
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + step)
            guard Array(bytes[start..<end]).withUnsafeBytes({ reader.read($0, into: &buffer) }) else { return nil }
            start = end
        }
        return (String(decoding: buffer.readable, as: UTF8.self), reader.isAtEnd)
    }

    @Test("it reads the same wherever it is cut, padding in the middle included", arguments: 1...13)
    func pieces(step: Int) throws {
        let whole = try #require(read("aGVsbG8=LA==IHdvcmxkIHdvcmxkIQ==", step: step))
        #expect(whole.text == "hello, world world!" && whole.isAtEnd)
    }

    @Test("a text that stops within a group is not at its end", arguments: ["a", "aG", "aGV", "aGVsb"])
    func incomplete(text: String) throws {
        #expect(try #require(read(text, step: 2)).isAtEnd == false)
    }

    @Test("what is no base64 is refused", arguments: ["!!!!", "aGV=bG8=x===", "====", "a===", "aG=V", "aGVs\r\n"])
    func refused(text: String) {
        for step in [1, 4, 16] { #expect(read(text, step: step)?.isAtEnd != true) }
    }
}
