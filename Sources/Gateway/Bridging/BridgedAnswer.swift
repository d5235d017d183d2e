internal import Bytes
internal import GRPC
internal import HTTPModel

/// The heads of answers to callers who do not speak gRPC, made of a gRPC answer's fields.
enum BridgedAnswer {
    private static var ok: Field { Field(":status", "200", token: .status) }

    /// The head of an answer that goes on while the call does; without a source, of one that had nothing but an end.
    static func streamHead(
        from source: StreamPointer?, to target: StreamPointer, caller: CallerProtocol, scratch: UnsafeMutableBufferPointer<Field>
    ) -> UnsafeBufferPointer<Field> {
        var writer = FieldWriter(for: target, scratch: scratch)
        writer.put(ok)
        writer.put(Field("content-type", caller.contentType, token: .contentType))
        guard let source else { return writer.written }
        let isConnect = caller == .connectStream || caller == .connectJSONStream
        for index in 0..<source.pointee.trailersStart {
            let field = source.pointee.fields.fields[index]
            switch field.token {
            case .grpcEncoding where isConnect: writer.put("connect-content-encoding", field.valueBytes, token: .other)
            case .grpcAcceptEncoding where isConnect: writer.put("connect-accept-encoding", field.valueBytes, token: .other)
            case .grpcEncoding, .grpcAcceptEncoding: writer.copy(field)
            default: if field.isCallMetadata { writer.copy(field) }
            }
        }
        return writer.written
    }

    /// The head of a Connect call's whole answer: metadata as it is, trailers as `trailer-…` (Connect, "Unary responses").
    static func wholeHead(
        from source: StreamPointer, to target: StreamPointer, code: StatusCode, bodyBytes: Int, isCompressed: Bool,
        scratch: UnsafeMutableBufferPointer<Field>
    ) -> UnsafeBufferPointer<Field> {
        var writer = FieldWriter(for: target, scratch: scratch)
        let digits = target.pointee.fields.reserve(24)
        let statusCount = Decimal.write(UInt64(code.httpStatus), to: digits)
        let lengthCount = Decimal.write(UInt64(bodyBytes), to: digits + 3)
        writer.put(Field(":status", value: UnsafeRawBufferPointer(start: digits, count: statusCount), token: .status))
        writer.put(Field("content-type", code == .ok ? "application/proto" : "application/json", token: .contentType))
        writer.put(
            Field("content-length", value: UnsafeRawBufferPointer(start: digits + 3, count: lengthCount), token: .contentLength))
        let fields = source.pointee.fields
        // An answer without messages has its trailers where others have their head.
        let headCount = fields.first(.grpcStatus).map { _ in
            fields.first(.grpcStatus, from: source.pointee.trailersStart) == nil ? 0 : source.pointee.trailersStart
        } ?? source.pointee.trailersStart
        for index in 0..<fields.count {
            let field = fields.fields[index]
            if isCompressed, field.token == .grpcEncoding {
                writer.put("content-encoding", field.valueBytes, token: .contentEncoding)
            }
            guard field.isCallMetadata else { continue }
            if index < headCount { writer.copy(field) } else { writer.copyTrailer(field) }
        }
        return writer.written
    }
}

extension FieldWriter {
    /// A trailer among the fields of a head.
    fileprivate mutating func copyTrailer(_ field: Field) {
        var name = ByteBuffer(capacity: 64)
        name.append("trailer-")
        name.append(field.nameBytes)
        copy(name: name.readable, value: field.valueBytes)
    }
}
