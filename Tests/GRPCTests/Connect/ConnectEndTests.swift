import Bytes
import HTTPModel
import Testing

@testable import GRPC

@Suite("Connect's ends and errors")
struct ConnectEndTests {
    private func end(
        _ code: StatusCode, _ message: String = "", status: [UInt8] = [], trailers: [(String, String)] = []
    ) -> (flag: UInt8, json: String) {
        var fields = FieldBlock()
        defer { fields.destroy() }
        for (name, value) in trailers { fields.append(name, value) }
        var buffer = ByteBuffer()
        var scratch = ByteBuffer()
        Array(message.utf8).withUnsafeBytes { message in
            status.withUnsafeBytes {
                ConnectEnd.append(
                    code, message: message, status: $0, trailers: fields.all, to: &buffer, scratch: &scratch)
            }
        }
        let bytes = Array(buffer.readable)
        #expect(bytes[1...4].reduce(0) { $0 << 8 | Int($1) } == bytes.count - 5)
        return (bytes[0], String(decoding: bytes[5...], as: UTF8.self))
    }

    @Test("a good end is an empty object")
    func good() {
        #expect(end(.ok) == (2, "{}"))
    }

    @Test("trailers are metadata, each name once, without what is gRPC's")
    func metadata() {
        let trailers = [("a", "1"), ("grpc-status", "0"), ("b-bin", "AA"), ("a", "2"), ("grpc-message", "x")]
        #expect(end(.ok, trailers: trailers).json == #"{"metadata":{"a":["1","2"],"b-bin":["AA"]}}"#)
    }

    @Test("values of a -bin name that came in one field are told one by one")
    func binaryMetadata() {
        let trailers = [("b-bin", "AA==, AQ"), ("a", "1, 2"), ("b-bin", "Ag")]
        #expect(end(.ok, trailers: trailers).json == #"{"metadata":{"b-bin":["AA==","AQ","Ag"],"a":["1, 2"]}}"#)
    }

    @Test("an error has its code's name, its message, and its details with their types")
    func details() {
        // google.rpc.Status: code 5, message "m", two details.
        var status: [UInt8] = [0x08, 5, 0x12, 1, 0x6d]
        for type in ["type.googleapis.com/a.B", "c.D"] {
            let any = [0x0a, UInt8(type.utf8.count)] + Array(type.utf8) + [0x12, 2, 0xff, 0xfe]
            status += [0x1a, UInt8(any.count)] + any
        }
        #expect(
            end(.notFound, "no \"x\"", status: status).json
                == #"{"error":{"code":"not_found","message":"no \"x\"","details":[{"type":"a.B","value":"//4"},{"type":"c.D","value":"//4"}]}}"#
        )
    }

    @Test("details that cannot be read are left out", arguments: [[0x1a, 9, 1], [0xff, 0xff], [0x1a]] as [[UInt8]])
    func broken(status: [UInt8]) {
        #expect(end(.internal, status: status).json == #"{"error":{"code":"internal"}}"#)
    }
}
