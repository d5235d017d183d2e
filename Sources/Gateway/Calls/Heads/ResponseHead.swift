package import Bytes
internal import GRPC
package import HTTPModel
package import Snapshots

/// The answer's head and trailers on their way downstream, without what was for the upstream hop only.
package enum ResponseHead {
    private static var ok: Field { Field(":status", "200", token: .status) }

    /// Writes the head of `source`, an upstream stream, for `target`, the caller's.
    package static func write(
        from source: StreamPointer, to target: StreamPointer, status: Int, isInformational: Bool = false,
        scratch: FieldScratch
    ) -> FieldList {
        var writer = FieldWriter(for: target, scratch: scratch)
        if status == 200 {
            writer.put(ok)
        } else if let field = source.fields.first(.status) {
            writer.copy(field)
        }
        let head = source.fields.section(from: 0, to: isInformational ? source.fields.count : source.trailersStart)
        var index = 0
        while index < head.count {
            copyEndToEnd(head[index], &writer)
            index += 1
        }
        return writer.written
    }

    /// The trailers of `source`, in the scratch, with bytes in the arena of `target`.
    /// - Parameters:
    ///   - claims: on the way up, the names that only the gateway may say.
    ///   - rules: on the way up, what the route changes, which the caller does not say either.
    package static func trailers(
        from source: StreamPointer, to target: StreamPointer, without claims: Borrowed<ClaimHeaders>? = nil,
        _ rules: Borrowed<HeaderRules>? = nil, scratch: FieldScratch
    ) -> FieldList {
        var writer = FieldWriter(for: target, scratch: scratch)
        let trailers = source.fields.section(from: source.trailersStart, to: source.fields.count)
        var index = 0
        while index < trailers.count {
            let field = trailers[index]
            index += 1
            if let claims, claims({ $0.overwrites(field.nameBytes) }) { continue }
            if let rules, rules({ $0.dropsOfPeer(field) }) { continue }
            // It frames nothing here (RFC 9110, section 6.5.1).
            if field.token == .contentLength { continue }
            copyEndToEnd(field, &writer)
        }
        return writer.written
    }

    /// What is left of a message in trailers that are too large.
    static let messageBytesMax = 4096

    /// Drops everything but how a call ended from the section that begins at `start`: its status, and its message, cut.
    package static func dropDetails(of stream: StreamPointer, from start: Int, bytesMax: Int = .max) {
        stream.fields.removeAll(from: start) { field in
            switch field.token {
            case .status, .grpcStatus, .grpcMessage: false
            // Trailers have no type.
            case .contentType: start > 0
            default: true
            }
        }
        if start == 0 { stream.trailersStart = stream.fields.count }
        guard let index = (start..<stream.fields.count).first(where: { stream.fields[$0].token == .grpcMessage })
        else { return }
        var field = stream.fields[index]
        let others = FieldList(rebasing: stream.fields.all[start...]).listBytes - field.valueCount
        let room = min(messageBytesMax, max(0, bytesMax - others))
        guard field.valueCount > room else { return }
        field.valueCount = StatusFields.cutEncoded(field.valueBytes, to: room)
        stream.fields.replace(index, with: field)
        if field.valueCount == 0 { stream.fields.removeAll(from: start) { $0.token == .grpcMessage } }
    }

    @inline(__always)
    private static func copyEndToEnd(_ field: Field, _ writer: inout FieldWriter) {
        switch field.token {
        case .method, .scheme, .path, .authority, .status, .protocolName: return
        case .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade, .te: return
        case .proxyAuthorization, .proxyAuthenticate: return
        default: writer.copy(field)
        }
    }
}
