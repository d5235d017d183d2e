import Bytes
import Testing

@testable import GRPC

@Suite("Connect's queries")
struct ConnectQueryTests {
    /// Encoding, compression and message; `nil` where it is none, and no message where that cannot be read.
    private func read(_ query: String) -> (String, String, String?)? {
        Array(query.utf8).withUnsafeBytes { bytes in
            guard let query = ConnectQuery(bytes) else { return nil }
            var message = ByteBuffer()
            var scratch = ByteBuffer()
            let isRead = query.append(to: &message, scratch: &scratch)
            return (
                String(decoding: query.encoding, as: UTF8.self), String(decoding: query.compression, as: UTF8.self),
                isRead ? String(decoding: message.readable, as: UTF8.self) : nil
            )
        }
    }

    @Test(
        "a message is read from any place, in percent encoding or base64",
        arguments: [
            ("connect=v1&encoding=json&message=%7B%22a%22%3A1%7D", "json", "", "{\"a\":1}"),
            ("message={}&encoding=json", "json", "", "{}"),
            ("encoding=json&message=%22a+b%2Bc%22", "json", "", "\"a b+c\""),
            ("encoding=proto&base64=1&message=CgNhYmM&other=x", "proto", "", "\n\u{3}abc"),
            ("encoding=proto&base64=1&message=CgNhYg%3D%3D", "proto", "", "\n\u{3}ab"),
            ("encoding=proto&base64=1&compression=gzip&message=", "proto", "gzip", ""),
            ("encoding=xml&base64=0&compression=identity&message=YQ", "xml", "", "YQ"),
        ] as [(String, String, String, String)])
    func read(query: String, encoding: String, compression: String, message: String) throws {
        let found = try #require(read(query))
        #expect(found == (encoding, compression, message))
    }

    @Test(
        "without an encoding or a message, or with two, it is another's query",
        arguments: [
            "", "connect=v1", "encoding=json", "message=%7B%7D", "encoding=json&message", "encoding=json&encoding=json&message=x",
            "encoding=json&message=x&message=y", "xencoding=json&message=x",
        ])
    func notOne(query: String) { #expect(read(query) == nil) }

    @Test(
        "what is no base64 and no percent encoding is not read",
        arguments: [
            "encoding=json&message=%7", "encoding=json&base64=1&message=a", "encoding=json&base64=1&message=a%2Fbc",
        ])
    func malformed(query: String) throws { #expect(try #require(read(query)).2 == nil) }
}
