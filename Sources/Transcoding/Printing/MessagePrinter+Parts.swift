internal import Protobuf

/// Parts of a message that are a whole body.
extension MessagePrinter {
    /// The value of one field. Where it is not there: its default, and `null` for a message.
    func field(
        _ field: UnsafePointer<FieldSchema>, of message: UnsafePointer<MessageSchema>, _ bytes: WireCursor
    ) throws(Problem) {
        try trail.enter()
        trail.at(field)
        output.byte(UInt8(ascii: "{"))
        let first = pieces.count
        try gather(message, bytes, only: field)
        if pieces.count > first { try write(field, first..<pieces.count) }
        pieces.removeSubrange(first...)
        trail.leave()
        let prefix = 1 + Int(options.keepsProtoNames ? field.pointee.protoKeyCount : field.pointee.jsonKeyCount)
        if output.count > 1 {
            skipped = prefix
            return
        }
        skipped = 1
        switch field.pointee.shape {
        case .repeated: output.append("[]")
        case .map: output.append("{}")
        case .singular: if field.pointee.message == nil { defaultValue(of: field) } else { output.append("null") }
        }
    }

    /// The fields of a `google.api.HttpBody`, of which the last counts.
    static func httpBody(
        _ bytes: WireCursor
    ) throws(Problem) -> (contentType: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer) {
        var cursor = bytes
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        var result = (contentType: nothing, data: nothing)
        while !cursor.isAtEnd {
            let tag = try cursor.nextTag()
            switch tag {
            case 0x0A: result.contentType = try cursor.nextBytes()
            case 0x12: result.data = try cursor.nextBytes()
            default: try cursor.pass(tag)
            }
        }
        return result
    }
}

extension MessagePrinter {
    /// The details of a `google.rpc.Status`, its field 3, as far as they can be read.
    func details(_ status: WireCursor) {
        var cursor = status
        var isFirst = true
        while !cursor.isAtEnd {
            guard let tag = try? cursor.nextTag() else { return }
            guard tag == 0x1A else {
                guard (try? cursor.pass(tag)) != nil else { return }
                continue
            }
            guard let detail = try? cursor.nextBytes() else { return }
            let start = output.count
            if !isFirst { output.byte(UInt8(ascii: ",")) }
            trail.reset()
            if (try? any(WireCursor(detail))) == nil { output.truncate(to: start) } else { isFirst = false }
        }
    }
}
