package import Bytes
package import GRPC
package import HTTPModel
internal import JSON
package import Transcoding

/// How a gRPC call ended, read from its trailers and written for callers of other protocols. One per worker: it keeps its
/// buffers.
package struct CallEnd: ~Copyable {
    private var code = StatusCode.ok
    private var message = ByteBuffer(capacity: 256)
    private var details = ByteBuffer(capacity: 256)
    private var scratch = ByteBuffer(capacity: 256)

    package init() {}

    /// Reads the fields from `start` on.
    package mutating func read(_ fields: FieldBlock, from start: Int, code: StatusCode) {
        self.code = code
        message.removeAll()
        details.removeAll()
        if let field = fields.first(.grpcMessage, from: start) {
            PercentCoding.decodeLeniently(field.valueBytes, into: &message)
        }
        guard start < fields.count else { return }
        // Several values, in fields of their own or joined by commas: the first that holds a status counts.
        for field in fields.all[start...] where field.token == .grpcStatusDetails && details.isEmpty {
            _ = BinaryMetadata.decode(field.valueBytes, through: &scratch) { if details.isEmpty { details.append($0) } }
        }
    }

    /// Appends the last frame of a stream that carries its end in its body.
    package mutating func write(for caller: ClientProtocol, fields: FieldBlock, from start: Int, to body: inout ByteBuffer) {
        let trailers = FieldList(rebasing: fields.all[start...])
        switch caller {
        case .grpcWeb: WebTrailers.append(trailers, to: &body)
        case .grpcWebText:
            scratch.removeAll()
            WebTrailers.append(trailers, to: &scratch)
            Base64.encode(scratch.readable, into: &body)
        case .connectStream, .connectJSONStream:
            ConnectEnd.append(
                code, message: message.readable, status: details.readable, trailers: trailers, to: &body, scratch: &scratch)
        case .grpc, .connectUnary, .http: preconditionFailure("none of these has its end in the body")
        }
    }

    /// Appends a `google.rpc.Status` in JSON, its details by the names that the schema has for them.
    package func writeStatus(_ transcoder: ResponseTranscoder, to body: inout ByteBuffer) {
        transcoder.append(status: Int(code.rawValue), message: message.readable, details: details.readable, to: &body)
    }

    /// Appends Connect's error.
    package mutating func writeError(to body: inout ByteBuffer) {
        var json = JSONWriter()
        ConnectError.append(
            code, message: message.readable, status: details.readable, json: &json, to: &body, scratch: &scratch)
    }
}
