package import Bytes
package import GRPC
package import HTTPModel

/// The heads of answers to callers who do not speak gRPC, made of a gRPC answer's fields.
package enum BridgedAnswer {
    private static var ok: Field { Field(":status", "200", token: .status) }

    /// The head of an answer that goes on while the call does; without a source, of one that had nothing but an end.
    package static func streamHead(
        from source: StreamPointer?, to target: StreamPointer, caller: ClientProtocol, _ bridge: Bridge,
        scratch: FieldScratch
    ) -> FieldList {
        var writer = FieldWriter(for: target, scratch: scratch)
        writer.put(ok)
        writer.put(Field("content-type", caller.contentType, token: .contentType))
        let isConnect = caller == .connectStream || caller == .connectJSONStream
        if bridge.pair != nil {
            if bridge.acceptsGzip { writer.put(Field("connect-content-encoding", "gzip", token: .other)) }
            writer.put(Field("connect-accept-encoding", "gzip", token: .other))
        }
        guard let source else { return writer.written }
        for index in 0..<source.trailersStart {
            let field = source.fields.fields[index]
            switch field.token {
            case .grpcEncoding where bridge.answerInflater != nil || bridge.pair != nil: continue
            case .grpcAcceptEncoding where bridge.pair != nil: continue
            case .grpcEncoding where isConnect: writer.put("connect-content-encoding", field.valueBytes, token: .other)
            case .grpcAcceptEncoding where isConnect: writer.put("connect-accept-encoding", field.valueBytes, token: .other)
            case .grpcEncoding, .grpcAcceptEncoding: writer.copy(field)
            default: if field.isCallMetadata { writer.copy(field) }
            }
        }
        return writer.written
    }

    /// How a whole answer is compressed.
    package enum WholeEncoding {
        case identity
        /// As the upstream says that it compressed its message.
        case upstreams
        case gzip
    }

    /// The head of a Connect call's whole answer: metadata as it is, trailers as `trailer-…` (Connect, "Unary responses").
    package static func wholeHead(
        from source: StreamPointer, to target: StreamPointer, code: StatusCode, bodyBytes: Int, isJSON: Bool,
        encoding: WholeEncoding, scratch: FieldScratch
    ) -> FieldList {
        var writer = FieldWriter(for: target, scratch: scratch)
        let digits = target.fields.reserve(24)
        let statusCount = Decimal.write(UInt64(code.httpStatus), to: digits)
        let lengthCount = Decimal.write(UInt64(bodyBytes), to: digits + 3)
        writer.put(Field(":status", value: BorrowedBytes(start: digits, count: statusCount), token: .status))
        writer.put(Field("content-type", code == .ok && !isJSON ? "application/proto" : "application/json", token: .contentType))
        writer.put(
            Field("content-length", value: BorrowedBytes(start: digits + 3, count: lengthCount), token: .contentLength))
        if isJSON { putCompression(encoding == .gzip, &writer) }
        let fields = source.fields
        // An answer without messages has its trailers where others have their head.
        let headCount =
            fields.first(.grpcStatus).map { _ in
                fields.first(.grpcStatus, from: source.trailersStart) == nil ? 0 : source.trailersStart
            } ?? source.trailersStart
        for index in 0..<fields.count {
            let field = fields.fields[index]
            if encoding == .upstreams, field.token == .grpcEncoding {
                writer.put("content-encoding", field.valueBytes, token: .contentEncoding)
            }
            guard field.isCallMetadata else { continue }
            if index < headCount { writer.copy(field) } else { writer.copyTrailer(field) }
        }
        return writer.written
    }
}

extension BridgedAnswer {
    /// The head of an answer in JSON, with the call's metadata in the source's first `count` fields as it is.
    ///
    /// - Parameter bodyBytes: `nil` where the end is not known yet.
    package static func jsonHead(
        from source: StreamPointer, through count: Int, to target: StreamPointer, status: Int,
        contentType: BorrowedBytes, bodyBytes: Int?, isGzip: Bool, scratch: FieldScratch
    ) -> FieldList {
        var writer = FieldWriter(for: target, scratch: scratch)
        let digits = target.fields.reserve(24)
        let statusCount = Decimal.write(UInt64(status), to: digits)
        writer.put(Field(":status", value: BorrowedBytes(start: digits, count: statusCount), token: .status))
        writer.put("content-type", contentType, token: .contentType)
        putCompression(isGzip, &writer)
        if let bodyBytes {
            let lengthCount = Decimal.write(UInt64(bodyBytes), to: digits + 3)
            writer.put(
                Field(
                    "content-length", value: BorrowedBytes(start: digits + 3, count: lengthCount), token: .contentLength))
        }
        for index in 0..<count where source.fields.fields[index].isCallMetadata {
            writer.copy(source.fields.fields[index])
        }
        return writer.written
    }

    /// A cache has to know that another caller may get another form of the answer.
    private static func putCompression(_ isGzip: Bool, _ writer: inout FieldWriter) {
        if isGzip { writer.put(Field("content-encoding", "gzip", token: .contentEncoding)) }
        writer.put(Field("vary", "accept-encoding", token: .other))
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
