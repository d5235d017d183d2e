import Bytes
import GRPC
import Testing

@testable import Calling

@Suite struct StatusTextTests {
    /// A status with one detail, whose value is of texts by number.
    private func status(_ type: String, _ fill: (inout ByteBuffer) -> Void) -> [UInt8] {
        var buffer = ByteBuffer(), value = ByteBuffer()
        fill(&value)
        let place = WireWriter.open(3, in: &buffer)
        WireWriter.field(1, text: "type.googleapis.com/\(type)", into: &buffer)
        WireWriter.field(2, bytes: value.readable, into: &buffer)
        WireWriter.close(place, in: &buffer)
        return [UInt8](buffer.readable)
    }

    private func lines(_ details: [UInt8], other: String? = nil) -> [String] {
        StatusText.lines(.notFound, "gone", details: details) { _ in other }
    }

    @Test("the status is its name and message")
    func plain() {
        #expect(lines([]) == ["NOT_FOUND: gone"])
        #expect(StatusText.lines(.ok, "", details: []) { _ in nil } == ["OK"])
    }

    @Test("details of google.rpc are told in words")
    func details() {
        let info = status("google.rpc.ErrorInfo") {
            WireWriter.field(1, text: "GONE", into: &$0)
            WireWriter.field(2, text: "acme.dev", into: &$0)
        }
        #expect(lines(info) == ["NOT_FOUND: gone", "  ErrorInfo: reason GONE, domain acme.dev"])
        let retry = status("google.rpc.RetryInfo") {
            let place = WireWriter.open(1, in: &$0)
            WireWriter.field(1, varint: 90, into: &$0)
            WireWriter.close(place, in: &$0)
        }
        #expect(lines(retry).last == "  RetryInfo: retry after 90s")
    }

    @Test("a type that is not google.rpc's is the schema's affair")
    func others() {
        let detail = status("acme.Reason") { WireWriter.field(1, text: "why", into: &$0) }
        #expect(lines(detail, other: #"{"a":1}"#).last == #"  acme.Reason: {"a":1}"#)
        #expect(lines(detail).last == "  acme.Reason: 5 bytes that the schema does not describe")
    }

    @Test("what is malformed is told as far as it can be read, and steers no terminal")
    func malformed() {
        #expect(lines([0x1A, 0x7F]) == ["NOT_FOUND: gone"])
        #expect(lines([0x1A, 2, 0x0A, 0x7F]).count == 2)
        #expect(StatusText.shown("a\u{1b}[31mé") == "a\\u{1b}[31mé")
    }
}
